/*
 * draft: reads a mail of a login as what it wants to be (DESIGN 7, "Ordinary mail is not a
 * letter"). A type's address among the recipients or a `Jenis:` head line makes it a letter;
 * untyped mail with somebody outside becomes a preview; the rest is a pesan. Nothing is decided
 * here: policy is asked with the facts this module finds, and the words a writer sees come from
 * there too.
 */
#include "mtagw/office/draft.h"

#include <string.h>
#include <strings.h>

#include "mtagw/office/enclosure.h"
#include "mtagw/office/qualifier.h"
#include "mtagw/office/source.h"

/* What the agenda keeps as summary when the writer gives none: the start of the first paragraph. */
#define SUMMARY_MAX_BYTES 200

const char *const draft_kind_names[] = {"letter", "preview", "pesan", "prompt", "invalid"};
const char *const letter_scope_names[] = {"internal", "inter_agency", "outside"};

struct reading {
	const struct draft_source *source;
	struct arena *arena;
	struct draft *draft;
	struct header header;
	struct mailbox *to, *cc;
	size_t to_count, cc_count;
	struct addressee *addressees;
	const struct policy_type *typed;
	const char *blind; /* a recipient of the envelope whom neither To nor Cc names */
};

static int invalid(struct draft *draft, const char *words, const char *what)
{
	draft->kind = DRAFT_INVALID;
	draft->problem = words;
	draft->problem_what = what;
	return 1;
}

static const struct mailbox *find_mailbox(
    const struct mailbox *list, size_t count, const char *address, struct arena *arena)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(address_format(&list[i].address, arena), address) == 0)
			return &list[i];
	return NULL;
}

static void read_mailboxes(struct reading *rd)
{
	const char *to = header_raw(&rd->header, "To", rd->arena),
	           *cc = header_raw(&rd->header, "Cc", rd->arena);
	struct err ignored; /* a To that is no list names nobody; the envelope decides anyway */

	if (address_list(range_of(to), rd->arena, &rd->to, &rd->to_count, &ignored) != 1)
		rd->to_count = 0;
	if (address_list(range_of(cc), rd->arena, &rd->cc, &rd->cc_count, &ignored) != 1)
		rd->cc_count = 0;
}

static void add_recipient(struct reading *rd, const struct addressee *a)
{
	struct letter *letter = &rd->draft->letter;
	struct letter_recipient *r =
	    (struct letter_recipient *)&letter->recipients[letter->recipient_count];
	const struct mailbox *to = find_mailbox(rd->to, rd->to_count, a->address, rd->arena);
	const struct mailbox *cc = find_mailbox(rd->cc, rd->cc_count, a->address, rd->arena);
	const struct mailbox *named = to ? to : cc;
	const struct policy_agency *agency =
	    a->agency ? policy_agency(rd->source->policy, a->agency) : NULL;

	for (size_t i = 0; i < letter->recipient_count; i++)
		if (strcmp(letter->recipients[i].address, a->address) == 0)
			return;
	if (named == NULL && rd->to_count + rd->cc_count > 0)
		rd->blind = a->address;
	r->inside = a->kind != ADDRESSEE_OUTSIDE;
	r->copy = to == NULL && (cc != NULL || rd->to_count > 0);
	r->address = a->address;
	r->name = r->inside ? a->title : named && named->name[0] ? named->name : a->address;
	r->position = r->inside ? a->position : NULL;
	r->agency = r->inside ? a->agency : NULL;
	r->place = agency ? agency->place : "Tempat";
	rd->addressees[letter->recipient_count++] = *a;
}

