/*
 * worker: one sequential process of the router's pool. It claims a batch, prepares each piece of
 * work (a stage is a plain function of one letter), and commits the stage for the whole batch in
 * one transaction that begins with the fence (work_hold) and with the question whether the law
 * changed. A batch that the server refuses is done again piece by piece; a piece that is refused
 * alone waits with its reason. Nothing here blocks under a lock but the commit itself.
 *
 * Rounds: route and number -> (commit T1 and T2) -> finish -> (commit T3); a piece of work goes
 * through them without being claimed again, and any crash between two rounds leaves a row that says
 * which round comes next.
 */
#include "mtagw/router/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/crash.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/base/xml.h"
#include "mtagw/router/intake.h"
#include "mtagw/router/order.h"
#include "mtagw/router/plan.h"
#include "mtagw/store/policy_store.h"

#define IDLE_POLL_MS 1000 /* safety net beside NOTIFY */
#define WAIT_MIN_MS 1000  /* first back-off of work put back */
#define WAIT_MAX_MS (60 * 1000)
#define DATABASE_AWAY_MS 500 /* between two tries while PostgreSQL is gone */

/* --- the law ---------------------------------------------------------------------------------- */

static struct law *law_known(struct worker *w, int version)
{
	for (int i = 0; i < WORKER_LAWS_MAX; i++)
		if (w->laws[i].policy != NULL && w->laws[i].version == version)
			return &w->laws[i];
	return NULL;
}

static void law_end(struct law *law)
{
	render_free(&law->render);
	policy_free(&law->policy);
	arena_free(&law->arena);
	*law = (struct law){0};
}

struct law *worker_law(struct worker *w, int version, struct err *error_r)
{
	struct arena *arena;
	struct policy_file *files;
	struct policy_report report = {0};
	struct law *law;
	size_t count;

	if (version == 0 && policy_store_active(w->db, &version, error_r) != 1)
		return NULL;
	if ((law = law_known(w, version)) != NULL)
		return law;
	arena = arena_new();
	if (policy_store_load(w->db, version, arena, &files, &count, error_r) != 1) {
		arena_free(&arena);
		return NULL;
	}
	law = &w->laws[0];
	law_end(&w->laws[WORKER_LAWS_MAX - 1]);
	memmove(&w->laws[1], &w->laws[0], (WORKER_LAWS_MAX - 1) * sizeof(w->laws[0]));
	*law = (struct law){.arena = arena, .version = version};
	law->policy = policy_load(files, count, version, &report);
	if (law->policy == NULL) {
		(void)err_set(error_r, "policy version %d does not load: %.300s", version,
		    buf_str(&report.text));
		buf_free(&report.text);
		law_end(law);
		return NULL;
	}
	buf_free(&report.text);
	law->render = render_new(law->policy);
	log_info("policy-loaded version=%d", version);
	return law;
}

/* --- the claim ---------------------------------------------------------------------------------
 */

/* A batch of pages on a busy machine takes longer than a lease: its worker is alive and says so, or
 * the pieces would count as ones that kill. */
static void beat(void *ctx)
{
	struct worker *w = ctx;
	int64_t lease_ms = (int64_t)w->settings->lease_secs * 1000;
	const struct work **list;
	struct err err;

	if (w->claim_count == 0 || clock_mono_ms() - w->beat_mono_ms < lease_ms / 3)
		return;
	w->beat_mono_ms = clock_mono_ms();
	list = mem_alloc(w->claim_count * sizeof(*list));
	for (size_t i = 0; i < w->claim_count; i++)
		list[i] = &w->claims[i];
	if (work_renew(w->db, list, w->claim_count, w->owner, clock_now_ms() + lease_ms, &err) < 0)
		log_warn("claims-not-renewed pieces=%zu reason=\"%s\"", w->claim_count,
		    log_safe(err.text));
	free(list);
}

/* --- one batch -------------------------------------------------------------------------------- */

