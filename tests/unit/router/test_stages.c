/*
 * Steps of the router's stages that need no database: deliveries and notices of a plan, who is told
 * of a letter that waits, by which right a letter is signed, what a form carries. Ids come from a
 * block that is there already; signd does not answer. Run from the repository root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mtagw/base/settings.h"
#include "mtagw/router/letters.h"
#include "tests/unit/office/letter_samples.h"

#define NOW INT64_C(1795490000000) /* 2026-11-24 */

static struct policy_report report;
static struct law law;
static struct settings settings = {
    .domain = "dumai.example", .db_host = "/nonexistent", .db_name = "mtagw", .db_port = 5432};
static struct worker worker;

/* A fresh piece of work of the head of Diskominfo. */
static struct task task_of(const char *kind, int waits, const char *arg)
{
	struct arena *arena = arena_new();
	struct work *work = arena_alloc(arena, sizeof(*work));
	struct task t = {.work = work, .arena = arena, .now_ms = NOW, .law = &law};

	*work = (struct work){.id = 1, .ref = 77, .kind = kind, .arg = arg, .waits = waits};
	t.plan = arena_alloc(arena, sizeof(*t.plan));
	t.plan->exchanges = exchanges_new();
	t.message = (struct message){.id = 5,
	    .position = "kadis.diskominfo",
	    .login = "kadis.diskominfo@dumai.example",
	    .mime_message_id = "<asal@client.example>"};
	(void)err_set(&t.err, "seal key of surat.diskominfo@dumai.example has expired");
	return t;
}

static void end_task(struct task *t)
{
	exchanges_free(&t->plan->exchanges);
	arena_free(&t->arena);
}

static void deliveries_are_one_a_recipient(void **state)
{
	struct task t = task_of("finish", 0, "");
	struct pieces *pieces = pieces_new(t.arena);
	struct outgoing *out;
	int64_t id;

	(void)state;
	pieces_puts(pieces, "Subject: x\r\n\r\nisi\r\n");
	assert_int_equal(plan_outgoing(&worker, &t, "letter", "outside", pieces, "a@dumai.example",
	                     "<1@dumai.example>", "x", 77, &out),
	    1);
	assert_int_equal(
	    plan_delivery(&worker, &t, out, "a@Pelabuhan.example", "smtp", true, NULL, NULL), 1);
	assert_int_equal(
	    plan_delivery(&worker, &t, out, "a@Pelabuhan.example", "smtp", true, NULL, NULL), 1);
	assert_int_equal(
	    plan_delivery(&worker, &t, out, "b@dumai.example", "lmtp", false, "", NULL), 1);
	assert_int_equal(plan_outgoing_done(&worker, &t, out), 1);
	assert_int_equal(out->delivery_count, 2);
	assert_string_equal(out->deliveries[0].destination, "Pelabuhan.example");
	assert_string_equal(out->deliveries[1].destination, "lmtp");
	assert_string_equal(out->deliveries[1].return_path, "");
	/* the keyed return path names its delivery */
	assert_memory_equal(out->deliveries[0].return_path, "kembali+", 8);
	assert_int_equal(
	    token_read(&worker.token_key, TOKEN_DELIVERY,
	        arena_strndup(t.arena, out->deliveries[0].return_path + 8, TOKEN_CHARS), &id),
	    1);
	assert_true(id == out->deliveries[0].id);
	assert_false(out->eight_bit);
	assert_int_equal(out->size, 19);
	end_task(&t);
}

static void a_plan_has_its_limit(void **state)
{
	struct task t = task_of("finish", 0, "");
	struct pieces *pieces = pieces_new(t.arena);
	struct outgoing *out;
	int n = 0;

	(void)state;
	while (n <= PLAN_OUTGOING_MAX && plan_outgoing(&worker, &t, "letter", "inside", pieces,
	                                     "a@dumai.example", "<1@x>", "x", 77, &out) == 1)
		n++;
	assert_int_equal(n, PLAN_OUTGOING_MAX);
	assert_non_null(strstr(t.err.text, "more than"));
	end_task(&t);
}