/* Sorts the envelope: people and agencies become recipients, a type's address names the type. */
static int read_rcpts(struct reading *rd)
{
	const struct draft_source *in = rd->source;
	struct draft *draft = rd->draft;

	rd->addressees = arena_alloc(rd->arena, (in->rcpt_count + 1) * sizeof(*rd->addressees));
	draft->letter.recipients =
	    arena_alloc(rd->arena, (in->rcpt_count + 1) * sizeof(struct letter_recipient));
	for (size_t i = 0; i < in->rcpt_count; i++) {
		struct addressee a;

		addressing_resolve(in->policy, in->domain, in->rcpts[i], rd->arena, &a);
		if (a.kind == ADDRESSEE_PROMPT) {
			draft->kind = DRAFT_PROMPT;
			draft->prompt_target = a.target;
			draft->prompt_detail = a.detail ? a.detail : "";
			return 1;
		}
		if (a.kind == ADDRESSEE_UNKNOWN || a.kind == ADDRESSEE_RETURN)
			return invalid(draft, "notice.unknown-recipient", a.address);
		if (a.kind == ADDRESSEE_TYPE) {
			if (rd->typed != NULL && strcmp(rd->typed->id, a.target) != 0)
				return invalid(draft, "notice.two-types", a.address);
			rd->typed = policy_type(in->policy, a.target);
			continue;
		}
		add_recipient(rd, &a);
	}
	draft->addressees = rd->addressees;
	draft->addressee_count = draft->letter.recipient_count;
	return 0;
}

