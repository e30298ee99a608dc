/*
 * db: the link to PostgreSQL, the only libpq code. One connection in pipeline mode: statements are
 * prepared at first use, sent one behind the other in binary form and answered in order; a sync
 * ends a segment, which is one transaction. Answers are matched with a ring of expected operations.
 * After a refusal the server skips to the next sync, and what was to be prepared meanwhile counts
 * as not prepared. The two ways of waiting stand elsewhere: db_event.c (loop) and db_block.c
 * (poll); the binary form of values in db_value.c.
 */
#include "mtagw/store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "mtagw/base/log.h"
#include "mtagw/store/db_private.h"

/* The roles' statements are few, prepared and by key: one plan for all their values, by index even
 * where a table was empty or unknown when the plan was made. */
#define ROLE_OPTIONS                                                                 \
	"-c jit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c " \
	"enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off"

struct db_result {
	PGresult *pg;
};

/* A statement with one set of parameter types: a NULL at the first use leaves a type open, so that
 * a later use with a value may need a second preparation. */
struct db_prepared {
	struct db_prepared *next;
	const struct stmt *stmt;
	char *name;
	size_t count;
	unsigned *types;
};

struct db *db_new(const struct settings *settings, const char *role, struct loop *loop)
{
	struct db *db = mem_zalloc(sizeof(*db));

	db->settings = settings;
	db->role = mem_strdup(role);
	db->loop = loop;
	db->last = DB_DONE;
	if (loop != NULL)
		db->event = db_event_new(db);
	return db;
}

void db_free(struct db **dbp)
{
	struct db *db = *dbp;

	*dbp = NULL;
	if (db == NULL)
		return;
	db_event_free(&db->event);
	db_gather_drop(db);
	db_link_close(db);
	while (db->listeners != NULL) {
		struct db_listener *l = db->listeners;

		db->listeners = l->next;
		free(l->channel);
		free(l);
	}
	free(db->ops);
	free(db->role);
	free(db);
}

bool db_connected(const struct db *db)
{
	return db->link == DB_LINK_UP;
}

const char *db_sqlstate(const struct db *db)
{
	return db->sqlstate;
}

const char *db_message(const struct db *db)
{
	return db->message;
}

enum db_status db_last(const struct db *db)
{
	return db->last;
}

