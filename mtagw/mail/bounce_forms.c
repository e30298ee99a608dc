/*
 * bounce_forms: reports that are no RFC 3464: each kind of server has its own sentence, behind
 * which the addresses stand, one a line or in the line itself. A table of those sentences and three
 * ways of taking addresses read them all; adding a server is adding a line. What a server says
 * about a sender (who stands in its words too) is told from recipients by the place in the line and
 * the indentation of the first recipient.
 */
#include "mtagw/mail/bounce_private.h"

#include <string.h>
#include <strings.h>

/* Where the sender is not null, a report must be one from its first lines on. */
#define TOP_MAX_BYTES 3000

enum take {
	LINES,   /* one a line at its head, or alone on it */
	ANGLES,  /* `<address>:` at the head of a line */
	REPLIES, /* `554 <address>... words` */
	BEHIND   /* behind the sentence, wherever it is said again */
};

/* Words in lower case; a blank matches any run of blanks and line ends. sign: further words the
 * text (or its X-Mailer) must hold where the sentence alone could be anybody's; NULL none. */
static const struct form {
	const char *name, *sign, *sentence;
	enum take take;
	bool delayed;
} forms[] = {
    {"qmail", NULL, "wasn't able to deliver your message to the following addresses", ANGLES,
        false},
    {"qmail", NULL, "mail message to the following address(es) could not be delivered", ANGLES,
        false},
    {"yahoo", NULL, "unable to deliver your message to the following address", ANGLES, false},
    {"yahoo", NULL, "unable to deliver message to the following address", ANGLES, false},
    {"postfix", NULL, "below could not be delivered to one or more destinations", ANGLES, false},
    {"postfix", NULL, "your message could not be delivered to one or more recipients", ANGLES,
        false},
    {"exim", NULL, "following address(es) failed:", LINES, false},
    {"exim", NULL, "following address failed:", LINES, false},
    {"exim", NULL, "message has not yet been delivered is:", LINES, true},
    {"exim", NULL, "message has not yet been delivered are:", LINES, true},
    {"gmail", NULL, "delivery to the following recipient failed permanently:", LINES, false},
    {"gmail", NULL, "delivery to the following recipients failed permanently:", LINES, false},
    {"gmail", NULL, "delivery to the following recipient has been delayed:", LINES, true},
    {"gmail", NULL, "delivery to the following recipients has been delayed:", LINES, true},
    {"sendmail", NULL, "the following addresses had permanent fatal errors", LINES, false},
    {"sendmail", NULL, "the following addresses had permanent delivery errors", LINES, false},
    {"sendmail", NULL, "the following addresses had transient non-fatal errors", LINES, true},
    {"sendmail", NULL, "the following addresses had delivery problems", LINES, false},
    {"sendmail", NULL, "the following addresses had delivery errors", LINES, false},
    {"sendmail", "----- unsent message follows", "transcript of session follows -----", REPLIES,
        false},
    {"exchange", NULL, "did not reach the following recipient(s):", LINES, false},
    {"exchange", NULL, "following recipient(s) could not be reached:", LINES, false},
    {"exchange", NULL, "following recipient(s) cannot be reached:", LINES, false},
    {"exchange", NULL, "delivery has failed to these recipients or groups:", LINES, false},
    {"exchange", NULL, "delivery has failed to these recipients or distribution lists:", LINES,
        false},
    {"exchange", NULL, "did not reach the following recipient:", BEHIND, false},
    {"domino", NULL, "was not delivered to:", LINES, false},
    {"notes", NULL, "------- failure reasons", LINES, false},
    {"groupwise", NULL, "you sent was undeliverable to the following:", LINES, false},
    {"courier", NULL, "message to the following recipients cannot be delivered:", LINES, false},
    {"opensmtpd", NULL, "following list of recipients:", LINES, false},
    {"dragonfly", NULL, "there was an error delivering your mail to", BEHIND, false},
    {"imail", "smtp32", "unknown user:", BEHIND, false},
    {"imail", "smtp32", "invalid final delivery userid:", BEHIND, false},
    {"imail", "smtp32", "undeliverable to", BEHIND, false},
    {"imail", "body of message generated response:", "undeliverable to", BEHIND, false},
    {"mdaemon", NULL, "failed address:", BEHIND, false},
    {"mdaemon", "could not be delivered", "failed recipient:", BEHIND, false},
    {"mimecast", NULL, "an email you addressed to email address :", LINES, false},
    {"messagelabs", NULL, "unable to deliver your message to the following addresses", LINES,
        false},
    {"mailmarshal", NULL, "following recipients were affected:", LINES, false},
    {"mailfoundry", NULL, "unable to deliver message to:", BEHIND, false},
    {"interscan", "interscan messaging security suite", "unable to deliver message to", BEHIND,
        false},
    {"interscan", "received >>>", "sent <<< rcpt to:", BEHIND, false},
    {"m-filter", "-------server message", "", LINES, false},
    {"ezweb", "following recipients was rejected by a remote", "recipient:", BEHIND, false},
    {"kddi", "your mail sent on:", "could not be delivered to:", BEHIND, false},
    {"workmail", NULL, "trying to deliver the mail to the following recipients:", LINES, false},
    {"zoho", "error_code :", "this is a permanent error.", LINES, false},
    {"zoho", "message will be retried", "[status: error, address:", BEHIND, true},
    {"smail", NULL, "failed addresses follow:", LINES, false},
    {"free", "delivery status notification is sent from", "delivery failed:", BEHIND, false},
    {"free", NULL, "following recipients returned permanent errors:", BEHIND, false},
    {"free", NULL, "delevery to the following recipients was aborted", LINES, false},
    {"free", NULL, "tidak dapat dikirim ke alamat berikut", LINES, false},
    {"free", NULL, "tidak dapat dikirimkan ke alamat berikut", LINES, false},
    {"free", NULL, "gagal dikirim ke alamat berikut", LINES, false},
    {"free", NULL, "gagal mengirim ke alamat berikut", LINES, false},
};