static int64_t wait_ms(int waits)
{
	int64_t ms = WAIT_MIN_MS << (waits < 6 ? waits : 6);

	return ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
}

/* Puts one piece back with its reason; the first time with a row in the trail, so that nobody
 * wonders. */
static void put_back(struct worker *w, struct task *t)
{
	struct exchanges *list = exchanges_new();
	const char *details[] = {"reason", t->err.text, NULL};
	struct exchange x = {.at_ms = t->now_ms,
	    .event = "StageWaiting",
	    .outcome = "waiting",
	    .message_id = t->message.id,
	    .code = t->work->kind};
	struct err err;

	if (strcmp(t->work->kind, "route") != 0 && strcmp(t->work->kind, "remind") != 0)
		x.letter_id = t->work->ref;
	if (t->work->waits == 0) {
		log_warn("work-waits work=%lld kind=%s reason=\"%s\"", (long long)t->work->id,
		    t->work->kind, log_safe(t->err.text));
		if (db_begin(w->db, &err) == 1) {
			if (exchanges_add(list, w->db, &w->ids, &x, details, &err) == 1)
				exchanges_queue(list, w->db);
			(void)db_commit(w->db, &err);
		}
	}
	exchanges_free(&list);
	CRASH_POINT("router-wait-before-commit");
	if (work_wait(w->db, t->work, w->owner, t->now_ms + wait_ms(t->work->waits), t->err.text,
	        &err) < 0)
		w->holding = true;
	CRASH_POINT("router-wait-after-commit");
}

static void set_aside(struct worker *w, struct work *work, const char *reason, int64_t now_ms)
{
	struct exchanges *list = exchanges_new();
	const char *details[] = {"reason", reason, NULL};
	struct exchange x = {
	    .at_ms = now_ms, .event = "Quarantined", .outcome = "done", .code = work->kind};
	struct err err = {{0}};

	if (strcmp(work->kind, "route") == 0)
		x.message_id = work->ref;
	else if (strcmp(work->kind, "failure") != 0 && strcmp(work->kind, "remind") != 0)
		x.letter_id = work->ref;
	log_error("quarantined work=%lld kind=%s ref=%lld reason=\"%s\"", (long long)work->id,
	    work->kind, (long long)work->ref, log_safe(reason));
	if (db_begin(w->db, &err) == 1 &&
	    exchanges_add(list, w->db, &w->ids, &x, details, &err) == 1) {
		work_queue_quarantine(w->db, work, reason);
		if (x.message_id != 0)
			message_queue_state(w->db, x.message_id, "quarantined", 0, reason);
		exchanges_queue(list, w->db);
	}
	CRASH_POINT("router-quarantine-before-commit");
	if (db_commit(w->db, &err) < 0)
		log_warn("quarantine-not-written work=%lld reason=\"%s\"", (long long)work->id,
		    log_safe(err.text));
	CRASH_POINT("router-quarantine-after-commit");
	exchanges_free(&list);
}

/* A letter that was decided is numbered in the same commit: nothing stands between T1 and T2. What
 * holds numbering holds the decision, too, and nothing was spent. */
static enum task_result number_at_once(struct worker *w, struct task *t)
{
	struct message written = t->message;
	enum task_result result = number_task(w, t);

	t->message = written;
	if (t->plan->letter == NULL) /* an answer's bytes are not the letter's */
		t->source = (struct range){0};
	if (result == TASK_GO && t->number != NULL && t->plan->letter != NULL)
		t->plan->letter->state = "numbered";
	return result;
}

