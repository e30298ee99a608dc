/* The loop: order of deferred calls, timers, watched descriptors, signals, what ends with it. */
#include "mtagw/base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/clock.h"

static struct loop *loop;
static struct buf seen;

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (loop != NULL)
		loop_free(&loop);
	buf_free(&seen);
	return 0;
}

static void note(void *ctx)
{
	buf_puts(&seen, ctx);
}

static void stop(void *ctx)
{
	buf_puts(&seen, ctx);
	loop_stop(loop);
}

static char a[] = "a", b[] = "b", c[] = "c", end[] = ".";

static void nested(void *ctx)
{
	buf_puts(&seen, ctx);
	loop_defer(loop, note, c);
}

static void test_deferred_keep_order(void **state)
{
	struct timer *timer = timer_new(loop, stop, end);

	(void)state;
	loop_defer(loop, nested, a);
	loop_defer(loop, note, b);
	assert_int_equal(seen.len, 0); /* never at once */
	timer_start(timer, 0);
	loop_run(loop);
	assert_string_equal(buf_str(&seen), "abc.");
	timer_free(&timer);
}

static void test_deferred_run_when_the_loop_ends(void **state)
{
	(void)state;
	loop_defer(loop, note, a);
	loop_free(&loop);
	assert_string_equal(buf_str(&seen), "a");
}

static void test_timers(void **state)
{
	struct timer *one = timer_new(loop, note, a), *two = timer_new(loop, note, b),
	             *last = timer_new(loop, stop, end);
	int64_t start = clock_mono_ms();

	(void)state;
	timer_start(one, 1000);
	timer_start(one, 10); /* starts anew */
	timer_start(two, 10);
	timer_stop(two);
	assert_true(timer_running(one));
	assert_false(timer_running(two));
	timer_start(last, 30);
	loop_run(loop);
	assert_string_equal(buf_str(&seen), "a.");
	assert_true(clock_mono_ms() - start >= 29);
	assert_false(timer_running(one));
	timer_free(&one);
	timer_free(&two);
	timer_free(&last);
	assert_null(last);
}

static void test_timer_soon(void **state)
{
	struct timer *one = timer_new(loop, note, a), *two = timer_new(loop, note, b),
	             *last = timer_new(loop, stop, end);

	(void)state;
	timer_start(last, 0);
	timer_soon(one);
	timer_start(one, 1000); /* both: it runs once */
	timer_soon(one);
	timer_soon(two);
	timer_stop(two);
	assert_int_equal(seen.len, 0); /* never at once */
	loop_run(loop);
	assert_string_equal(buf_str(&seen), "a.");
	assert_false(timer_running(one));
	timer_free(&one);
	timer_free(&two);
	timer_free(&last);
}

static struct watch *watched;

static void ready(bool readable, bool writable, void *ctx)
{
	(void)ctx;
	buf_printf(&seen, "%s%s ", readable ? "r" : "", writable ? "w" : "");
	if (readable)
		loop_stop(loop);
	else
		watch_set(watched, true, false);
}

static void test_watch(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	watched = watch_new(loop, fd[0], ready, NULL);
	watch_set(watched, false, true);
	assert_int_equal(write(fd[1], "x", 1), 1);
	loop_run(loop);
	assert_string_equal(buf_str(&seen), "w r ");
	watch_free(&watched);
	assert_int_equal(write(fd[1], "x", 1), 1); /* the descriptor is still the owner's */
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void test_signal_comes_through_the_loop(void **state)
{
	(void)state;
	loop_on_signal(loop, SIGUSR1, stop, a);
	(void)raise(SIGUSR1);
	assert_int_equal(seen.len, 0);
	loop_run(loop);
	assert_string_equal(buf_str(&seen), "a");
}

static void test_ends_with_the_loop(void **state)
{
	struct loop_exit one = {.cb = note, .ctx = a}, two = {.cb = note, .ctx = b},
	                 never = {.cb = note, .ctx = c};

	(void)state;
	loop_not_at_free(loop, &never); /* not registered: harmless */
	loop_at_free(loop, &one);
	loop_at_free(loop, &never);
	loop_at_free(loop, &two);
	loop_not_at_free(loop, &never);
	loop_free(&loop);
	assert_string_equal(buf_str(&seen), "ba");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_deferred_keep_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_deferred_run_when_the_loop_ends, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_timer_soon, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_signal_comes_through_the_loop, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ends_with_the_loop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
