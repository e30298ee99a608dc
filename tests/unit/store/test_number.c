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

/* The number that a letter of that day gets, NULL: refused. */
static const char *give(const char *pattern, const char *day, struct err *error_r)
{
	struct number_item item = {.letter_id = make_letter(),
	    .date = day,
	    .at_ms = clock_now_ms(),
	    .position = "p",
	    .login = "l",
	    .series = series,
	    .pattern = pattern,
	    .agenda_id = new_id(),
	    .exchange_id = new_id(),
	    .agenda_series = arena_printf(arena, "agenda-keluar/%s", series),
	    .agenda_agency = series,
	    .agenda_direction = "outgoing",
	    .agenda_sender = "p",
	    .agenda_destination = "d",
	    .agenda_channel = "internal",
	    .event = "Numbered",
	    .policy_version = 1,
	    .rule_id = "r"};
	int rc;

	ASSERT_DONE(db_begin(router, error_r), *error_r);
	rc = letter_row_number(router, &item, 1, arena, error_r);
	if (rc != 1) {
		assert_int_equal(db_last(router), DB_REFUSED);
		db_rollback(router);
		return NULL;
	}
	ASSERT_DONE(db_commit(router, error_r), *error_r);
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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_number_is_given_once)};
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