static void prepare(struct worker *w, struct task *t)
{
	static const struct {
		const char *kind;
		enum task_result (*run)(struct worker *, struct task *);
	} stages[] = {{"route", route_task}, {"number", number_task}, {"finish", finish_task},
	    {"render", finish_task}, {"register", register_task}, {"present", present_task},
	    {"list", list_task}, {"failure", failure_task}, {"remind", remind_task}};

	t->now_ms = clock_now_ms();
	t->plan = arena_alloc(t->arena, sizeof(*t->plan));
	t->plan->exchanges = exchanges_new();
	t->number = NULL;
	t->err.text[0] = '\0';
	t->law = worker_law(w, w->law_version, &t->err);
	t->result = TASK_WAIT;
	for (size_t i = 0; t->law != NULL && i < sizeof(stages) / sizeof(stages[0]); i++)
		if (strcmp(stages[i].kind, t->work->kind) == 0) {
			t->result = stages[i].run(w, t);
			break;
		}
	if (t->result == TASK_GO && t->plan->next_kind != NULL &&
	    strcmp(t->plan->next_kind, "number") == 0)
		t->result = number_at_once(w, t);
}

/* What a commit is called where it can be made to die: that of a letter decided and numbered at
 * once is the number's. */
static const char *crash_kind(const struct task *t)
{
	return t->number != NULL && t->number->series != NULL ? "number" : t->work->kind;
}

/* The transaction of one stage for these tasks: 1 committed, 0 refused (do it again one by one), -1
 * not ours or database away. */
static int commit_stage(struct worker *w, struct task **list, size_t count, struct err *error_r)
{
	const struct work **works = mem_alloc((count + 1) * sizeof(*works));
	struct number_item *items = mem_zalloc((count + 1) * sizeof(*items));
	struct exchanges *rows = exchanges_new();
	size_t numbers = 0;
	int rc, version = 0;

	for (size_t i = 0; i < count; i++)
		works[i] = list[i]->work;
	rc = db_begin(w->db, error_r);
	if (rc == 1)
		rc = work_hold(w->db, works, count, w->owner, error_r);
	free(works);
	if (rc == 0)
		(void)err_set(error_r, "lease lost to another worker");
	if (rc == 1)
		rc = policy_store_active(w->db, &version, error_r);
	for (size_t i = 0; rc == 1 && i < count; i++) {
		if (list[i]->plan->deciding && list[i]->law->version != version) {
			db_rollback(w->db);
			free(items);
			exchanges_free(&rows);
			return 0; /* another law: decide again */
		}
		plan_queue(w, list[i]);
		exchanges_move(rows, list[i]->plan->exchanges);
		if (list[i]->number != NULL)
			items[numbers++] = *list[i]->number;
	}
	if (rc == 1)
		exchanges_queue(rows, w->db);
	exchanges_free(&rows);
	for (size_t i = 0; rc == 1 && i < count; i++)
		CRASH_POINT_OF("router", crash_kind(list[i]), "before-commit");
	if (rc != 1) {
		bool refused = db_last(w->db) == DB_REFUSED && rc == -1;

		db_rollback(w->db);
		free(items);
		return refused ? 0 : -1;
	}
	if (numbers == 0)
		rc = db_commit(w->db, error_r);
	else /* T2 */
		rc = letter_row_commit_numbers(w->db, items, numbers, list[0]->arena, error_r);
	for (size_t i = 0, n = 0; rc == 1 && i < count; i++)
		if (list[i]->number != NULL)
			*list[i]->number = items[n++];
	free(items);
	return rc == 1 ? 1 : db_last(w->db) == DB_REFUSED ? 0 : -1;
}

static void notify(struct worker *w, struct task **list, size_t count)
{
	bool deliveries = false, work = false;

	for (size_t i = 0; i < count; i++) {
		deliveries |= list[i]->plan->outgoing_count > 0;
		work |= list[i]->plan->register_count > 0 || list[i]->plan->more_work;
	}
	if (deliveries)
		db_notify(w->db, "mtagw_delivery");
	if (work)
		db_notify(w->db, "mtagw_work");
}

static void run_round(struct worker *w, struct task *tasks, size_t count, bool alone);

/* What this worker does next with a committed piece: another round, or nothing (done, or a render
 * worker's). */
static bool goes_on(struct worker *w, const struct task *t)
{
	return t->plan->next_kind != NULL &&
	       (strcmp(t->plan->next_kind, "render") != 0 || w->renders);
}

