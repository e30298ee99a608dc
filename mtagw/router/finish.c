/*
 * finish: a numbered letter gets its forms (render, PDF, seal, DKIM: no transaction open), and T3
 * stores them with their deliveries, the confirmation to the writer and the work of registering it
 * at the recipient agencies. Done again after a crash it finds the same number, date and policy
 * version; a form that was stored is never made twice.
 */
#include "mtagw/router/letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/mime.h"
#include "mtagw/office/letter_xml.h"
#include "mtagw/office/shape.h"
#include "mtagw/office/source.h"

struct finish {
	struct worker *w;
	struct task *t;
	struct letter_row row;
	struct letter letter;
	const struct policy_type *type;
	struct range source;
	const struct mime_part **enclosures;
	size_t enclosure_count;
	bool source_signed; /* by its writer's own key: told in the confirmation */
	struct range pdf;   /* made at most once, for both forms */
	struct letters_forms forms;
};

static int load(struct finish *f)
{
	struct worker *w = f->w;
	struct task *t = f->t;
	struct mime_part *root;
	int rc = 1;

	if (t->row != NULL)
		f->row = *t->row;
	else
		rc = letter_row_load(w->db, t->work->ref, t->arena, &f->row, &t->err);
	if (rc != 1 || f->row.number == NULL)
		return rc == 1
		           ? err_set(&t->err, "letter %lld has no number", (long long)t->work->ref)
		           : -1;
	t->law =
	    worker_law(w, f->row.policy_version, &t->err); /* a redo keeps the law of its number */
	if (t->law == NULL)
		return -1;
	if (t->letter != NULL)
		f->letter = *t->letter;
	else if (letter_xml_read(range_of(f->row.xml), t->arena, &f->letter, &t->err) < 0)
		return -1;
	t->message = (struct message){.id = f->row.message_id,
	    .position = f->row.position,
	    .login = f->row.login,
	    .dsn = f->row.dsn};
	f->letter.id = f->row.id;
	f->letter.login = f->row.login;
	f->letter.incumbency = f->row.incumbency;
	f->letter.number = f->row.number;
	f->letter.date = f->row.date;
	f->letter.state = "numbered";
	f->letter.message_id = f->row.mime_message_id;
	f->letter.reply_to = letters_reply_to(w, t, &f->letter, f->row.reply_token);
	f->type = policy_type(t->law->policy, f->row.type);
	if (f->type == NULL)
		return err_set(
		    &t->err, "type %s is not in policy version %d", f->row.type, t->law->version);
	if (t->source.p == NULL &&
	    message_body(w->db, f->row.body_id, t->arena, &t->source, &t->err) != 1)
		return -1;
	f->source = t->source;
	if (mime_parse(f->source, t->arena, &root, &t->err) < 0)
		return -1;
	f->source_signed = source_signed(root, t->arena);
	f->enclosure_count = mime_enclosures(root, t->arena, &f->enclosures);
	if (f->enclosure_count != f->letter.enclosure_count)
		return err_set(&t->err, "letter %lld lists %zu enclosures, its mail has %zu",
		    (long long)f->row.id, f->letter.enclosure_count, f->enclosure_count);
	return 1;
}

static int render(
    struct finish *f, enum render_form form, bool outside, bool seal, const char **out_r)
{
	return letters_render(f->t, &f->letter, form, outside, seal, out_r);
}

static int make_pdf(struct finish *f)
{
	struct xml *export;
	struct buf xml = {0}, out = {0};
	const char *page;
	int rc;

	if (f->pdf.len > 0)
		return 1;
	if (f->w->pdf == NULL)
		return err_set(&f->t->err, "a PDF is wanted and this worker makes none");
	if (render(f, RENDER_PAGE, f->forms.made[1], f->forms.pdf_sealed, &page) != 1)
		return -1;
	export = letter_xml_export(&f->letter);
	xml_write(export, false, &xml);
	xml_free(&export);
	rc = pdf_make(f->w->pdf, range_of(page), "letter.xml", buf_range(&xml), &out, &f->t->err);
	if (rc == 1)
		f->pdf =
		    (struct range){arena_strndup(f->t->arena, buf_str(&out), out.len), out.len};
	buf_free(&xml);
	buf_free(&out);
	return rc;
}

static int deliver_outside(struct finish *f, struct outgoing *out)
{
	for (size_t i = 0; i < f->letter.recipient_count; i++)
		if (!f->letter.recipients[i].inside &&
		    plan_delivery(f->w, f->t, out, f->letter.recipients[i].address, "smtp", true,
		        NULL, NULL) < 0)
			return -1;
	return 1;
}