static const struct outgoing *to(const struct task *t, const char *mailbox)
{
	const struct outgoing *found = NULL;

	for (size_t i = 0; i < t->plan->outgoing_count; i++)
		for (size_t k = 0; k < t->plan->outgoing[i]->delivery_count; k++)
			if (strcmp(t->plan->outgoing[i]->deliveries[k].recipient, mailbox) == 0) {
				assert_null(found); /* one each */
				found = t->plan->outgoing[i];
			}
	return found;
}

static void waiting_is_told_once(void **state)
{
	static const struct {
		const char *label, *kind, *arg;
		int waits;
		enum task_result result;
	} cases[] = {
	    {"first try", "route", "", 0, TASK_WAIT},
	    {"third", "route", "", 2, TASK_WAIT},
	    {"fourth", "route", "", 3, TASK_GO},
	    {"numbered", "render", "", 3, TASK_GO},
	    {"later, for whatever reason before", "finish", "", 9, TASK_GO},
	    {"told before", "route", "told", 3, TASK_WAIT},
	    {"told in an earlier stage", "finish", "told", 12, TASK_WAIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct task t = task_of(cases[i].kind, cases[i].waits, cases[i].arg);
		struct letter letter = sample_letter();
		enum task_result result;

		t.plan->message_state = "routed"; /* of the try in vain: not to be written */
		t.plan->next_kind = "number";
		result = waiting_task(&worker, &t, &letter, true);
		if (result != cases[i].result)
			fail_msg("%s: %d", cases[i].label, result);
		if (result == TASK_GO) {
			assert_int_equal(t.plan->outgoing_count, 3);
			assert_non_null(to(&t, "kadis.diskominfo@dumai.example"));
			assert_non_null(to(&t, "kasubbag-umum.diskominfo@dumai.example"));
			const struct outgoing *admin =
			    to(&t, "kasi-eoffice.diskominfo@dumai.example");
			assert_non_null(admin);
			assert_non_null(memmem(admin->literal.p, admin->literal.len, "has expired",
			    strlen("has expired")));
			assert_null(t.plan->message_state);
			assert_null(t.plan->next_kind); /* this row ends, */
			assert_true(t.plan->more_work); /* another one waits */
		}
		end_task(&t);
	}
}

static void clerk_who_writes_is_told_once(void **state)
{
	struct task t = task_of("route", 3, "");
	struct letter letter = sample_letter();

	(void)state;
	letter.position = "kasubbag-umum.diskominfo";
	assert_int_equal(waiting_task(&worker, &t, &letter, false), TASK_GO);
	assert_int_equal(t.plan->outgoing_count, 2);
	end_task(&t);
}

static void trial_without_signd_waits(void **state)
{
	struct task t = task_of("route", 0, "");
	struct letter letter = sample_letter();

	(void)state;
	assert_int_equal(letters_trial(&worker, &t, &letter), 0);
	assert_non_null(strstr(t.err.text, "signd does not answer"));
	letter.capacity = "on_behalf"; /* of nobody: no stylesheet prints that */
	assert_int_equal(letters_trial(&worker, &t, &letter), -1);
	assert_non_null(strstr(t.err.text, "delegator_block"));
	end_task(&t);
}

static void forms_carry_what_policy_says(void **state)
{
	struct task t = task_of("finish", 0, "");
	struct letter letter = sample_letter();
	struct letters_forms forms;

	(void)state;
	assert_int_equal(
	    letters_decide_forms(&worker, &t, &letter, "2026-11-24", false, &forms), 1);
	assert_true(forms.made[1] && forms.of[1].seal && forms.of[1].dkim && forms.of[1].pdf);
	assert_true(forms.made[0] && forms.of[0].seal && !forms.of[0].dkim && !forms.of[0].pdf);
	assert_true(forms.sealed && forms.pdf && forms.pdf_sealed);
	/* no law was valid on that day: no form, and the reason says which */
	assert_int_equal(
	    letters_decide_forms(&worker, &t, &letter, "2019-01-01", false, &forms), -1);
	assert_non_null(strstr(t.err.text, "outside form"));
	end_task(&t);
}

static void right_to_sign_comes_from_the_rule(void **state)
{
	static const struct {
		const char *label, *holder, *rule, *behalf;
		const char *capacity, *delegator, *via, *acting;
	} cases[] = {
	    {"own right", "substantive", NULL, NULL, "substantive", NULL, NULL, NULL},
	    {"said so", "substantive", "substantive", NULL, "substantive", NULL, NULL, NULL},
	    {"Plt.", "acting_vacant", NULL, NULL, "acting_vacant", NULL, NULL, NULL},
	    {"a.n.", "substantive", "on_behalf", "sekda", "on_behalf",
	        "SEKRETARIS DAERAH KOTA DUMAI", NULL, NULL},
	    {"Plh. a.n.", "acting_absent", "on_behalf", "sekda", "on_behalf",
	        "SEKRETARIS DAERAH KOTA DUMAI", NULL, "acting_absent"},
	    {"u.b.", "substantive", "sub_delegated", "walikota", "sub_delegated", "WALI KOTA DUMAI",
	        "SEKRETARIS DAERAH KOTA DUMAI", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct task t = task_of("route", 0, "");
		struct letter letter = sample_letter();
		struct policy_decision d = {
		    .allowed = true, .capacity = cases[i].rule, .behalf = cases[i].behalf};
		const char *got[] = {NULL, NULL, NULL, NULL};
		const char *wanted[] = {
		    cases[i].capacity, cases[i].delegator, cases[i].via, cases[i].acting};

		letter.position = "asisten3.setda";
		letter.capacity = cases[i].holder;
		letters_authority(&t, &letter, &d);
		got[0] = letter.capacity;
		got[1] = letter.delegator_block;
		got[2] = letter.via_block;
		got[3] = letter.holder_capacity;
		for (int k = 0; k < 4; k++)
			if ((got[k] == NULL) != (wanted[k] == NULL) ||
			    (got[k] != NULL && strcmp(got[k], wanted[k]) != 0))
				fail_msg("%s: %s, not %s", cases[i].label, got[k] ? got[k] : "-",
				    wanted[k] ? wanted[k] : "-");
		end_task(&t);
	}
}

static int set_up(void **state)
{
	struct policy_file *files;
	size_t count;
	struct err err;

	(void)state;
	law.arena = arena_new();
	law.version = 1;
	if (policy_read_dir("policies", "templates", law.arena, &files, &count, &err) < 0)
		return -1;
	law.policy = policy_load(files, count, 1, &report);
	if (law.policy == NULL)
		return -1;
	law.render = render_new(law.policy);
	worker = (struct worker){.settings = &settings,
	    .ids = {.next = 1, .end = 1000000},
	    .token_key = {{1, 2, 3}},
	    .db = db_new(&settings, "router", NULL),
	    .signer = signer_new("unix:/nonexistent/signd.sock", 100)};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	signer_free(&worker.signer);
	db_free(&worker.db);
	render_free(&law.render);
	policy_free(&law.policy);
	arena_free(&law.arena);
	buf_free(&report.text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(deliveries_are_one_a_recipient),
	    cmocka_unit_test(a_plan_has_its_limit),
	    cmocka_unit_test(waiting_is_told_once),
	    cmocka_unit_test(clerk_who_writes_is_told_once),
	    cmocka_unit_test(trial_without_signd_waits),
	    cmocka_unit_test(forms_carry_what_policy_says),
	    cmocka_unit_test(right_to_sign_comes_from_the_rule),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
