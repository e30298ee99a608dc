/*
 * migrate: brings the schema forward, never back. The files at hand (built in, or of a directory
 * for trying a new one) must continue the list that public.schema_migration tells as applied: same
 * numbers, same hashes. A changed file would make two houses that call themselves the same and are
 * not, so it is refused before anything runs.
 */
#include "mtagw/store/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/codec.h"

static const char create_table[] =
    "create table if not exists public.schema_migration ("
    " n integer primary key, name text not null, sha256 text not null, at bigint not null);"
    " grant select on public.schema_migration to mtagw_ctl;";
static const struct stmt applied = {
    "migrate_applied", "select n, name, sha256 from public.schema_migration order by n"};
static const struct stmt partitions = {
    "migrate_partitions", "select mail.ensure_partitions($1::integer, $2::integer)"};
const struct stmt *const migrate_statements[] = {&applied, &partitions, NULL};

struct file {
	int n;
	char *name;
	struct buf sql;
	char sha256[SHA256_HEX_SIZE];
};
struct files {
	struct file *list;
	size_t count;
};

/* `0001_base.sql`: four digits, `_`, lower-case letters, digits and `_`. The number, or 0. The
 * narrow alphabet also makes the name safe inside SQL quotes. */
static int number_of(const char *name)
{
	size_t len = strlen(name);

	if (len < 10 || len > 100 || strcmp(name + len - 4, ".sql") != 0 || name[4] != '_' ||
	    strspn(name, "0123456789") != 4)
		return 0;
	if (5 + strspn(name + 5, "abcdefghijklmnopqrstuvwxyz0123456789_") != len - 4)
		return 0;
	return (int)strtol(name, NULL, 10);
}

static struct file *files_add(struct files *files, const char *name)
{
	struct file *file;

	files->list = mem_realloc(files->list, (files->count + 1) * sizeof(*files->list));
	file = &files->list[files->count++];
	*file = (struct file){.n = number_of(name), .name = mem_strdup(name)};
	return file;
}

static void files_free(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->list[i].name);
		buf_free(&files->list[i].sql);
	}
	free(files->list);
}

static int read_file(const char *dir, struct file *file, struct err *error_r)
{
	char *path = mem_printf("%s/%s", dir, file->name);
	FILE *f = fopen(path, "re");
	int rc = 1;

	if (f == NULL) {
		rc = err_set(error_r, "%s: %s", path, strerror(errno));
	} else {
		file->sql.len += fread(
		    buf_room(&file->sql, MIGRATE_FILE_BYTES_MAX), 1, MIGRATE_FILE_BYTES_MAX, f);
		file->sql.data[file->sql.len] = '\0';
		if (ferror(f) || !feof(f))
			rc = err_set(error_r, "%s: not readable, or above %d bytes", path,
			    MIGRATE_FILE_BYTES_MAX);
		fclose(f);
	}
	free(path);
	return rc;
}

static int read_dir(struct files *files, const char *dir, struct err *error_r)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 1;

	if (d == NULL)
		return err_set(error_r, "%s: %s", dir, strerror(errno));
	while (rc > 0 && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len < 4 || strcmp(e->d_name + len - 4, ".sql") != 0)
			continue;
		if (number_of(e->d_name) == 0 || files->count >= MIGRATE_FILES_MAX)
			rc = err_set(error_r, "%s/%s: not a migration's name (0001_word.sql)", dir,
			    e->d_name);
		else
			rc = read_file(dir, files_add(files, e->d_name), error_r);
	}
	closedir(d);
	return rc;
}

static int by_number(const void *a, const void *b)
{
	return ((const struct file *)a)->n - ((const struct file *)b)->n;
}

static int gather(struct files *files, const char *dir, struct err *error_r)
{
	if (dir != NULL) {
		if (read_dir(files, dir, error_r) < 0)
			return -1;
		if (files->count > 1)
			qsort(files->list, files->count, sizeof(*files->list), by_number);
	} else {
		for (const struct migrate_file *m = migrate_files; m->name != NULL; m++)
			buf_append(
			    &files_add(files, m->name)->sql, m->start, (size_t)(m->end - m->start));
	}
	for (size_t i = 0; i < files->count; i++) {
		struct file *file = &files->list[i];

		if (file->n != (int)i + 1)
			return err_set(
			    error_r, "migration %s: number %zu is due", file->name, i + 1);
		if (strlen(buf_str(&file->sql)) != file->sql.len)
			return err_set(error_r, "migration %s: NUL byte", file->name);
		codec_sha256_hex(file->sql.data, file->sql.len, file->sha256);
	}
	return 1;
}

/* How many of the files stand in the database, which must be the first ones and the same bytes: 1
 * or -1. */
static int compare(struct db *db, const struct files *files, size_t *applied_r, struct err *error_r)
{
	struct db_result *r = NULL;
	int rc = 1;

	if (db_query(db, &applied, NULL, 0, &r, error_r) < 0)
		return -1;
	*applied_r = db_rows(r);
	for (size_t i = 0; i < *applied_r && rc > 0; i++) {
		const char *name = db_get_text(r, i, 1);

		if (db_get_int(r, i, 0) != (int64_t)i + 1 || i >= files->count)
			rc = err_set(error_r,
			    "migration %s stands in the database and this program does not know it",
			    name);
		else if (strcmp(db_get_text(r, i, 2), files->list[i].sha256) != 0)
			rc = err_set(error_r,
			    "migration %s was changed after it was applied (%.12s then, %.12s "
			    "now); a change is a new file",
			    name, db_get_text(r, i, 2), files->list[i].sha256);
	}
	db_result_free(&r);
	return rc;
}

static int apply(struct db *db, const struct file *file, int64_t now_ms, struct err *error_r)
{
	struct buf script = {0};
	int rc;

	buf_append(&script, file->sql.data, file->sql.len);
	buf_printf(&script, "\n;insert into public.schema_migration values (%d, '%s', '%s', %lld)",
	    file->n, file->name, file->sha256, (long long)now_ms);
	rc = db_run_script(db, buf_str(&script), error_r);
	buf_free(&script);
	if (rc < 0)
		return err_prefix(error_r, "migration %s", file->name);
	return 1;
}

static int make_partitions(struct db *db, int64_t now_ms, struct err *error_r)
{
	int year = clock_city_date(now_ms).year;
	struct db_param params[] = {db_int(year - 1), db_int(year + 2)};

	return db_query(db, &partitions, params, 2, NULL, error_r);
}

int migrate_run(struct db *db, const char *dir, int64_t now_ms,
    void (*told)(int n, const char *name, void *ctx), void *ctx, struct err *error_r)
{
	struct files files = {0};
	size_t at = 0;
	int rc = gather(&files, dir, error_r);

	if (rc > 0)
		rc = db_run_script(db, create_table, error_r);
	if (rc > 0)
		rc = compare(db, &files, &at, error_r);
	for (; rc > 0 && at < files.count; at++) {
		rc = apply(db, &files.list[at], now_ms, error_r);
		if (rc > 0 && told != NULL)
			told(files.list[at].n, files.list[at].name, ctx);
	}
	if (rc > 0)
		rc = make_partitions(db, now_ms, error_r);
	files_free(&files);
	return rc;
}
