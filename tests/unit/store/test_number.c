/* Numbering against a real server: numbers go up without a gap, and a pattern that would print one
 * twice in a series and year is refused, with nothing counted for it. */
#include "test_db.h"

#include "mtagw/store/id.h"
#include "mtagw/store/letter_row.h"
#include "mtagw/store/migrate.h"

#define AGENCY "UJI"

static struct db *owner, *router;
static struct arena *arena;
static struct ids ids;
static const char *series;

static int64_t new_id(void)
{
	struct err error;
	int64_t id;

	ASSERT_DONE(ids_next(&ids, router, clock_now_ms(), &id, &error), error);
	return id;
}

static int64_t make_letter(void)
{
	int64_t id = new_id();
	struct err error;

	ASSERT_DONE(
	    db_run_script(owner,
	        arena_printf(arena,
	            "insert into office.letter (id, message_id, type, scope, direction, state,"
	            " state_at, agency, position, login, subject, summary, classification_code,"
	            " security_class, urgency, xml, canonical_sha256, mime_message_id,"
	            " policy_version, rule_id, created_at) values (%lld, %lld, 't', 'internal',"
	            " 'outgoing', 'cleared', 5, '" AGENCY "', 'p', 'l', 's', 's', '000', 'open',"
	            " 'normal', 'x', '', '<m>', 1, 'r', 1)",
	            (long long)id, (long long)id),
	        &error),
	    error);
	return id;
}

static struct number_item item_of(int64_t letter_id, const char *day, const char *agency)
{
	return (struct number_item){.letter_id = letter_id,
	    .date = day,
	    .at_ms = clock_now_ms(),
	    .position = "p",
	    .login = "l",
	    .agenda_id = new_id(),
	    .exchange_id = new_id(),
	    .agenda_series = arena_printf(arena, "agenda-masuk/%s", agency),
	    .agenda_agency = agency,
	    .agenda_direction = "incoming",
	    .agenda_sender = "p",
	    .agenda_destination = "d",
	    .agenda_channel = "internal",
	    .event = "Registered",
	    .policy_version = 1,
	    .rule_id = "r"};
}

/* The number that a letter of that day gets, NULL: refused. */
static const char *give(const char *pattern, const char *day, struct err *error_r)
{
	struct number_item item = item_of(make_letter(), day, series);
	int rc;

	item.series = series;
	item.pattern = pattern;
	item.agenda_direction = "outgoing";
	item.agenda_series = arena_printf(arena, "agenda-keluar/%s", series);
	ASSERT_DONE(db_begin(router, error_r), *error_r);
	rc = letter_row_commit_numbers(router, &item, 1, arena, error_r);
	if (rc != 1) {
		assert_int_equal(db_last(router), DB_REFUSED);
		return NULL;
	}
	return item.number;
}

static void a_number_is_given_once(void **state)
{
	const char *broken = "000/{N/UJI/{Y}"; /* what a lost brace would print, and did */
	struct err error = {""};

	(void)state;
	series = arena_printf(arena, "surat/uji-%lld", (long long)new_id());
	assert_string_equal(give("000/{N}/UJI/{Y}", "2026-11-24", &error), "000/1/UJI/2026");
	assert_string_equal(give("000/{N}/UJI/{Y}", "2026-11-24", &error), "000/2/UJI/2026");
	assert_string_equal(give(broken, "2026-11-24", &error), "000/{N/UJI/2026");
	assert_null(give(broken, "2026-11-24", &error));
	assert_non_null(strstr(error.text, "ledger_number_once"));
	/* The refused one left no gap, and another year begins anew. */
	assert_string_equal(give("000/{N}/UJI/{Y}", "2026-11-24", &error), "000/4/UJI/2026");
	assert_string_equal(give("000/{N}", "2027-01-02", &error), "000/1");
	assert_string_equal(give("000/{N}", "2028-01-02", &error), "000/1");
	assert_int_equal(
	    test_number(owner,
	        arena_printf(arena, "select count(*) from office.number_ledger where series = '%s'",
	            series)),
	    6);
}

static void commit(struct number_item *items, size_t count)
{
	struct err error = {""};

	ASSERT_DONE(db_begin(router, &error), error);
	ASSERT_DONE(letter_row_commit_numbers(router, items, count, arena, &error), error);
}

