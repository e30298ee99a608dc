/*
 * ctl_explain: answers the question of somebody who has not seen the code: what did the gateway
 * take this mail for, which rules did it ask, what did each want, what came out, and on which legal
 * basis. A letter is read and asked again; what was decided of any other mail (intake, orders,
 * replies) is asked again with the facts that the trail kept, by the law of that day.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "mtagw/base/clock.h"
#include "mtagw/main/ctl.h"
#include "mtagw/office/draft.h"
#include "mtagw/office/facts.h"
#include "mtagw/store/message.h"
#include "mtagw/store/policy_store.h"

/* A mail given as a file is read up to this. */
#define MAIL_BYTES_MAX (64 * 1024 * 1024)
/* Decisions of one message that are told. */
#define DECISIONS_MAX 1000

static struct policy *load_version(struct ctl *c, int version)
{
	struct policy_report report = {0};
	struct policy_file *files;
	struct policy *policy;
	size_t count;
	int rc = policy_store_load(c->db, version, c->arena, &files, &count, &c->err);

	if (rc == 0)
		(void)err_set(&c->err, "there is no policy version %d", version);
	if (rc != 1)
		return NULL;
	policy = policy_load(files, count, version, &report);
	if (policy == NULL)
		(void)err_set(
		    &c->err, "policy version %d does not load: %s", version, buf_str(&report.text));
	buf_free(&report.text);
	return policy;
}

/* The law in force; for a mail of the past (message_id) the one that judged it. */
static struct policy *load_law(struct ctl *c, int64_t message_id)
{
	int version, judged = 0, rc;

	rc = policy_store_active(c->db, &version, &c->err);
	if (rc == 0)
		(void)err_set(&c->err, "no policy is active: mtagwctl policy activate");
	if (rc == 1 && message_id != 0)
		rc = policy_store_of_message(c->db, message_id, &judged, &c->err);
	return rc == 1 ? load_version(c, judged != 0 ? judged : version) : NULL;
}

/* A mail as a file: the envelope is taken from its header. */
static int read_file_mail(struct ctl *c, const char *path, struct draft_source *source)
{
	FILE *file = fopen(path, "re");
	struct buf bytes = {0};
	struct header header;
	struct mailbox *list;
	struct range rest;
	const char **rcpts;
	size_t n = 0, count;
	int ch, last = 0;

	if (file == NULL)
		return err_set(&c->err, "%s: %s", path, strerror(errno));
	while ((ch = getc(file)) != EOF && bytes.len < MAIL_BYTES_MAX) {
		if (ch == '\n' && last != '\r')
			buf_putc(&bytes, '\r');
		buf_putc(&bytes, (char)ch);
		last = ch;
	}
	(void)fclose(file);
	source->bytes =
	    (struct range){arena_strndup(c->arena, buf_str(&bytes), bytes.len), bytes.len};
	buf_free(&bytes);
	if (header_parse(source->bytes, c->arena, &header, &rest, &c->err) < 0)
		return err_prefix(&c->err, "%s", path);
	rcpts = arena_alloc(c->arena, 2000 * sizeof(*rcpts));
	for (int f = 0; f < 3; f++) {
		static const char *const fields[] = {"From", "To", "Cc"};
		const char *value = header_raw(&header, fields[f], c->arena);

		if (address_list(range_of(value), c->arena, &list, &count, &c->err) != 1)
			continue;
		if (f == 0 && c->o.login[0] == '\0')
			c->o.login = address_format(&list[0].address, c->arena);
		for (size_t i = 0; f > 0 && i < count && n < 2000; i++)
			rcpts[n++] = address_format(&list[i].address, c->arena);
	}
	source->rcpts = rcpts;
	source->rcpt_count = n;
	return 1;
}

static int read_stored_mail(
    struct ctl *c, int64_t id, struct draft_source *source, int64_t *at_ms_r, bool *outside_r)
{
	struct message m;
	int rc = message_load(c->db, id, c->arena, &m, &c->err);

	if (rc == 0)
		return err_set(&c->err, "no message %lld, and no file of that name", (long long)id);
	if (rc < 0 || message_body(c->db, m.body_id, c->arena, &source->bytes, &c->err) != 1)
		return -1;
	*outside_r = strcmp(m.channel, "mx") == 0;
	source->rcpts = m.rcpts;
	source->rcpt_count = m.rcpt_count;
	c->o.login = m.login;
	*at_ms_r = m.received_at_ms;
	return 1;
}

static bool ask(struct ctl *c, const struct policy *policy, enum policy_kind kind,
    const struct policy_facts *facts, struct buf *out)
{
	struct policy_decision d;

	buf_putc(out, '\n');
	if (policy_decide(policy, kind, facts, c->arena, &d, out, &c->err) < 0)
		buf_printf(out, "  could not be decided: %s\n", c->err.text);
	return d.allowed;
}

