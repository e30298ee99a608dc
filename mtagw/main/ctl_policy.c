/*
 * ctl_policy: check, activate, explain. Explain answers the question of somebody who has not seen
 * the code: what did the gateway take this mail for, which rules did it ask, what did each want,
 * what came out, and on which legal basis.
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

/* The law of the directories of the settings, or of the first argument. */
static struct policy *load_files(struct ctl *c, struct policy_file **files_r, size_t *count_r)
{
	const char *dir = c->args[0][0] ? c->args[0] : c->settings->policies_dir;
	const char *templates = c->args[0][0] ? arena_printf(c->arena, "%s/../templates", dir)
	                                      : c->settings->templates_dir;
	struct policy_report report = {0};
	struct policy *policy = NULL;

	if (policy_read_dir(dir, templates, c->arena, files_r, count_r, &c->err) < 0)
		return NULL;
	policy = policy_load(*files_r, *count_r, 0, &report);
	(void)fputs(buf_str(&report.text), stderr);
	if (policy == NULL)
		(void)err_set(&c->err, "%zu errors: the policy is not good", report.errors);
	buf_free(&report.text);
	return policy;
}

int ctl_policy_check(struct ctl *c)
{
	struct policy_file *files;
	size_t count;
	struct policy *policy = load_files(c, &files, &count);

	if (policy == NULL)
		return 1;
	policy_free(&policy);
	printf(c->o.json ? "{\"files\": %zu, \"errors\": 0}\n" : "%zu files, no errors\n", count);
	return 0;
}

struct structure {
	struct ctl *c;
	struct policy_store_agency *agencies;
	struct policy_store_position *positions;
	struct policy_store_address *addresses;
	size_t agency_count, position_count, address_count;
};

static void count_agency(const struct policy_agency *a, void *ctx)
{
	(void)a;
	((struct structure *)ctx)->agency_count++;
}

static void count_position(const struct policy_position *p, void *ctx)
{
	(void)p;
	((struct structure *)ctx)->position_count++;
}

static void count_address(const struct policy_address *a, void *ctx)
{
	(void)a;
	((struct structure *)ctx)->address_count++;
}

static void add_agency(const struct policy_agency *a, void *ctx)
{
	struct structure *s = ctx;

	s->agencies[s->agency_count++] =
	    (struct policy_store_agency){a->code, a->name, a->registry_local, a->head, a->registry};
	s->addresses[s->address_count++] =
	    (struct policy_store_address){a->registry_local, "registry", a->code, true, true};
}

static void add_position(const struct policy_position *p, void *ctx)
{
	struct structure *s = ctx;

	s->positions[s->position_count++] =
	    (struct policy_store_position){p->id, p->agency, p->title, p->echelon, p->superior};
	s->addresses[s->address_count++] =
	    (struct policy_store_address){p->id, "position", p->id, false, true};
}

static void add_address(const struct policy_address *a, void *ctx)
{
	struct structure *s = ctx;

	s->addresses[s->address_count++] =
	    (struct policy_store_address){a->local, a->kind, a->target, a->detail, a->outside};
}

int ctl_policy_activate(struct ctl *c)
{
	struct structure s = {.c = c};
	struct policy_store_version version = {.actor = c->actor, .at_ms = clock_now_ms()};
	struct policy_file *files;
	struct policy *policy;
	bool changed;
	int number, rc;

	policy = load_files(c, &files, &version.file_count);
	if (policy == NULL)
		return 1;
	policy_each_agency(policy, count_agency, &s);
	policy_each_position(policy, count_position, &s);
	policy_each_address(policy, count_address, &s);
	s.agencies = arena_alloc(c->arena, (s.agency_count + 1) * sizeof(*s.agencies));
	s.positions = arena_alloc(c->arena, (s.position_count + 1) * sizeof(*s.positions));
	s.addresses = arena_alloc(c->arena,
	    (s.address_count + s.agency_count + s.position_count + 1) * sizeof(*s.addresses));
	s.agency_count = s.position_count = s.address_count = 0;
	policy_each_agency(policy, add_agency, &s);
	policy_each_position(policy, add_position, &s);
	policy_each_address(policy, add_address, &s);
	version.files = files;
	version.agencies = s.agencies;
	version.agency_count = s.agency_count;
	version.positions = s.positions;
	version.position_count = s.position_count;
	version.addresses = s.addresses;
	version.address_count = s.address_count;
	rc = policy_store_activate(c->db, &c->ids, &version, &number, &changed, &c->err);
	policy_free(&policy);
	if (rc < 0)
		return 1;
	printf(
	    c->o.json ? "{\"version\": %d, \"changed\": %s}\n" : "policy version %d is active%s\n",
	    number, c->o.json ? (changed ? "true" : "false") : (changed ? "" : " (it was before)"));
	return 0;
}