/* libpq's texts end in a newline and may have several lines. */
static void set_message(struct db *db, const char *prefix, const char *text)
{
	size_t len;

	snprintf(db->message, sizeof(db->message), "%s%s%s", prefix, prefix[0] ? ": " : "", text);
	len = strlen(db->message);
	while (len > 0 && (db->message[len - 1] == '\n' || db->message[len - 1] == ' '))
		db->message[--len] = '\0';
	for (char *p = db->message; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
}

static void notice_processor(void *ctx, const char *text)
{
	(void)ctx;
	log_debug("db_notice text=\"%s\"", log_safe(text));
}

int db_link_start(struct db *db, struct err *error_r)
{
	const struct settings *s = db->settings;
	char port[16], user[64];
	struct err secret_err = {{0}};
	char *password = settings_secret(s, db->role, &secret_err);
	const char *keys[] = {"host", "port", "dbname", "user", "password", "application_name",
	    "client_encoding", "target_session_attrs", "tcp_user_timeout", "options", NULL};
	const char *values[] = {s->db_host, port, s->db_name, user, password, "mtagw", "UTF8",
	    "read-write", "30000", strcmp(db->role, "ctl") == 0 ? "-c jit=off" : ROLE_OPTIONS,
	    NULL};
	PGconn *pg;

	snprintf(port, sizeof(port), "%d", s->db_port);
	snprintf(user, sizeof(user), "mtagw_%s", db->role);
	if (password ==
	    NULL) /* the server decides whether it wants one; this line tells why there is none */
		log_debug("db_no_password role=%s reason=\"%s\"", user, secret_err.text);
	db_link_close(db);
	pg = PQconnectStartParams(keys, values, 0);
	if (password != NULL)
		mem_wipe(password, strlen(password));
	free(password);
	if (pg == NULL)
		return err_set(error_r, "database: no memory for a connection");
	db->pg = pg;
	if (PQstatus(pg) == CONNECTION_BAD) {
		set_message(db, "", PQerrorMessage(pg));
		db_link_close(db);
		return err_set(error_r, "database: %s", db->message);
	}
	PQsetNoticeProcessor(pg, notice_processor, NULL);
	db->link = DB_LINK_CONNECTING;
	db->want_write = true;
	return 1;
}

int db_link_continue(struct db *db, struct err *error_r)
{
	switch (PQconnectPoll(db->pg)) {
	case PGRES_POLLING_READING:
		db->want_write = false;
		return 0;
	case PGRES_POLLING_WRITING:
		db->want_write = true;
		return 0;
	case PGRES_POLLING_OK:
		break;
	default:
		set_message(db, "", PQerrorMessage(db->pg));
		db_link_close(db);
		return err_set(error_r, "database: %s", db->message);
	}
	if (PQsetnonblocking(db->pg, 1) != 0 || !PQenterPipelineMode(db->pg)) {
		set_message(db, "", PQerrorMessage(db->pg));
		db_link_close(db);
		return err_set(error_r, "database: pipeline mode: %s", db->message);
	}
	db->link = DB_LINK_UP;
	db->want_write = false;
	db->flushed = true;
	db->broken = false;
	db->segment_error = false;
	return 1;
}

void db_link_close(struct db *db)
{
	if (db->pg != NULL)
		PQfinish(db->pg);
	db->pg = NULL;
	db->link = DB_LINK_DOWN;
	db->want_write = false;
	db->ops_count = 0;
	while (db->prepared != NULL) {
		struct db_prepared *p = db->prepared;

		db->prepared = p->next;
		free(p->name);
		free(p->types);
		free(p);
	}
}

int db_link_fd(const struct db *db)
{
	return db->pg != NULL ? PQsocket(db->pg) : -1;
}

static void ops_push(struct db *db, struct db_op op)
{
	if (db->ops_count == db->ops_size) {
		size_t size = db->ops_size ? db->ops_size * 2 : 64;
		struct db_op *ops = mem_alloc(size * sizeof(*ops));

		for (size_t i = 0; i < db->ops_count; i++)
			ops[i] = db->ops[(db->ops_head + i) % db->ops_size];
		free(db->ops);
		db->ops = ops;
		db->ops_size = size;
		db->ops_head = 0;
	}
	db->ops[(db->ops_head + db->ops_count) % db->ops_size] = op;
	db->ops_count++;
}

static void ops_pop(struct db *db)
{
	db->ops_head = (db->ops_head + 1) % db->ops_size;
	db->ops_count--;
}

/* A preparation serves when each type is the same, or the value is NULL and has none. */
static bool serves(const struct db_prepared *p, const struct stmt *stmt, const struct db_wire *wire)
{
	if (p->stmt != stmt || p->count != wire->count)
		return false;
	for (size_t i = 0; i < wire->count; i++)
		if (wire->types[i] != DB_OID_ANY && wire->types[i] != p->types[i])
			return false;
	return true;
}

/* A statement could not even be queued: without it the rest must not be committed, so no sync is
 * sent any more and the next flush tells of a lost link. */
static void give_up(struct db *db, const char *name)
{
	if (!db->broken)
		set_message(db, name, PQerrorMessage(db->pg));
	db->broken = true;
}

static struct db_prepared *prepare(
    struct db *db, const struct stmt *stmt, const struct db_wire *wire)
{
	struct db_prepared *p;
	unsigned variant = 0;

	for (p = db->prepared; p != NULL; p = p->next) {
		if (serves(p, stmt, wire))
			return p;
		if (p->stmt == stmt)
			variant++;
	}
	p = mem_zalloc(sizeof(*p));
	p->stmt = stmt;
	p->name = mem_printf("%s/%u", stmt->name, variant);
	p->count = wire->count;
	p->types = mem_alloc((wire->count + 1) * sizeof(*p->types));
	if (wire->count > 0)
		memcpy(p->types, wire->types, wire->count * sizeof(*p->types));
	p->next = db->prepared;
	db->prepared = p;
	if (!PQsendPrepare(db->pg, p->name, stmt->sql, (int)wire->count, p->types))
		give_up(db, stmt->name);
	else
		ops_push(
		    db, (struct db_op){.kind = DB_OP_PREPARE, .name = stmt->name, .prepared = p});
	return p;
}

static void unprepare(struct db *db, struct db_prepared *gone)
{
	for (struct db_prepared **at = &db->prepared; *at != NULL; at = &(*at)->next) {
		if (*at != gone)
			continue;
		*at = gone->next;
		free(gone->name);
		free(gone->types);
		free(gone);
		return;
	}
}

void db_link_exec(
    struct db *db, const struct stmt *stmt, const struct db_wire *wire, struct db_op op)
{
	struct db_prepared *p;

	if (db->link != DB_LINK_UP || db->broken)
		return;
	p = prepare(db, stmt, wire);
	op.kind = DB_OP_EXEC;
	op.name = stmt->name;
	db->flushed = false;
	if (PQsendQueryPrepared(
	        db->pg, p->name, (int)wire->count, wire->values, wire->lengths, wire->formats, 1))
		ops_push(db, op);
	else
		give_up(db, stmt->name);
}

void db_link_sql(struct db *db, const char *sql)
{
	if (db->link != DB_LINK_UP || db->broken)
		return;
	db->flushed = false;
	if (PQsendQueryParams(db->pg, sql, 0, NULL, NULL, NULL, NULL, 1))
		ops_push(db, (struct db_op){.kind = DB_OP_EXEC, .name = "control"});
	else
		give_up(db, "control");
}

void db_link_sync(struct db *db)
{
	if (db->link != DB_LINK_UP || db->broken)
		return;
	db->flushed = false;
	if (PQpipelineSync(db->pg))
		ops_push(db, (struct db_op){.kind = DB_OP_SYNC, .name = "sync"});
	else
		give_up(db, "sync");
}

int db_link_flush(struct db *db)
{
	int rc;

	if (db->link != DB_LINK_UP || db->broken)
		return -1;
	rc = PQflush(db->pg);
	if (rc < 0) {
		set_message(db, "", PQerrorMessage(db->pg));
		return -1;
	}
	db->want_write = rc == 1;
	if (rc == 0)
		db->flushed = true;
	return rc == 0;
}

static void take_notices(struct db *db)
{
	PGnotify *notice;

	while ((notice = PQnotifies(db->pg)) != NULL) {
		for (struct db_listener *l = db->listeners; l != NULL; l = l->next) {
			if (strcmp(l->channel, notice->relname) != 0)
				continue;
			l->noticed = true;
			if (l->cb != NULL)
				l->cb(l->ctx);
		}
		PQfreemem(notice);
	}
}

/* The first refusal of a segment is the one that tells. */
static void take_refusal(struct db *db, const char *name, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	if (db->segment_error)
		return;
	db->segment_error = true;
	snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", state != NULL ? state : "");
	set_message(db, name, text != NULL ? text : PQresultErrorMessage(res));
}

static void take_rows(struct db *db, struct db_op *op, PGresult **res)
{
	struct db_result r = {*res};

	if (strcmp(PQcmdStatus(*res), "ROLLBACK") == 0)
		db->rolled_back = true;
	if (op->keep_r != NULL) {
		*op->keep_r = mem_zalloc(sizeof(**op->keep_r));
		(*op->keep_r)->pg = *res;
		*res = NULL;
	} else if (op->row_cb != NULL) {
		op->row_cb(&r, op->ctx);
	}
}

/* A result for the operation at the head: 1, or -1 when the link is lost. */
static int take_result(struct db *db, PGresult **res, bool *synced_r)
{
	struct db_op op = db->ops[db->ops_head];

	switch (PQresultStatus(*res)) {
	case PGRES_PIPELINE_SYNC:
		if (op.kind != DB_OP_SYNC)
			break;
		ops_pop(db);
		*synced_r = true;
		return 1;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		db->ops[db->ops_head].answered = true;
		if (op.kind == DB_OP_EXEC)
			take_rows(db, &op, res);
		return 1;
	case PGRES_PIPELINE_ABORTED:
		db->ops[db->ops_head].answered = true;
		if (op.kind == DB_OP_PREPARE)
			unprepare(db, op.prepared);
		return 1;
	default:
		break;
	}
	if (PQstatus(db->pg) == CONNECTION_BAD) {
		set_message(db, "", PQresultErrorMessage(*res));
		return -1;
	}
	take_refusal(db, op.name, *res);
	db->ops[db->ops_head].answered = true;
	if (op.kind == DB_OP_PREPARE)
		unprepare(db, op.prepared);
	return 1;
}

int db_link_read(struct db *db, bool *synced_r)
{
	*synced_r = false;
	if (db->link != DB_LINK_UP)
		return -1;
	if (!PQconsumeInput(db->pg)) {
		set_message(db, "", PQerrorMessage(db->pg));
		return -1;
	}
	take_notices(db);
	while (db->ops_count > 0 && !*synced_r && !PQisBusy(db->pg)) {
		PGresult *res = PQgetResult(db->pg);
		int rc = 1;

		if (res != NULL) {
			rc = take_result(db, &res, synced_r);
			PQclear(res);
		} else if (db->ops[db->ops_head].answered) {
			ops_pop(db); /* a NULL ends the answer of one statement */
		} else if (PQstatus(db->pg) == CONNECTION_BAD) {
			rc = -1;
		} else {
			break;
		}
		if (rc < 0)
			return -1;
	}
	take_notices(db); /* those that came behind the answers */
	if (db->ops_count == 0 && PQstatus(db->pg) == CONNECTION_BAD) {
		set_message(db, "", PQerrorMessage(db->pg));
		return -1;
	}
	return 1;
}

int db_link_script(struct db *db, const char *sql, struct err *error_r)
{
	PGresult *res;
	int rc = 1;

	if (!PQexitPipelineMode(db->pg))
		return err_set(error_r, "database: %s", PQerrorMessage(db->pg));
	PQsetnonblocking(db->pg, 0);
	res = PQexec(db->pg, sql); /* several statements: one implicit transaction */
	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
		take_refusal(db, "script", res);
		rc = err_set(error_r, "%s (%s)", db->message, db->sqlstate);
		db->segment_error = false;
	}
	PQclear(res);
	if (PQsetnonblocking(db->pg, 1) != 0 || !PQenterPipelineMode(db->pg))
		db_link_close(db);
	return rc;
}

size_t db_rows(const struct db_result *r)
{
	return (size_t)PQntuples(r->pg);
}

int64_t db_affected(const struct db_result *r)
{
	return strtoll(PQcmdTuples(r->pg), NULL, 10);
}

struct range db_result_value(const struct db_result *r, size_t row, int col)
{
	if (row >= (size_t)PQntuples(r->pg) || col < 0 || col >= PQnfields(r->pg)) {
		log_error("db_result row=%zu col=%d: no such value", row, col);
		return (struct range){0};
	}
	if (PQgetisnull(r->pg, (int)row, col))
		return (struct range){0};
	return (struct range){
	    PQgetvalue(r->pg, (int)row, col), (size_t)PQgetlength(r->pg, (int)row, col)};
}

void db_result_free(struct db_result **r)
{
	if (*r == NULL)
		return;
	PQclear((*r)->pg);
	free(*r);
	*r = NULL;
}
