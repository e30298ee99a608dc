/* db_private: what db.c (libpq), db_event.c, db_block.c and db_value.c share; nobody else includes
 * it. */
#ifndef STORE_DB_PRIVATE_H
#define STORE_DB_PRIVATE_H

#include "mtagw/store/db.h"

/* A connection attempt, and an answer, that takes longer is given up: the server is as good as
 * gone. */
#define DB_CONNECT_MS (10 * 1000)
#define DB_REPLY_MS (60 * 1000)

/* Type OIDs of PostgreSQL's catalogue that parameters are declared with. */
enum db_oid {
	DB_OID_ANY = 0,
	DB_OID_BOOL = 16,
	DB_OID_BYTEA = 17,
	DB_OID_INT8 = 20,
	DB_OID_TEXT = 25,
	DB_OID_BOOL_ARRAY = 1000,
	DB_OID_BYTEA_ARRAY = 1001,
	DB_OID_TEXT_ARRAY = 1009,
	DB_OID_INT8_ARRAY = 1016,
};

/* Parameters in the wire's binary form, in an arena or in the caller's memory. */
struct db_wire {
	size_t count;
	unsigned *types; /* enum db_oid */
	const char **values;
	int *lengths;
	int *formats; /* all 1: binary */
};
/* copy: text and bytes are copied into the arena, else pointed to. */
void db_wire_encode(struct db_wire *wire, const struct db_param *params, size_t count, bool copy,
    struct arena *arena);

/* One value of a result as the wire has it; NULL p for SQL NULL. */
struct range db_result_value(const struct db_result *r, size_t row, int col);

/* Answers that are still to come, in order. */
enum db_op_kind { DB_OP_PREPARE, DB_OP_EXEC, DB_OP_SYNC };
struct db_prepared;
struct db_op {
	enum db_op_kind kind;
	const char *name;             /* of the statement, for the error text */
	struct db_prepared *prepared; /* DB_OP_PREPARE */
	void (*row_cb)(const struct db_result *result, void *ctx);
	void *ctx;
	struct db_result **keep_r; /* blocking side: the result is handed over here */
	bool answered;             /* its result came, the end mark not yet */
};

struct db_listener {
	struct db_listener *next;
	char *channel;
	void (*cb)(void *ctx);
	void *ctx;
	bool noticed; /* blocking side, until db_wait_notice tells */
};

enum db_link { DB_LINK_DOWN, DB_LINK_CONNECTING, DB_LINK_UP };
struct db_event; /* event side, db_event.c */

struct db {
	const struct settings *settings;
	char *role;
	struct loop *loop; /* NULL: blocking */
	struct db_event *event;

	enum db_link link;
	void *pg; /* libpq's connection */
	bool want_write;
	struct db_prepared *prepared; /* of this connection */
	struct db_op *ops;            /* ring of ops_size; the first at ops_head */
	size_t ops_head, ops_count, ops_size;
	bool flushed;       /* every byte up to the last sync was taken by the kernel */
	bool broken;        /* a statement could not be queued: the link counts as lost */
	bool segment_error; /* the server refused something since the last sync */
	bool rolled_back;   /* a COMMIT was answered with ROLLBACK */
	struct db_listener *listeners;

	/* blocking side */
	struct db_gather *gathers;    /* rows that leave before anything else (db_gather.c) */
	const struct stmt *kept_stmt; /* the gathered statement whose rows are wanted; NULL: none */
	struct db_result **kept_r;
	bool in_transaction, lost; /* lost: in the open transaction or queue */
	enum db_status last;
	char sqlstate[6];
	char message[400];
};

/* --- the link: db.c --- */
/* Starts connecting without waiting: -1 with error_r. */
int db_link_start(struct db *db, struct err *error_r);
/* 1 connected (pipeline mode on), 0 wait for the descriptor (write if want_write), -1 failed. */
int db_link_continue(struct db *db, struct err *error_r);
void db_link_close(struct db *db);
int db_link_fd(const struct db *db);
/* Queue into libpq's buffer. A failure shows at db_link_flush or db_link_read. */
void db_link_exec(
    struct db *db, const struct stmt *stmt, const struct db_wire *wire, struct db_op op);
void db_link_sql(struct db *db, const char *sql);
void db_link_sync(struct db *db);
/* 1 everything sent, 0 not yet, -1 lost. */
int db_link_flush(struct db *db);
/* Takes what has come: runs row callbacks; stops after each sync (*synced_r). 1 alive, -1 lost
 * (db->message tells). */
int db_link_read(struct db *db, bool *synced_r);
/* Script by the simple protocol; blocks. */
int db_link_script(struct db *db, const char *sql, struct err *error_r);

/* Sends, or forgets, the rows that were gathered. */
void db_gather_send(struct db *db);
void db_gather_drop(struct db *db);

/* --- sides --- */
struct db_event *db_event_new(struct db *db);
void db_event_free(struct db_event **event);
extern const struct stmt db_notify_stmt;

#endif