/* The registry clerk of an agency has every letter of it too (R40). */
static int deliver_registry(struct finish *f, struct outgoing *out, const char *agency_code)
{
	const struct policy_agency *agency = policy_agency(f->t->law->policy, agency_code);

	if (agency == NULL || agency->registry == NULL)
		return 1;
	return plan_delivery(f->w, f->t, out,
	    addressing_mailbox(agency->registry, f->w->settings->domain, f->t->arena), "lmtp", true,
	    NULL, NULL);
}

static int deliver_inside(struct finish *f, struct outgoing *out)
{
	for (size_t i = 0; i < f->letter.recipient_count; i++) {
		const struct letter_recipient *r = &f->letter.recipients[i];
		struct addressee who;

		if (!r->inside)
			continue;
		addressing_resolve(
		    f->t->law->policy, f->w->settings->domain, r->address, f->t->arena, &who);
		if (letters_deliver_inside(f->w, f->t, out, &who, 1, true, NULL) < 0)
			return -1;
		if (r->agency != NULL && deliver_registry(f, out, r->agency) < 0)
			return -1;
	}
	return f->forms.copy ? deliver_registry(f, out, f->letter.agency) : 1;
}

/* The bytes of one form: rendered, sealed, signed. */
static int shape_form(struct finish *f, bool outside, struct pieces *pieces, char fingerprint_r[41])
{
	const struct policy_decision *d = &f->forms.of[outside];
	struct shape shape = {.letter = &f->letter,
	    .outside = outside,
	    .seal = d->seal,
	    .dkim = outside && d->dkim,
	    .enclosures = f->enclosures,
	    .enclosure_count = f->enclosure_count,
	    .source = f->source,
	    .source_body = f->row.body_id,
	    .date_ms = f->t->now_ms};
	int rc;

	if (d->pdf && (rc = make_pdf(f)) != 1)
		return rc;
	if (d->pdf)
		shape.pdf = f->pdf;
	if ((rc = render(f, RENDER_TEXT, outside, d->seal, &shape.text)) != 1 ||
	    (!outside && (rc = render(f, RENDER_HTML, false, d->seal, &shape.html)) != 1))
		return rc;
	return shape_letter(&shape, f->w->signer, f->t->arena, pieces, fingerprint_r, &f->t->err);
}

static void note_form(struct finish *f, const struct outgoing *out, const char *fingerprint)
{
	struct plan *plan = f->t->plan;

	plan->forms[plan->form_count].form = out->form;
	plan->forms[plan->form_count].ref = out->id;
	plan->forms[plan->form_count].size = out->size;
	memcpy(plan->forms[plan->form_count].sha256, out->sha256, SHA256_BYTES);
	plan->forms[plan->form_count++].fingerprint = fingerprint;
}

/* One form: made and planned. */
static int make_form(struct finish *f, bool outside)
{
	struct task *t = f->t;
	const struct policy_decision *d = &f->forms.of[outside];
	const char *form = outside ? "outside" : "inside";
	struct pieces *pieces = pieces_new(t->arena);
	char *fingerprint = arena_alloc(t->arena, 41), hash[SHA256_HEX_SIZE];
	const char *details[] = {"form", form, "key", fingerprint, NULL};
	struct outgoing *out;
	int rc = shape_form(f, outside, pieces, fingerprint);

	if (rc != 1)
		return rc;
	if (plan_outgoing(f->w, t, "letter", form, pieces,
	        outside ? f->letter.registry_address : f->letter.login, f->letter.message_id,
	        f->letter.subject, f->row.id, &out) < 0)
		return -1;
	if ((outside ? deliver_outside(f, out) : deliver_inside(f, out)) < 0 ||
	    plan_outgoing_done(f->w, t, out) < 0)
		return -1;
	note_form(f, out, fingerprint);
	codec_hex(out->sha256, SHA256_BYTES, hash);
	return plan_exchange(f->w, t,
	    (struct exchange){.event = !d->seal             ? "FormMade"
	                               : outside && d->dkim ? "SealedAndDkimSigned"
	                                                    : "Sealed",
	        .outcome = "done",
	        .letter_id = f->row.id,
	        .actor = letters_actor(t, f->row.incumbency),
	        .rule_id = d->rule_id,
	        .object_sha256 = hash},
	    details);
}