/* Words of reports by unknown servers, in the subject or the first lines. */
static const char *const failures[] = {"undeliver", "failure notice", "returned mail",
    "delivery status notification", "delivery fail", "delivery has failed", "failed delivery",
    "could not be delivered", "couldn't be delivered", "not be delivered", "mail system error",
    "unable to deliver", "wasn't delivered", "error sending your mail", "tidak terkirim",
    "tidak dapat dikirim", "gagal dikirim", "gagal terkirim", "pengiriman gagal"};

static const char *const delays[] = {"this is a warning message only", "message will be retried",
    "will keep trying", "delivery attempts will continue", "no action is required on your part"};

static bool any_of(struct range text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bounce_find(text, list[i], NULL) != NULL)
			return true;
	}
	return false;
}

#define ANY_OF(text, list) any_of(text, list, sizeof(list) / sizeof((list)[0]))

static bool starts(struct range s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && strncasecmp(s.p, prefix, n) == 0;
}

static struct range skip(struct range s, size_t n)
{
	return n > s.len ? (struct range){s.p + s.len, 0} : (struct range){s.p + n, s.len - n};
}

static struct range skip_any(struct range s, const char *set)
{
	while (s.len > 0 && strchr(set, s.p[0]) != NULL)
		s = skip(s, 1);
	return s;
}