/* Seal, DKIM and PDF are asked for each form that somebody gets. */
static void tell_forms(struct ctl *c, const struct policy *policy, const struct draft *draft,
    struct policy_facts facts, struct buf *out)
{
	bool wanted[2] = {false, false}; /* inside, outside */

	for (size_t i = 0; i < draft->letter.recipient_count; i++)
		wanted[draft->letter.recipients[i].inside ? 0 : 1] = true;
	facts.recipient = facts.recipient_domain = facts.recipient_kind = NULL;
	for (int i = 0; i < 2; i++) {
		if (!wanted[i])
			continue;
		facts.form = i == 0 ? "inside" : "outside";
		buf_printf(out, "\nform for %s:", facts.form);
		(void)ask(c, policy, POLICY_SEAL, &facts, out);
	}
}

/* Who has no name is known by the address, which is said once. */
static void tell_recipient(const struct letter_recipient *r, bool first, struct buf *out)
{
	bool named = r->name != NULL && strcmp(r->name, r->address) != 0;

	buf_printf(out, "%s %s%s%s%s, %s\n", first ? "addressed to:" : "            ",
	    named ? r->name : "", named ? " " : "", r->copy ? "(copy) " : "", r->address,
	    r->inside ? "inside" : "outside");
}

static void tell(struct ctl *c, const struct policy *policy, const struct draft *draft,
    int64_t at_ms, struct buf *out)
{
	const struct letter *l = &draft->letter;
	struct policy_facts facts;
	char day[16];

	clock_iso_day(at_ms, day);
	letter_facts(l, policy, day, &facts);
	buf_printf(out, "the law: policy version %d, on %s\n", policy_version(policy), day);
	buf_printf(out, "written by: %s", c->o.login);
	if (l->position_title != NULL) /* an answer to a prompt is no letter */
		buf_printf(out, " (%s, %s)", l->position_title, l->agency);
	buf_putc(out, '\n');
	for (size_t i = 0; i < l->recipient_count; i++)
		tell_recipient(&l->recipients[i], i == 0, out);
	buf_printf(out, "taken for: %s", draft_kind_names[draft->kind]);
	if (draft->type != NULL)
		buf_printf(out, " of type %s (%s)", draft->type->id, draft->type->word);
	buf_putc(out, '\n');
	if (draft->kind == DRAFT_INVALID) {
		buf_printf(
		    out, "its writer is told: %s (%s)\n", draft->problem, draft->problem_what);
		return;
	}
	if (draft->kind == DRAFT_PROMPT) {
		buf_puts(
		    out, "an answer to a prompt: what was decided of it stands in the trail\n");
		return;
	}
	if (draft->kind == DRAFT_PREVIEW)
		buf_puts(out, "its writer gets a preview first; after OK the question is:\n");
	if (draft->kind != DRAFT_PESAN) {
		buf_printf(out, "subject: %s\nscope: %s\n", l->subject, facts.scope);
		if (!ask(c, policy, POLICY_SIGN, &facts, out))
			return; /* nothing further is asked */
		(void)ask(c, policy, POLICY_NUMBER, &facts, out);
	}
	for (size_t i = 0; i < l->recipient_count; i++) {
		facts.recipient = l->recipients[i].address;
		facts.recipient_domain = draft->addressees[i].domain;
		facts.recipient_kind = l->recipients[i].inside ? "inside" : "outside";
		buf_printf(out, "\nfor %s:", facts.recipient);
		(void)ask(c, policy, POLICY_ROUTE, &facts, out);
	}
	if (draft->kind != DRAFT_PESAN)
		tell_forms(c, policy, draft, facts, out);
}

/* --- from the trail --------------------------------------------------------------------------- */

/* A row of report_message_exchanges by the keys of its columns. */
struct decided {
	const struct db_result *r;
	size_t row;
};

static int column(const char *key)
{
	const struct report_column *columns = report_message_exchanges.columns;
	int i = 0;

	while (columns[i].key != NULL && strcmp(columns[i].key, key) != 0)
		i++;
	return i;
}

static const char *text_of(const struct decided *d, const char *key)
{
	return db_get_text(d->r, d->row, column(key));
}

/* Facts as the exchange keeps them; false where it keeps not all (`date` is always among all). */
static bool read_facts(struct ctl *c, const json_t *detail, struct policy_facts *facts)
{
	const char *key;
	json_t *value;

	*facts = (struct policy_facts){0};
	json_object_foreach((json_t *)detail, key, value)
	{
		if (json_is_string(value))
			(void)policy_facts_set(
			    facts, key, arena_strdup(c->arena, json_string_value(value)));
	}
	return facts->date != NULL;
}

static void tell_recorded(const struct decided *d, const char *kind, struct buf *out)
{
	char when[32];

	clock_iso8601(db_get_int(d->r, d->row, column("at")), when);
	buf_printf(out, "recorded: %s by rule %s%s%s, policy version %d, %s%s%s\n",
	    text_of(d, "outcome"), text_of(d, "rule"), text_of(d, "code")[0] ? ", code " : "",
	    text_of(d, "code"), (int)db_get_int(d->r, d->row, column("policy_version")), when,
	    kind[0] ? ", question " : "", kind);
}