/* The number that was given, for the stage that goes on with it. */
static void take_number(struct task *t)
{
	if (t->number == NULL || t->row == NULL)
		return;
	t->row->number = t->number->number;
	t->row->date = t->number->letter_date;
}

static void after_commit(struct worker *w, struct task **list, size_t count)
{
	struct task *next = mem_zalloc((count + 1) * sizeof(*next));
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		CRASH_POINT_OF("router", crash_kind(list[i]), "after-commit");
	notify(w, list, count);
	for (size_t i = 0; i < count; i++) {
		take_number(list[i]);
		if (goes_on(w, list[i])) {
			list[i]->work->kind = list[i]->plan->next_kind;
			list[i]->work->ref = list[i]->plan->next_ref;
			next[n++] = (struct task){.work = list[i]->work,
			    .arena = list[i]->arena,
			    .source = list[i]->source,
			    .row = list[i]->row,
			    .letter = list[i]->letter};
		} else if (list[i]->plan->next_kind != NULL) {
			struct err err;
			if (work_hand_over(w->db, list[i]->work, w->owner, clock_now_ms(), &err) ==
			    1)
				db_notify(w->db, "mtagw_render");
			CRASH_POINT("router-handover-after-commit");
		}
	}
	if (n > 0)
		run_round(w, next, n, false);
	free(next);
}

/* One look for the whole round: the law that stands, and the mails that are new. What it does not
 * give (the database is away, a large body) is asked for again by the stage that wants it. */
static void look_ahead(struct worker *w, struct task *tasks, size_t count)
{
	int64_t *ids = arena_alloc(tasks[0].arena, count * sizeof(*ids));
	struct message *messages = arena_alloc(tasks[0].arena, count * sizeof(*messages));
	struct range *bodies = arena_alloc(tasks[0].arena, count * sizeof(*bodies));
	struct err err;
	size_t n = 0;

	w->holders = NULL;
	if (policy_store_active(w->db, &w->law_version, &err) != 1)
		w->law_version = 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(tasks[i].work->kind, "route") == 0)
			ids[n++] = tasks[i].work->ref;
	if (n == 0 || message_load_many(w->db, ids, n, tasks[0].arena, messages, bodies, &err) != 1)
		return;
	n = 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(tasks[i].work->kind, "route") == 0) {
			tasks[i].message = messages[n];
			tasks[i].source = bodies[n++];
		}
}

/* Prepares and commits one stage for all tasks; those that go on are run again for the next stage.
 */