/* A batch of many letters and agencies: each its own number and line, in the order of the letters;
 * asked again (a redo after a crash) all say the same, and nothing is counted. */
static void a_batch_is_numbered_once(void **state)
{
	const char *one = arena_printf(arena, "SATU-%lld", (long long)new_id());
	const char *two = arena_printf(arena, "DUA-%lld", (long long)new_id());
	int64_t first = make_letter(), second = make_letter(), trail;
	struct number_item items[5], again[5];

	(void)state;
	series = arena_printf(arena, "surat/%s", one);
	items[0] = item_of(second, "2026-11-24", one);
	items[1] = item_of(first, "2026-11-24", one);
	items[2] = item_of(first, "2026-11-24", two);
	items[3] = item_of(second, "2026-11-20", two); /* the office's day does not go back */
	items[4] = items[0];                           /* named twice */
	for (int i = 0; i < 5; i += i == 1 ? 3 : 1) {
		items[i].series = series;
		items[i].pattern = "{N3}/{R}/{M}/{Y}";
		items[i].incumbency = 7;
	}
	memcpy(again, items, sizeof(again));
	commit(items, 5);
	assert_string_equal(items[1].number, "001/XI/11/2026");
	assert_string_equal(items[0].number, "002/XI/11/2026");
	assert_string_equal(items[0].letter_date, "2026-11-24");
	assert_string_equal(items[4].number, items[0].number);
	assert_int_equal(items[1].agenda_n, 1);
	assert_int_equal(items[0].agenda_n, 2);
	assert_int_equal(items[2].agenda_n, 1);
	assert_int_equal(items[3].agenda_n, 2);
	trail =
	    test_number(owner, "select count(*) from audit.exchange where event = 'Registered'");
	assert_int_equal(
	    test_number(
	        owner, arena_printf(arena,
	                   "select count(*) from office.agenda_entry where agency in ('%s', '%s')"
	                   " and letter_number = case when letter_id = %lld then '001/XI/11/2026'"
	                   " else '002/XI/11/2026' end and entry_date = '2026-11-24'",
	                   one, two, (long long)first)),
	    4);
	commit(again, 5);
	for (int i = 0; i < 5; i++) {
		assert_string_equal(again[i].number, items[i].number);
		assert_int_equal(again[i].agenda_n, items[i].agenda_n);
	}
	assert_int_equal(
	    test_number(owner, "select count(*) from audit.exchange where event = 'Registered'"),
	    trail);
}

/* A letter from outside has its sender's number, or none. */
static void a_foreign_number_is_entered(void **state)
{
	const char *agency = arena_printf(arena, "LUAR-%lld", (long long)new_id());
	struct number_item item = item_of(make_letter(), "2026-11-24", agency);
	struct err error = {""};

	(void)state;
	item.agenda_letter_number = "B-17/2026";
	item.agenda_letter_date = "2026-11-20";
	item.agenda_subject = "Undangan";
	commit(&item, 1);
	assert_string_equal(item.number, "");
	assert_int_equal(item.agenda_n, 1);
	assert_int_equal(test_number(owner,
	                     arena_printf(arena,
	                         "select count(*) from office.agenda_entry where agency = '%s' and"
	                         " letter_number = 'B-17/2026' and letter_date = '2026-11-20' and"
	                         " subject = 'Undangan' and entry_date = '2026-11-24'",
	                         agency)),
	    1);
	item = item_of(1, "2026-11-24", agency);
	ASSERT_DONE(db_begin(router, &error), error);
	assert_int_equal(letter_row_commit_numbers(router, &item, 1, arena, &error), -1);
	assert_non_null(strstr(error.text, "is not in the store"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_number_is_given_once),
	    cmocka_unit_test(a_batch_is_numbered_once),
	    cmocka_unit_test(a_foreign_number_is_entered)};
	struct err error = {""};
	int rc;

	if (test_db_absent())
		return 77; /* skipped, see tests/run */
	arena = arena_new();
	owner = db_new(&test_settings, "owner", NULL);
	if (migrate_run(owner, NULL, clock_now_ms(), NULL, NULL, &error) < 0)
		print_error("%s\n", error.text);
	router = db_new(&test_settings, "router", NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	db_free(&router);
	db_free(&owner);
	arena_free(&arena);
	return rc;
}
