/*
 * ctl_list: status, queue, letter, agenda, exchange: what the administrator looks at, and the hand
 * on the queue. Every change writes its row in the trail.
 */
#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/main/ctl.h"
#include "mtagw/store/queue.h"

/* 1 with alarms, as for a failure: a program that watches reads the exit status alone. */
int ctl_status(struct ctl *c)
{
	struct db_param params[] = {db_int(clock_now_ms())};
	struct db_result *r = NULL;
	int alarms = 0, column = 0;

	if (report_run(c->db, &report_status, params, &r, &c->err) < 0)
		return 1;
	while (strcmp(report_status.columns[column].key, "alarm") != 0)
		column++;
	for (size_t row = 0; row < db_rows(r); row++)
		alarms += db_get_text(r, row, column)[0] != '\0';
	ctl_print_result(c, &report_status, r);
	db_result_free(&r);
	if (alarms > 0)
		(void)err_set(&c->err, "alarms: %d", alarms);
	return alarms > 0;
}

bool ctl_known(struct ctl *c, const char *option, const char *value, const char *words)
{
	size_t n = strlen(value);

	for (const char *at = words; n > 0 && *at != '\0'; at += at[0] == ' ') {
		size_t len = strcspn(at, " ");

		if (len == n && strncmp(at, value, n) == 0)
			return true;
		at += len;
	}
	if (n > 0)
		(void)err_set(&c->err, "%s %s: known words are %s", option, value, words);
	return n == 0;
}

int ctl_known_agency(struct ctl *c)
{
	struct db_param params[] = {db_text(c->o.agency)};
	struct db_result *r = NULL;
	bool known;

	if (c->o.agency[0] == '\0')
		return 0;
	if (report_run(c->db, &report_agency, params, &r, &c->err) < 0)
		return 1;
	known = db_rows(r) > 0;
	db_result_free(&r);
	if (known)
		return 0;
	(void)err_set(&c->err, "--agency %s: no agency has this code", c->o.agency);
	return CTL_MISUSED;
}

int ctl_queue_list(struct ctl *c)
{
	struct db_param params[] = {db_text(c->o.state), db_int(ctl_limit(c))};

	if (!ctl_known(c, "--state", c->o.state, "waiting claimed held uncertain quarantined"))
		return CTL_MISUSED;
	return ctl_print_report(c, &report_queue, params);
}

int ctl_queue_show(struct ctl *c)
{
	static const struct ctl_part delivery[] = {{"delivery", NULL, &report_delivery, true},
	    {"attempts", "Attempts", &report_attempts, false}};
	static const struct ctl_part work[] = {{"work", NULL, &report_work, true}};
	struct db_result *r = NULL;
	struct db_param params[1];
	bool is_delivery;
	int64_t id;

	if (!ctl_id(c, c->args[0], &id))
		return 1;
	params[0] = db_int(id);
	if (report_run(c->db, &report_delivery, params, &r, &c->err) < 0)
		return 1;
	is_delivery = db_rows(r) > 0;
	db_result_free(&r);
	if (is_delivery)
		return ctl_print_parts(c, delivery, 2, params);
	if (report_run(c->db, &report_work, params, &r, &c->err) < 0)
		return 1;
	is_delivery = db_rows(r) > 0;
	db_result_free(&r);
	if (is_delivery)
		return ctl_print_parts(c, work, 1, params);
	(void)err_set(&c->err, "nothing in the queue has the id %s", c->args[0]);
	return 1;
}

static int change(struct ctl *c, enum queue_verb verb)
{
	int64_t id;
	int rc;

	if (!ctl_id(c, c->args[0], &id))
		return 1;
	rc =
	    queue_change(c->db, &c->ids, verb, id, &c->actor, c->o.reason, clock_now_ms(), &c->err);
	if (rc < 1)
		return 1;
	if (rc == QUEUE_SET_ASIDE)
		(void)puts(c->o.json ? "{\"done\": true, \"set_aside\": true}"
		                     : "set aside: mtagwctl queue retry takes it out again");
	else
		(void)puts(c->o.json ? "{\"done\": true}" : "done");
	return 0;
}

int ctl_queue_hold(struct ctl *c)
{
	return change(c, QUEUE_HOLD);
}

int ctl_queue_release(struct ctl *c)
{
	return change(c, QUEUE_RELEASE);
}

int ctl_queue_retry(struct ctl *c)
{
	return change(c, QUEUE_RETRY);
}

int ctl_queue_fail(struct ctl *c)
{
	return change(c, QUEUE_FAIL);
}

int ctl_letter_list(struct ctl *c)
{
	int rc = ctl_known_agency(c);
	struct db_param params[] = {
	    db_text(c->o.state), db_text(c->o.agency), db_int(ctl_limit(c))};

	if (!ctl_known(c, "--state", c->o.state, REPORT_LETTER_STATES))
		return CTL_MISUSED;
	if (rc != 0)
		return rc;
	return ctl_print_report(c, &report_letters, params);
}

/* An id, or a number as printed. */
static bool find_letter(struct ctl *c, const char *text, int64_t *id_r)
{
	int64_t id = 0;
	int rc;

	if (strspn(text, "0123456789") == strlen(text) && text[0] != '\0')
		(void)ctl_id(c, text, &id);
	rc = report_find_letter(c->db, id, text, id_r, &c->err);
	if (rc == 0)
		(void)err_set(&c->err, "no letter has the id or number %s", text);
	return rc == 1;
}

int ctl_letter_show(struct ctl *c)
{
	static const struct ctl_part parts[] = {{"letter", NULL, &report_letter, true},
	    {"recipients", "Recipients", &report_recipients, false},
	    {"deliveries", "Deliveries", &report_letter_deliveries, false},
	    {"forms", "Forms", &report_forms, false},
	    {"agenda", "Agenda", &report_letter_agenda, false},
	    {"tokens", "Tokens", &report_tokens, false},
	    {"thread", "Thread", &report_thread, false}};
	struct db_param params[1];
	int64_t id;

	if (!find_letter(c, c->args[0], &id))
		return 1;
	params[0] = db_int(id);
	return ctl_print_parts(c, parts, sizeof(parts) / sizeof(parts[0]), params);
}

int ctl_agenda_list(struct ctl *c)
{
	int rc = ctl_known_agency(c);
	struct db_param params[] = {
	    db_text(c->o.agency), db_text(c->o.direction), db_int(ctl_limit(c))};

	if (!ctl_known(c, "--direction", c->o.direction, "incoming outgoing"))
		return CTL_MISUSED;
	if (rc != 0)
		return rc;
	return ctl_print_report(c, &report_agenda, params);
}

int ctl_exchange_list(struct ctl *c)
{
	int64_t id;

	if (c->o.letter[0] != '\0') {
		if (!find_letter(c, c->o.letter, &id))
			return 1;
		struct db_param params[] = {db_int(id), db_int(ctl_limit(c))};
		return ctl_print_report(c, &report_letter_exchanges, params);
	}
	if (c->o.message[0] != '\0') {
		if (!ctl_id(c, c->o.message, &id))
			return 1;
		struct db_param params[] = {db_int(id), db_int(ctl_limit(c))};
		return ctl_print_report(c, &report_message_exchanges, params);
	}
	struct db_param params[] = {db_int(ctl_limit(c))};
	return ctl_print_report(c, &report_exchanges, params);
}