static void run_round(struct worker *w, struct task *tasks, size_t count, bool alone)
{
	struct task **go = mem_zalloc((count + 1) * sizeof(*go));
	struct err err = {{0}};
	size_t n = 0;
	int rc;

	look_ahead(w, tasks, count);
	for (size_t i = 0; i < count; i++) {
		prepare(w, &tasks[i]);
		beat(w);
		if (tasks[i].result == TASK_GO)
			go[n++] = &tasks[i];
		else if (tasks[i].result == TASK_WAIT)
			put_back(w, &tasks[i]);
		else
			set_aside(w, tasks[i].work, tasks[i].err.text, tasks[i].now_ms);
	}
	rc = n > 0 ? commit_stage(w, go, n, &err) : 1;
	if (rc == 1 && n > 0)
		after_commit(w, go, n);
	for (size_t i = 0; i < count; i++) {
		exchanges_free(&tasks[i].plan->exchanges);
		xml_free(&tasks[i].document);
	}
	if (rc == 0 && n > 1) {
		for (size_t i = 0; i < n; i++) {
			struct task single = {.work = go[i]->work, .arena = go[i]->arena};

			run_round(w, &single, 1, true);
		}
	} else if (rc == 0 && !alone) {
		struct task single = {.work = go[0]->work, .arena = go[0]->arena};

		run_round(w, &single, 1, true);
	} else if (rc == 0) {
		(void)err_set(&go[0]->err, "the database refused it: %.400s", err.text);
		put_back(w, go[0]);
	} else if (rc < 0) {
		w->holding = true;
		log_warn("stage-not-committed pieces=%zu reason=\"%s\"", n, log_safe(err.text));
	}
	free(go);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* One claim and its rounds: the number of pieces claimed, -1 database away. */
static int turn(struct worker *w, bool alone)
{
	static const char *const route_kinds[] = {
	    "route", "number", "finish", "register", "present", "list", "failure", "remind"};
	static const char *const render_kinds[] = {"render"};
	struct arena *arena = arena_new();
	struct work *list = NULL, quarantined;
	struct err err;
	size_t count = 0;
	int rc;

	rc = work_claim(w->db, w->renders ? render_kinds : route_kinds,
	    w->renders ? 1 : sizeof(route_kinds) / sizeof(route_kinds[0]),
	    w->renders ? 1 : w->settings->router_batch, alone, w->owner, clock_now_ms(),
	    (int64_t)w->settings->lease_secs * 1000, arena, &list, &count, &quarantined, &err);
	if (rc < 0)
		log_warn("claim-failed reason=\"%s\"", log_safe(err.text));
	if (rc == 1 && quarantined.id != 0)
		set_aside(w, &quarantined, "two workers died on it", clock_now_ms());
	if (rc == 1 && count > 0) {
		struct task *tasks = mem_zalloc(count * sizeof(*tasks));

		CRASH_POINT("router-after-claim");
		w->claims = list;
		w->claim_count = count;
		w->beat_mono_ms = clock_mono_ms();
		for (size_t i = 0; i < count; i++)
			tasks[i] = (struct task){.work = &list[i], .arena = arena};
		run_round(w, tasks, count, count == 1);
		free(tasks);
		w->claim_count = 0;
	}
	arena_free(&arena);
	return rc < 0 ? -1 : (int)count + (quarantined.id != 0);
}

static void worker_open(
    struct worker *w, struct role *role, const struct glyphs *glyphs, bool render, int index)
{
	char host[32] = "";
	struct err err;

	*w = (struct worker){
	    .role = role, .settings = role->settings, .glyphs = glyphs, .renders = render};
	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(w->owner, sizeof(w->owner), "%s:%d:%d:%lld", host, (int)getpid(), index,
	    (long long)clock_mono_ms());
	clock_set_offset_ms(w->settings->clock_offset_secs * 1000);
	if (token_key_load(w->settings, &w->token_key, &err) < 0)
		log_fatal("%s", err.text);
	w->db = db_new(w->settings, "router", NULL);
	w->signer = signer_new(
	    arena_printf(arena_new(), "unix:%s/signd.sock", w->settings->runtime_dir), 10000);
	w->verifier = verifier_new(w->settings);
	if (render) {
		w->pdf = pdf_new(w->settings->runtime_dir);
		pdf_set_beat(w->pdf, beat, w);
	}
}

void worker_run(struct role *role, const struct glyphs *glyphs, bool render, int index)
{
	const char *channel = render ? "mtagw_render" : "mtagw_work";
	struct worker w;
	struct err err;

	worker_open(&w, role, glyphs, render, index);
	sandbox_enter(w.settings, "router-worker");
	while (!role_draining()) {
		if (w.holding && work_release_own(w.db, w.owner, clock_now_ms(), &err) == 1)
			w.holding = false;
		int fresh = turn(&w, false);
		int again = fresh == 0 ? turn(&w, true) : 0;

		if (fresh < 0 || again < 0)
			(void)usleep(DATABASE_AWAY_MS * 1000);
		else if (fresh == 0 && again == 0) {
			if (work_release_expired(w.db, clock_now_ms(), &err) <= 0)
				(void)db_wait_notice(w.db, channel, -1, IDLE_POLL_MS);
		}
	}
	pdf_free(&w.pdf);
	signer_free(&w.signer);
	verifier_free(&w.verifier);
	for (int i = 0; i < WORKER_LAWS_MAX; i++)
		law_end(&w.laws[i]);
	db_free(&w.db);
}