/* --- explain ---------------------------------------------------------------------------------- */

/* The law in force; for a mail of the past (message_id) the one that judged it. */
static struct policy *load_law(struct ctl *c, int64_t message_id)
{
	struct policy_report report = {0};
	struct policy_file *files;
	struct policy *policy;
	size_t count;
	int version, judged = 0, rc;

	rc = policy_store_active(c->db, &version, &c->err);
	if (rc == 0)
		(void)err_set(&c->err, "no policy is active: mtagwctl policy activate");
	if (rc == 1 && message_id != 0)
		rc = policy_store_of_message(c->db, message_id, &judged, &c->err);
	if (judged != 0)
		version = judged;
	if (rc != 1 || policy_store_load(c->db, version, c->arena, &files, &count, &c->err) != 1)
		return NULL;
	policy = policy_load(files, count, version, &report);
	if (policy == NULL)
		(void)err_set(
		    &c->err, "policy version %d does not load: %s", version, buf_str(&report.text));
	buf_free(&report.text);
	return policy;
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
    struct ctl *c, int64_t id, struct draft_source *source, int64_t *at_ms_r)
{
	struct message m;
	int rc = message_load(c->db, id, c->arena, &m, &c->err);

	if (rc == 0)
		return err_set(&c->err, "no message %lld, and no file of that name", (long long)id);
	if (rc < 0 || message_body(c->db, m.body_id, c->arena, &source->bytes, &c->err) != 1)
		return -1;
	if (strcmp(m.channel, "mx") == 0)
		return err_set(&c->err,
		    "message %lld came from outside: it goes to the registry clerk, no rule is "
		    "asked",
		    (long long)id);
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

static void tell(struct ctl *c, const struct policy *policy, const struct draft *draft,
    int64_t at_ms, struct buf *out)
{
	const struct letter *l = &draft->letter;
	struct policy_facts facts;
	char day[16];

	clock_iso_day(at_ms, day);
	letter_facts(l, policy, day, &facts);
	buf_printf(out, "the law: policy version %d, on %s\n", policy_version(policy), day);
	buf_printf(out, "written by: %s (%s, %s)\n", c->o.login, l->position_title, l->agency);
	for (size_t i = 0; i < l->recipient_count; i++)
		buf_printf(out, "%s %s%s%s, %s\n",
		    i ? "            " : "addressed to:", l->recipients[i].name,
		    l->recipients[i].copy ? " (copy) " : " ", l->recipients[i].address,
		    l->recipients[i].inside ? "inside" : "outside");
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
		buf_puts(out, "an answer to a prompt: the letter it is about decides\n");
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

int ctl_policy_explain(struct ctl *c)
{
	struct draft_source source = {.domain = c->settings->domain};
	const char *what = c->args[0];
	struct policy *policy;
	struct buf out = {0};
	struct draft draft;
	int64_t id = 0, at_ms = clock_now_ms();
	int rc;

	if (strspn(what, "0123456789") == strlen(what) && !ctl_id(c, what, &id))
		return 1;
	policy = load_law(c, id);
	if (policy == NULL)
		return 1;
	source.policy = policy;
	if (id != 0)
		rc = read_stored_mail(c, id, &source, &at_ms);
	else
		rc = read_file_mail(c, what, &source);
	if (rc == 1) {
		source.login = c->o.login;
		source.position = arena_strndup(c->arena, c->o.login, strcspn(c->o.login, "@"));
		rc = draft_read(&source, c->arena, &draft, &c->err);
	}
	if (rc == 1) {
		tell(c, policy, &draft, at_ms, &out);
		if (c->o.json) {
			json_t *answer =
			    json_pack("{ss si ss}", "taken_for", draft_kind_names[draft.kind],
			        "policy_version", policy_version(policy), "trace", buf_str(&out));

			(void)json_dumpf(answer, stdout, JSON_INDENT(2));
			(void)putchar('\n');
			json_decref(answer);
		} else {
			print_text(buf_str(&out));
		}
	}
	buf_free(&out);
	policy_free(&policy);
	return rc != 1;
}