/* The address at the head of s, with its brackets or quotes; rest_r: behind it. */
static const char *address_at(struct range s, struct arena *arena, struct range *rest_r)
{
	char close = 0;
	size_t n = 0;

	if (s.len > 0 && (s.p[0] == '<' || s.p[0] == '"' || s.p[0] == '\'')) {
		close = s.p[0] == '<' ? '>' : s.p[0];
		s = skip(s, 1);
	}
	while (n < s.len && s.p[n] != close && strchr(" \t\r<>\"'()[],;", s.p[n]) == NULL &&
	       !(s.p[n] == ':' && close == 0))
		n++;
	if (n == 0 || n == s.len ? close != 0 : close != 0 && s.p[n] != close)
		return NULL;
	*rest_r = skip(s, n + (close != 0));
	/* `a@b...` and a full stop at the end are no part of it */
	while (close == 0 && n > 0 && s.p[n - 1] == '.')
		n--, rest_r->p--, rest_r->len++;
	return bounce_address((struct range){s.p, n}, arena);
}

/* What may stand behind an address that is a recipient's and not a word of a sentence. */
static bool may_follow(struct range rest)
{
	static const char *const words[] = {
	    ":", "(", "[", "...", "<mailto:", "on ", "invalid address", "- "};
	struct range r = range_trim(rest);

	if (r.len == 0)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (starts(r, words[i]))
			return true;
	}
	return false;
}

/* A recipient's line: its address, the column it stands in and what follows; NULL for others. */
static const char *recipient_line(
    struct range line, enum take take, struct arena *arena, size_t *column_r, struct range *rest_r)
{
	struct range s = skip_any(line, " \t");
	const char *address;

	*column_r = line.len - s.len;
	if (take == ANGLES && (*column_r > 2 || s.len == 0 || s.p[0] != '<'))
		return NULL;
	if (take == REPLIES && (s.len < 5 || strchr("45", s.p[0]) == NULL || s.p[3] != ' '))
		return NULL;
	if (take == REPLIES)
		s = skip(s, 4);
	if (take == LINES) /* `* a@b`, `-- a@b`, `>>> a@b <a@b>` */
		s = skip_any(s, "*->+ \t");
	address = address_at(s, arena, rest_r);
	if (address == NULL)
		return NULL;
	if (take == ANGLES)
		return rest_r->len > 0 && rest_r->p[0] == ':' ? address : NULL;
	if (may_follow(*rest_r))
		return address;
	/* the same once more in brackets */
	*rest_r = skip_any(*rest_r, " \t");
	return rest_r->len > 0 && rest_r->p[0] == '<' &&
	               address_at(*rest_r, arena, rest_r) != NULL && may_follow(*rest_r)
	           ? address
	           : NULL;
}

/* exim's `(generated from a@b)`: the address we wrote to. */
static const char *generated_from(struct range words, struct arena *arena)
{
	const char *end;
	struct range rest;

	if (bounce_find(words, "(generated from", &end) == NULL &&
	    bounce_find(words, "(ultimately generated from", &end) == NULL)
		return NULL;
	rest = (struct range){end, (size_t)(words.p + words.len - end)};
	return address_at(skip_any(rest, " \t\n"), arena, &rest);
}

static void add(
    struct bounce_draft *draft, const struct form *form, const char *address, struct range words)
{
	struct range said = skip_any(range_trim(words), ":.,=> \n");
	const char *before = generated_from(words, draft->arena);
	struct bounce_recipient r = {.address = before ? before : address,
	    .final = before ? address : "",
	    .action = form->delayed ? "delayed" : "failed",
	    .diagnostic = bounce_words(said, draft->arena),
	    .remote = ""};

	r.status = bounce_status(r.diagnostic, draft->arena);
	bounce_add(draft, &r);
}

/* The words about a recipient: the rest of its line and the lines up to the next empty one; where
 * these say nothing yet (a full stop, a ruler, "because:"), the next paragraph too. */
static struct range words_behind(
    struct range rest, struct range text, enum take take, size_t wanted, struct arena *arena)
{
	struct range words = rest, line, unused;
	size_t column;
	bool said = skip_any(range_trim(rest), ":.,=> ").len > 0;

