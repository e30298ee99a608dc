/* worker: a sequential router process: claims work, runs stages, commits them for a whole batch
 * (DESIGN 4). */
#ifndef ROUTER_WORKER_H
#define ROUTER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/base/role.h"
#include "mtagw/crypto/signer.h"
#include "mtagw/crypto/verifier.h"
#include "mtagw/office/glyphs.h"
#include "mtagw/office/render.h"
#include "mtagw/office/token.h"
#include "mtagw/policy/policy.h"
#include "mtagw/store/db.h"
#include "mtagw/store/exchange.h"
#include "mtagw/store/id.h"
#include "mtagw/store/message.h"
#include "mtagw/store/work.h"

#define WORKER_LAWS_MAX \
	4 /* policy versions kept loaded: letters finish under the one they were numbered under */

struct law {
	struct policy *policy;
	struct render *render;
	struct arena *arena; /* its files */
	int version;
};
struct worker {
	struct role *role;
	const struct settings *settings;
	struct db *db;
	struct ids ids;
	struct law laws[WORKER_LAWS_MAX]; /* newest first */
	int law_version;                  /* active when the round began; 0: ask */
	struct holder_known *holders;     /* asked in this round (signatory.c) */
	struct signer *signer;
	struct verifier *verifier;
	struct pdf *pdf;             /* render workers only */
	const struct glyphs *glyphs; /* NULL: no font is installed */
	struct token_key token_key;
	bool renders;   /* a render worker: claims kind render, none else */
	bool holding;   /* a stage was not committed: claims of ours stand that nobody works on */
	char owner[64]; /* host:pid:start, unique */
	/* what this turn claimed; its lease is renewed while we work on it */
	const struct work *claims;
	size_t claim_count;
	int64_t beat_mono_ms; /* of the last renewal */
};

enum task_result {
	TASK_GO,    /* plan stands: commit it */
	TASK_WAIT,  /* nothing to commit: put back with the reason in err */
	TASK_BROKEN /* cannot be done: quarantined with the reason in err */
};
struct plan;
struct mime_part;
struct letter;
struct letter_row;
struct xml;
struct task {
	struct work *work;
	struct arena *arena;
	int64_t now_ms;
	struct plan *plan;
	struct law *law;
	struct message message; /* of kind route */
	/* What an earlier stage of this claim, or the look ahead of the batch, has at hand already;
	 * a stage that finds none reads it. */
	struct range source; /* the bytes of the mail */
	struct letter_row *row;
	const struct letter *letter;
	struct number_item *number; /* of kind number */
	struct err err;
	enum task_result result;
	/* letter.xml of the letter last asked for, and that letter as it was (letters.c) */
	struct xml *document;
	const struct letter *document_of;
	const char *blank_number, *blank_date; /* what stands where numbering has not been yet */
};

/* Runs until TERM. glyphs: of the pool, may be NULL. render: a render worker. */
void worker_run(struct role *role, const struct glyphs *glyphs, bool render, int index);
/* The law of a version (0: the active one, asked from the database). NULL and error_r: database
 * away, or the version does not load. */
struct law *worker_law(struct worker *w, int version, struct err *error_r);

/* Stages: fill task->plan and say what becomes of the task. Each reads top to bottom. */
enum task_result route_task(struct worker *w, struct task *t); /* route.c: a message, T1 */
enum task_result prompt_task(
    struct worker *w, struct task *t, const struct mime_part *root, const char *detail);
enum task_result intake_task(struct worker *w, struct task *t, struct range bytes);
enum task_result number_task(struct worker *w, struct task *t); /* number.c: T2 */
enum task_result finish_task(struct worker *w, struct task *t); /* finish.c: forms, T3 */
enum task_result register_task(
    struct worker *w, struct task *t); /* number.c: a recipient agency's agenda */
enum task_result failure_task(struct worker *w, struct task *t); /* failure.c */

#endif
