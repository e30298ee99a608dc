/*
 * load: reads a policy version whole or refuses it whole (DESIGN 10, 12). The index names the files
 * in their order: a renamed or forgotten file is an error, never a quietly smaller law. Every
 * defect is reported with file and line, all of them in one pass.
 */
#include "mtagw/policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/policy/policy_private.h"

/* More files than this is a wrong folder. */
#define FILES_MAX 200
#define FILE_BYTES_MAX (4 * 1024 * 1024)

/* --- files ------------------------------------------------------------------------------------ */

static int read_file(const char *dir, const char *name, struct arena *arena, struct range *bytes_r,
    struct err *error_r)
{
	const char *path = arena_printf(arena, "%s/%s", dir, name);
	FILE *file = fopen(path, "re");
	char *bytes;
	size_t n;

	if (file == NULL)
		return err_set(error_r, "%s: %s", path, strerror(errno));
	bytes = arena_alloc(arena, FILE_BYTES_MAX / 64);
	n = 0;
	for (size_t room = FILE_BYTES_MAX / 64;;) {
		size_t got = fread(bytes + n, 1, room - n, file);

		n += got;
		if (n < room)
			break;
		if (room >= FILE_BYTES_MAX) {
			(void)fclose(file);
			return err_set(error_r, "%s: larger than %d bytes", path, FILE_BYTES_MAX);
		}
		char *more = arena_alloc(arena, room * 2);
		memcpy(more, bytes, n);
		bytes = more;
		room *= 2;
	}
	(void)fclose(file);
	*bytes_r = (struct range){bytes, n};
	return 1;
}

static bool plain_name(const char *name)
{
	return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL;
}

int policy_read_dir(const char *policies_dir, const char *templates_dir, struct arena *arena,
    struct policy_file **files_r, size_t *count_r, struct err *error_r)
{
	struct policy_file *files = arena_alloc(arena, FILES_MAX * sizeof(*files));
	struct xml *xml;
	size_t n = 1;
	int rc = 1;

	const char *index = arena_printf(arena, "%s/index.xml", policies_dir);

	files[0].path = "policies/index.xml";
	if (read_file(policies_dir, "index.xml", arena, &files[0].bytes, error_r) < 0)
		return -1;
	xml = xml_parse(files[0].bytes, index, error_r);
	if (xml == NULL)
		return -1;
	for (struct xml_node *e = xml_first(xml_root(xml), NULL); rc == 1 && e != NULL;
	     e = xml_next(e, NULL)) {
		const char *path = xml_attr(e, "path", arena);
		bool template = strcmp(xml_name(e), "template") == 0;

		if (strcmp(xml_name(e), "switch") == 0)
			continue; /* read with the rest of the law */
		if (!template && strcmp(xml_name(e), "file") != 0) {
			rc = err_set(error_r,
			    "%s:%d: unknown element <%s>: write file, template or switch", index,
			    xml_line(e), xml_name(e));
			break;
		}
		if (path == NULL || !plain_name(path) || n == FILES_MAX) {
			rc = err_set(error_r, "%s:%d: <%s> needs path=, a name inside its folder",
			    index, xml_line(e), xml_name(e));
			break;
		}
		files[n].path =
		    arena_printf(arena, "%s/%s", template ? "templates" : "policies", path);
		rc = read_file(template ? templates_dir : policies_dir, path, arena,
		    &files[n++].bytes, error_r);
		if (rc < 0)
			(void)err_prefix(error_r, "%s:%d", index, xml_line(e));
	}
	xml_free(&xml);
	*files_r = files;
	*count_r = n;
	return rc;
}

bool policy_file(const struct policy *policy, const char *path, struct range *bytes_r)
{
	for (size_t i = 0; i < policy->file_count; i++)
		if (strcmp(policy->files[i].path, path) == 0) {
			*bytes_r = policy->files[i].bytes;
			return true;
		}
	return false;
}

static bool load_template(const char *name, void *ctx, struct range *bytes_r)
{
	struct loading *l = ctx;
	char path[300];

	(void)snprintf(path, sizeof(path), "templates/%s", name);
	return policy_file(l->policy, path, bytes_r);
}

static void load_one(struct loading *l, const struct policy_file *file)
{
	static const struct {
		const char *root;
		void (*load)(struct loading *, const struct xml_node *);
	} roots[] = {{"organisation", load_organisation}, {"types", load_types},
	    {"words", load_words}, {"rules", load_rules}, {"index", load_switches},
	    {"correspondents", load_correspondents}, {"commands", load_commands},
	    {"instructions", load_instructions}, {"urgencies", load_urgencies},
	    {"cases", load_cases}};
	struct err err;
	struct xml *xml;
	size_t i, n = strlen(file->path);

	l->path = file->path;
	if (n > 4 && strcmp(file->path + n - 4, ".xsl") == 0) {
		struct xslt *xslt =
		    xslt_parse(file->bytes, load_shown(l, file->path), load_template, l, &err);

		if (xslt == NULL) {
			buf_printf(&l->report->text, "%s\n", err.text);
			l->report->errors++;
		}
		xslt_free(&xslt);
		return;
	}
	xml = xml_parse(file->bytes, load_shown(l, file->path), &err);
	if (xml == NULL) {
		buf_printf(&l->report->text, "%s\n", err.text);
		l->report->errors++;
		return;
	}
	if (strcmp(xml_name(xml_root(xml)), "grammar") == 0) {
		load_schema_names(l, xml_root(xml));
	} else {
		check_content(l, xml_root(xml));
		for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
			if (strcmp(roots[i].root, xml_name(xml_root(xml))) == 0)
				break;
		if (i == sizeof(roots) / sizeof(roots[0]))
			load_error(l, xml_line(xml_root(xml)),
			    "<%s> is no policy: write organisation, types, words, rules, "
			    "correspondents, commands, instructions, urgencies or cases",
			    xml_name(xml_root(xml)));
		else
			roots[i].load(l, xml_root(xml));
	}
	xml_free(&xml);
}

struct policy *policy_load(
    const struct policy_file *files, size_t count, int version, struct policy_report *report_r)
{
	struct policy *policy = mem_zalloc(sizeof(*policy));
	struct loading l = {policy, report_r, ""};

	policy->arena = arena_new();
	policy->files = files;
	policy->file_count = count;
	policy->version = version;
	for (int schemas = 1; schemas >= 0;
	     schemas--) /* names of the schema first: rules are checked against them */
		for (size_t i = 0; i < count; i++) {
			bool schema = strstr(files[i].path, ".rng") != NULL;

			if (schema == (schemas == 1))
				load_one(&l, &files[i]);
		}
	check_organisation(&l);
	check_position_names(&l);
	check_calendar(&l);
	check_words(&l);
	check_rules(&l);
	check_numbering(&l);
	check_cases(&l);
	if (report_r->errors > 0)
		policy_free(&policy);
	return policy;
}

void policy_free(struct policy **policy)
{
	if (*policy == NULL)
		return;
	arena_free(&(*policy)->arena);
	free(*policy);
	*policy = NULL;
}

int policy_version(const struct policy *policy)
{
	return policy->version;
}
