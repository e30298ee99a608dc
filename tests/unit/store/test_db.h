/* What the tests with a database share: MTAGW_TEST_DB names the socket directory of a cluster with
 * the roles mtagw_* (trust) and an empty or migrated database `mtagw`; without it they skip and say
 * so. */
#ifndef TEST_DB_H
#define TEST_DB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/settings.h"
#include "mtagw/store/db.h"

static struct settings test_settings = {
    .db_name = "mtagw", .db_port = 5432, .secrets_dir = "/nonexistent"};

static inline int test_db_absent(void)
{
	test_settings.db_host = getenv("MTAGW_TEST_DB");
	log_open("test");
	if (test_settings.db_host != NULL)
		return 0;
	printf("MTAGW_TEST_DB (socket directory of a test cluster) is not set\n");
	return 1;
}

#define ASSERT_DONE(call, err)                                 \
	do {                                                   \
		if ((call) != 1)                               \
			fail_msg("%s: %s", #call, (err).text); \
	} while (0)

/* First value of the first row, -1 without one. */
static inline int64_t test_number(struct db *db, const char *sql)
{
	static struct stmt *used[4000]; /* a statement lives as long as its connection */
	static size_t n_used;
	struct stmt *s = mem_zalloc(sizeof(*s));
	struct db_result *r = NULL;
	struct err error;
	int64_t n;

	s->name = mem_printf("test_number_%zu", n_used);
	s->sql = mem_strdup(sql);
	assert_true(n_used < sizeof(used) / sizeof(used[0]));
	used[n_used++] = s;
	ASSERT_DONE(db_query(db, s, NULL, 0, &r, &error), error);
	n = db_rows(r) > 0 ? db_get_int(r, 0, 0) : -1;
	db_result_free(&r);
	return n;
}

#endif