static const char *summary_of(const char *text, struct arena *arena)
{
	size_t n = 0, cut;
	char *out;

	while (text[n] != '\0' && !(text[n] == '\n' && text[n + 1] == '\n'))
		n++;
	cut = n < SUMMARY_MAX_BYTES ? n : SUMMARY_MAX_BYTES;
	while (cut > 0 && cut < n && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--; /* not inside a UTF-8 character */
	out = arena_strndup(arena, text, cut);
	for (char *p = out; *p; p++)
		if (*p == '\n')
			*p = ' ';
	return out;
}

static void read_scope(struct draft *draft, const char *own_agency)
{
	struct letter *letter = &draft->letter;

	letter->scope = SCOPE_INTERNAL;
	for (size_t i = 0; i < letter->recipient_count; i++) {
		const struct letter_recipient *r = &letter->recipients[i];

		if (!r->inside)
			letter->scope = SCOPE_OUTSIDE;
		else if (letter->scope == SCOPE_INTERNAL && r->agency &&
		         strcmp(r->agency, own_agency) != 0)
			letter->scope = SCOPE_INTER_AGENCY;
	}
}

static void read_sender(struct reading *rd)
{
	const struct policy *policy = rd->source->policy;
	const struct policy_position *p = policy_position(policy, rd->source->position);
	const struct policy_agency *a = p ? policy_agency(policy, p->agency) : NULL;
	struct letter *letter = &rd->draft->letter;

	letter->position = rd->source->position;
	letter->login = rd->source->login;
	letter->position_title = p ? p->title : "";
	letter->position_block = p ? p->block : "";
	letter->print_rank = p && (p->rank_line == NULL || strcmp(p->rank_line, "no") != 0);
	letter->agency = a ? a->code : "";
	letter->agency_name = a ? a->name : "";
	letter->letterhead_kind = a ? a->letterhead_kind : "agency";
	letter->place = a && a->place ? a->place : "";
	for (int i = 0; a && i < 4; i++)
		letter->letterhead_lines[i] = a->letterhead_lines[i];
	letter->registry_address =
	    a ? arena_printf(rd->arena, "%s@%s", a->registry_local, rd->source->domain) : "";
	letter->capacity = "substantive";
	letter->holder = letter->rank_title = letter->pay_grade = letter->nip = "";
}

static int outside_exists(const struct draft *draft)
{
	for (size_t i = 0; i < draft->letter.recipient_count; i++)
		if (!draft->letter.recipients[i].inside)
			return 1;
	return 0;
}

static int read_content(struct reading *rd)
{
	struct draft *draft = rd->draft;
	struct letter *letter = &draft->letter;
	struct reply_head head;

	reply_head(draft->main_text, rd->arena, &head);
	if (head.type != NULL) {
		const struct policy_type *named =
		    policy_type_by_word(rd->source->policy, head.type);

		if (named == NULL)
			return invalid(draft, "notice.unknown-type", head.type);
		if (rd->typed != NULL && strcmp(rd->typed->id, named->id) != 0)
			return invalid(draft, "notice.two-types", head.type);
		rd->typed = named;
	}
	letter->subject =
	    head.subject ? head.subject : header_text(&rd->header, "Subject", rd->arena);
	letter->security_class = "open";
	letter->urgency = "normal";
	letter->classification_code = head.classification ? head.classification : "";
	letter->body_text = reply_without_signature(head.rest, rd->arena);
	letter->summary =
	    summary_of(letter->body_text[0] ? letter->body_text : letter->subject, rd->arena);
	if (rd->typed == NULL && !outside_exists(draft))
		return 0; /* a pesan: whatever its head lines say is the writer's own affair */
	if (head.twice != NULL)
		return invalid(draft, "notice.line-twice", head.twice);
	if (head.qualifier != NULL &&
	    !letter_qualifier(head.qualifier, &letter->security_class, &letter->urgency, rd->arena))
		return invalid(draft, "notice.unknown-qualifier", head.qualifier);
	return 0;
}

/* What was sealed would stand for the agency: whatever cannot be read is asked back. */
static int read_source(struct reading *rd)
{
	struct draft *draft = rd->draft;
	const struct letter *letter = &draft->letter;
	const char *what, *problem = source_problem(draft->root, rd->arena, &what);

	if (problem != NULL)
		return invalid(draft, problem, what);
	if (source_unreadable(letter->subject))
		return invalid(draft, "notice.broken-subject", letter->subject);
	for (size_t i = 0; i < letter->recipient_count; i++)
		if (source_unreadable(letter->recipients[i].name))
			return invalid(draft, "notice.broken-name", letter->recipients[i].name);
	for (size_t i = 0; i < letter->enclosure_count; i++)
		if (source_unreadable(letter->enclosures[i].filename))
			return invalid(draft, "notice.broken-name", letter->enclosures[i].filename);
	draft->source_signed = source_signed(draft->root, rd->arena);
	return 0;
}

static int read_kind(struct reading *rd)
{
	struct draft *draft = rd->draft;

	if (draft->letter.recipient_count == 0)
		return invalid(draft, "notice.no-recipient", rd->typed ? rd->typed->word : "");
	if (rd->typed == NULL && !outside_exists(draft)) {
		draft->kind = DRAFT_PESAN;
		return 1;
	}
	/* A letter lists whom it goes to; who is hidden on purpose must not be disclosed by it. */
	if (rd->blind != NULL)
		return invalid(draft, "notice.blind-recipient", rd->blind);
	if (read_source(rd) != 0)
		return 1;
	draft->kind = rd->typed ? DRAFT_LETTER : DRAFT_PREVIEW;
	draft->type = rd->typed ? rd->typed : policy_type(rd->source->policy, "ordinary_letter");
	if (draft->type == NULL)
		return invalid(draft, "notice.unknown-type", "ordinary_letter");
	draft->letter.type = draft->type->id;
	if (draft->letter.classification_code[0] == '\0')
		draft->letter.classification_code = draft->type->classification_default;
	draft->letter.state = "draft";
	if (draft->letter.subject[0] == '\0')
		return invalid(draft, "notice.no-subject", draft->type->word);
	if (draft->letter.body_text[0] == '\0')
		return invalid(draft, "notice.no-text", draft->letter.subject);
	return 1;
}

int draft_read(const struct draft_source *source, struct arena *arena, struct draft *draft_r,
    struct err *error_r)
{
	struct reading rd = {.source = source, .arena = arena, .draft = draft_r};
	struct range body;

	*draft_r = (struct draft){.kind = DRAFT_INVALID};
	if (header_parse(source->bytes, arena, &rd.header, &body, error_r) < 0)
		return -1;
	if (mime_parse(source->bytes, arena, (struct mime_part **)&draft_r->root, error_r) < 0)
		return -1;
	draft_r->main_text = source_text(draft_r->root, arena);
	read_mailboxes(&rd);
	if (read_rcpts(&rd) != 0)
		return 1;
	read_sender(&rd);
	if (read_content(&rd) != 0)
		return 1;
	read_scope(draft_r, draft_r->letter.agency);
	draft_r->enclosure_count = mime_enclosures(draft_r->root, arena, &draft_r->enclosures);
	draft_r->letter.enclosures = enclosures_describe(
	    draft_r->enclosures, draft_r->enclosure_count, source->policy, arena);
	draft_r->letter.enclosure_count = draft_r->enclosure_count;
	return read_kind(&rd);
}