static int keep_pdf(struct finish *f)
{
	struct plan *plan = f->t->plan;

	if (f->pdf.len == 0)
		return 1;
	if (ids_next(&f->w->ids, f->w->db, f->t->now_ms, &plan->body_id, &f->t->err) < 0 ||
	    body_stage(f->w->db, plan->body_id, f->pdf, f->t->now_ms, &f->t->err) < 0)
		return -1;
	plan->body = f->pdf;
	plan->forms[plan->form_count].form = "pdf";
	plan->forms[plan->form_count].ref = plan->body_id;
	plan->forms[plan->form_count].size = f->pdf.len;
	codec_sha256(f->pdf.p, f->pdf.len, plan->forms[plan->form_count].sha256);
	plan->forms[plan->form_count++].fingerprint = "";
	return 1;
}

static int confirm(struct finish *f)
{
	int year = 0, month = 0, day = 0;
	const char *date = sscanf(f->row.date, "%d-%d-%d", &year, &month, &day) == 3
	                       ? arena_printf(f->t->arena, "%02d-%02d-%04d", day, month, year)
	                       : f->row.date;
	const char *pairs[] = {"nomor", f->row.number, "tanggal", date, "hal", f->row.subject,
	    "penerima", letters_recipient_lines(f->t, &f->letter), "jenis", f->type->word, "segel",
	    policy_words(
	        f->t->law->policy, f->forms.sealed ? "seal.yes" : "seal.no", NULL, f->t->arena),
	    NULL};
	struct notice n = {
	    .words = "confirmation", .pairs = pairs, .in_reply_to = f->row.mime_message_id};
	struct message written;

	if (f->source_signed)
		n.more = policy_words(f->t->law->policy, "signature-left", NULL, f->t->arena);

	if (message_load(f->w->db, f->row.message_id, f->t->arena, &written, &f->t->err) == 1)
		n.in_reply_to = written.mime_message_id;
	return plan_notice(f->w, f->t, "confirmation", f->row.position, &n, f->row.id);
}

/* Agencies inside that have to register it as incoming, each once (own agency aside). */
static void plan_registrations(struct finish *f)
{
	struct plan *plan = f->t->plan;

	plan->register_agencies =
	    arena_alloc(f->t->arena, (f->letter.recipient_count + 1) * sizeof(char *));
	for (size_t i = 0; i < f->letter.recipient_count; i++) {
		const char *agency = f->letter.recipients[i].agency;
		size_t k;

		if (agency == NULL || strcmp(agency, f->letter.agency) == 0)
			continue;
		for (k = 0; k < plan->register_count; k++)
			if (strcmp(plan->register_agencies[k], agency) == 0)
				break;
		if (k == plan->register_count)
			plan->register_agencies[plan->register_count++] = agency;
	}
}

/* The law of its number wants a PDF, today's, by which the worker was chosen, none. */
static enum task_result to_render_worker(struct task *t, int64_t letter_id)
{
	exchanges_free(&t->plan->exchanges); /* decided again there */
	*t->plan = (struct plan){
	    .exchanges = exchanges_new(), .next_kind = "render", .next_ref = letter_id};
	return TASK_GO;
}

enum task_result finish_task(struct worker *w, struct task *t)
{
	struct finish f = {.w = w, .t = t};
	int64_t id;

	if (load(&f) != 1)
		return TASK_WAIT;
	t->plan->letter_id = f.row.id;
	if (letters_decide_forms(w, t, &f.letter, f.row.date, true, &f.forms) < 0)
		return TASK_WAIT;
	if (f.forms.pdf && w->pdf == NULL)
		return to_render_worker(t, f.row.id);
	if ((f.forms.made[0] && make_form(&f, false) != 1) ||
	    (f.forms.made[1] && make_form(&f, true) != 1))
		return TASK_WAIT;
	if (keep_pdf(&f) < 0 || (f.forms.confirm && confirm(&f) < 0))
		return TASK_WAIT;
	t->plan->letter_state = "signed";
	plan_registrations(&f);
	t->plan->register_ids =
	    arena_alloc(t->arena, (t->plan->register_count + 1) * sizeof(int64_t));
	for (size_t i = 0; i < t->plan->register_count; i++) {
		if (ids_next(&w->ids, w->db, t->now_ms, &id, &t->err) < 0)
			return TASK_WAIT;
		t->plan->register_ids[i] = id;
	}
	return TASK_GO;
}