/* Asks again what the trail says was asked. law_r is the version asked last. */
static int tell_decided(
    struct ctl *c, struct policy **law_r, const struct decided *d, struct buf *out)
{
	json_t *detail = json_loads(text_of(d, "detail"), 0, NULL);
	const char *name = json_string_value(json_object_get(detail, "kind"));
	int version = (int)db_get_int(d->r, d->row, column("policy_version"));
	struct policy_facts facts;
	struct policy_decision again;
	enum policy_kind kind;
	int rc = 1;

	buf_putc(out, '\n');
	tell_recorded(d, name ? name : "", out);
	if (name != NULL && policy_kind_by_name(name, &kind) && read_facts(c, detail, &facts)) {
		if (version != policy_version(*law_r)) {
			policy_free(law_r);
			*law_r = load_version(c, version);
		}
		rc = *law_r == NULL
		         ? -1
		         : policy_decide(*law_r, kind, &facts, c->arena, &again, out, &c->err);
		if (rc == 1 && strcmp(again.rule_id, text_of(d, "rule")) != 0)
			buf_puts(out,
			    "  differs from the record: that rule tests the letter itself, which "
			    "is not among these facts\n");
	}
	json_decref(detail);
	return rc;
}

/* Every decision the trail has of the message. */
static int tell_trail(struct ctl *c, struct policy **law_r, int64_t id, struct buf *out)
{
	const struct db_param params[] = {db_int(id), db_int(DECISIONS_MAX)};
	struct db_result *r = NULL;
	int rc = report_run(c->db, &report_message_exchanges, params, &r, &c->err);
	size_t told = 0;

	for (size_t row = 0; rc == 1 && row < db_rows(r); row++) {
		const struct decided d = {r, row};

		if (strcmp(text_of(&d, "event"), "PolicyDecision") != 0)
			continue;
		rc = tell_decided(c, law_r, &d, out);
		told++;
	}
	if (rc == 1 && told == 0)
		buf_puts(out, "no rule was asked about this message\n");
	db_result_free(&r);
	return rc;
}

/* --- the verb --------------------------------------------------------------------------------- */

/* What a terminal can show of it. */
static void print_text(const char *text)
{
	for (; *text; text++) {
		if (*text != '\n' && ctl_is_control(text)) {
			(void)putchar(' ');
			text += (unsigned char)*text == 0xc2;
		} else {
			(void)putchar(*text);
		}
	}
}

static void print_answer(
    const struct ctl *c, const char *taken_for, const struct policy *policy, const struct buf *out)
{
	json_t *answer;

	if (!c->o.json) {
		print_text(buf_str(out));
		return;
	}
	answer = json_pack("{ss si ss}", "taken_for", taken_for, "policy_version",
	    policy_version(policy), "trace", buf_str(out));
	(void)json_dumpf(answer, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(answer);
}

/* A letter or another mail of a position: read again, by the law that judged it. */
static int explain_writer(struct ctl *c, struct policy **law_r, struct draft_source *source,
    int64_t at_ms, const char **taken_for_r, struct buf *out)
{
	struct draft draft;

	source->policy = *law_r;
	source->login = c->o.login;
	source->position = arena_strndup(c->arena, c->o.login, strcspn(c->o.login, "@"));
	if (draft_read(source, c->arena, &draft, &c->err) != 1)
		return -1;
	tell(c, *law_r, &draft, at_ms, out);
	*taken_for_r = draft_kind_names[draft.kind];
	return draft.kind == DRAFT_PROMPT ? 0 : 1;
}

int ctl_policy_explain(struct ctl *c)
{
	struct draft_source source = {.domain = c->settings->domain};
	const char *what = c->args[0], *taken_for = "incoming";
	struct policy *policy;
	struct buf out = {0};
	int64_t id = 0, at_ms = clock_now_ms();
	bool outside = false;
	int rc;

	if (strspn(what, "0123456789") == strlen(what) && !ctl_id(c, what, &id))
		return 1;
	policy = load_law(c, id);
	if (policy == NULL)
		return 1;
	if (id != 0)
		rc = read_stored_mail(c, id, &source, &at_ms, &outside);
	else
		rc = read_file_mail(c, what, &source);
	if (rc == 1 && outside)
		buf_printf(&out, "message %lld came from outside\n", (long long)id);
	if (rc == 1)
		rc = outside ? 0 : explain_writer(c, &policy, &source, at_ms, &taken_for, &out);
	if (rc == 0 && id != 0)
		rc = tell_trail(c, &policy, id, &out);
	if (rc >= 0)
		print_answer(c, taken_for, policy, &out);
	buf_free(&out);
	policy_free(&policy);
	return rc < 0;
}
