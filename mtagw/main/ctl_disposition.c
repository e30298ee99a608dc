/*
 * ctl_disposition: orders on letters for the administrator: a list, and the tree of one letter as
 * people are shown it, by the stylesheet of the law in force. For programs the rows themselves.
 */
#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/main/ctl.h"
#include "mtagw/office/order_mail.h"
#include "mtagw/store/letter_row.h"
#include "mtagw/store/policy_store.h"

int ctl_disposition_list(struct ctl *c)
{
	int rc = ctl_known_agency(c);
	struct db_param params[] = {
	    db_text(c->o.state), db_text(c->o.agency), db_int(ctl_limit(c))};

	if (!ctl_known(c, "--state", c->o.state, "sent passed_on reported declined done recalled"))
		return CTL_MISUSED;
	if (rc != 0)
		return rc;
	return ctl_print_report(c, &report_dispositions, params);
}

static struct policy *load_law(struct ctl *c)
{
	struct policy_report report = {0};
	struct policy_file *files;
	struct policy *policy;
	size_t count;
	int version, rc = policy_store_active(c->db, &version, &c->err);

	if (rc == 0)
		(void)err_set(&c->err, "no policy is active: mtagwctl policy activate");
	if (rc != 1 || policy_store_load(c->db, version, c->arena, &files, &count, &c->err) != 1)
		return NULL;
	policy = policy_load(files, count, version, &report);
	if (policy == NULL)
		(void)err_set(
		    &c->err, "policy version %d does not load: %s", version, buf_str(&report.text));
	buf_free(&report.text);
	return policy;
}

/* The letter as the agency got it, or as it was written in the house. */
static int load_letter(struct ctl *c, int64_t id, const char *agency, struct incoming_row *letter)
{
	struct letter_row row;
	int rc = incoming_load(c->db, id, agency, c->arena, letter, &c->err);

	if (rc != 0)
		return rc;
	if (letter_row_load(c->db, id, c->arena, &row, &c->err) != 1)
		return -1;
	*letter = (struct incoming_row){.letter_id = id,
	    .agency = agency,
	    .state = row.state,
	    .sender_address = row.login,
	    .sender_name = row.position,
	    .letter_number = row.number ? row.number : "",
	    .letter_date = row.date ? row.date : "",
	    .subject = row.subject,
	    .level = "internal",
	    .urgency = row.urgency,
	    .received_at_ms = row.created_at_ms};
	return 1;
}

static void print_text(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		(void)putchar(*p != '\n' && ctl_is_control(p) ? ' ' : *p);
}

static int print_tree(struct ctl *c, const struct policy *policy, int64_t id, const char *agency)
{
	struct render *render = render_new(policy);
	struct trail trail = {.now_ms = clock_now_ms()};
	struct disposition_row *orders;
	struct disposition_report *reports;
	struct incoming_row letter;
	struct order_mail mail = {
	    .policy = policy, .kind = "trace", .letter = &letter, .verdict = "", .trail = &trail};
	struct buf text = {0};
	struct xml *xml;
	int rc = load_letter(c, id, agency, &letter);

	if (rc == 1)
		rc = disposition_tree(c->db, id, agency, c->arena, &orders, &trail.count, &c->err);
	if (rc == 1)
		rc = disposition_reports(
		    c->db, id, c->arena, &reports, &trail.report_count, &c->err);
	if (rc == 1) {
		trail.orders = orders;
		trail.reports = reports;
		xml = order_mail_xml(&mail);
		rc = render_apply(render, "disposition", RENDER_TEXT, xml, NULL, &text, &c->err);
		xml_free(&xml);
	}
	if (rc == 1) {
		(void)printf("letter %lld, %s\n\n", (long long)id, agency);
		print_text(buf_str(&text));
	}
	buf_free(&text);
	render_free(&render);
	return rc == 1 ? 0 : 1;
}

static int print_trees(struct ctl *c, int64_t id)
{
	struct db_param params[] = {db_int(id)};
	struct db_result *r = NULL;
	struct policy *policy = load_law(c);
	int rc = 1;

	if (policy != NULL &&
	    report_run(c->db, &report_incoming_standing, params, &r, &c->err) == 1)
		rc = 0;
	for (size_t row = 0; rc == 0 && row < db_rows(r); row++) {
		const char *agency = arena_strdup(c->arena, db_get_text(r, row, 1));

		rc = print_tree(c, policy, id, agency);
	}
	db_result_free(&r);
	policy_free(&policy);
	return rc;
}

/* An id, or a number as printed. */
static bool find_letter(struct ctl *c, const char *text, int64_t *id_r)
{
	int64_t id = 0;
	int rc;

	if (text[strspn(text, "0123456789")] == '\0' && !ctl_id(c, text, &id))
		return false;
	rc = report_find_letter(c->db, id, text, id_r, &c->err);
	if (rc == 0)
		(void)err_set(&c->err, "no letter has the id or number %s", text);
	return rc == 1;
}

int ctl_disposition_show(struct ctl *c)
{
	static const struct ctl_part parts[] = {
	    {"standing", "Letter", &report_incoming_standing, false},
	    {"dispositions", "Dispositions", &report_letter_dispositions, false},
	    {"reports", "Reports", &report_disposition_reports, false}};
	struct db_param params[1];
	int64_t id;

	if (!find_letter(c, c->args[0], &id))
		return 1;
	params[0] = db_int(id);
	return c->o.json ? ctl_print_parts(c, parts, 3, params) : print_trees(c, id);
}