	/* more is not kept; a text of one endless paragraph must not be read once a recipient */
	while (words.len < 4 * (size_t)BOUNCE_WORDS_MAX_BYTES && bounce_line(&text, &line)) {
		struct range trimmed = range_trim(line);

		if (trimmed.len == 0) {
			if (said)
				break;
			continue;
		}
		if (take != BEHIND && recipient_line(line, take, arena, &column, &unused) != NULL &&
		    column == wanted)
			break;
		if (skip_any(trimmed, ".>=").len > 0)
			said = trimmed.p[trimmed.len - 1] != ':' && !starts(trimmed, "--");
		words.len = (size_t)(line.p + line.len - words.p);
	}
	return words;
}

static void take_lines(struct bounce_draft *draft, const struct form *form, struct range text)
{
	size_t column, wanted = 0;
	bool first = true;
	struct range line, rest;

	while (bounce_line(&text, &line)) {
		const char *address =
		    recipient_line(line, form->take, draft->arena, &column, &rest);

		if (bounce_find(line, "following text was generated", NULL) != NULL)
			break;
		if (address == NULL || (!first && column != wanted))
			continue;
		wanted = column;
		first = false;
		add(draft, form, address,
		    words_behind(rest, text, form->take, column, draft->arena));
		if (draft->count == BOUNCE_RECIPIENTS_MAX)
			break;
	}
}

static void take_behind(struct bounce_draft *draft, const struct form *form, struct range text)
{
	const char *end, *limit = text.p + text.len;

	while (bounce_find(text, form->sentence, &end) != NULL) {
		struct range rest;
		const char *address;

		text = (struct range){end, (size_t)(limit - end)};
		address = address_at(skip_any(text, " \t:\n"), draft->arena, &rest);
		if (address == NULL)
			continue;
		add(draft, form, address,
		    words_behind((struct range){rest.p, 0}, rest, BEHIND, 0, draft->arena));
		if (draft->count == BOUNCE_RECIPIENTS_MAX)
			break;
	}
}

/* True where the text is of this form. */
static bool read_form(struct bounce_draft *draft, const struct form *form, const char *mailer,
    struct range text, struct range whole)
{
	const char *end;

	if (bounce_find(text, form->sentence, &end) == NULL)
		return false;
	if (form->sign != NULL && bounce_find(whole, form->sign, NULL) == NULL &&
	    bounce_find(range_of(mailer), form->sign, NULL) == NULL)
		return false;
	if (draft->bounce->form[0] == '\0')
		draft->bounce->form = form->name;
	if (form->take == BEHIND) {
		take_behind(draft, form, text);
	} else {
		struct range line, behind = {end, (size_t)(text.p + text.len - end)};

		if (form->sentence[0] != '\0')
			(void)bounce_line(&behind, &line);
		take_lines(draft, form, behind);
	}
	if (draft->count > 0)
		draft->bounce->form = form->name;
	return true;
}

bool bounce_forms(struct bounce_draft *draft, const char *mailer, const char *subject,
    struct range text, bool any)
{
	struct range whole = text, own, top;
	bool found = false;

	if (whole.len > BOUNCE_TEXT_MAX_BYTES)
		whole.len = BOUNCE_TEXT_MAX_BYTES;
	own = (struct range){text.p, (size_t)(bounce_cut(whole) - text.p)};
	if (!any && own.len > TOP_MAX_BYTES)
		own.len = TOP_MAX_BYTES;
	top = (struct range){own.p, own.len < 1000 ? own.len : 1000};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) && draft->count == 0; i++)
		found |= read_form(draft, &forms[i], mailer, own, whole);
	if (!found && any && (ANY_OF(range_of(subject), failures) || ANY_OF(top, failures))) {
		draft->bounce->form = "free";
		found = true;
	}
	if (found && ANY_OF(own, delays)) {
		for (size_t i = 0; i < draft->count; i++)
			draft->list[i].action = "delayed";
	}
	return found;
}
