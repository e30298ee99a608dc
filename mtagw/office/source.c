/*
 * source: looks at a mail as the raw material of a letter. A letter's bytes are made anew and
 * sealed by the agency, so what cannot be read must be told and never be replaced in silence. The
 * writer's own signature is one over the mail, its recipients and head lines included; the letter
 * is another text, so the signature is not carried along (the mail itself stays in the store as
 * evidence) and the writer is told. Messages inside the mail are enclosures: what they are is not
 * our affair.
 */
#include "mtagw/office/source.h"

#include <string.h>
#include <strings.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/param.h"

#define CLEAR_BEGIN "-----BEGIN PGP SIGNED MESSAGE-----"
#define CLEAR_END "-----BEGIN PGP SIGNATURE-----"
#define PGP_MESSAGE "-----BEGIN PGP MESSAGE-----"

static bool is(const struct mime_part *part, const char *type, const char *subtype)
{
	return strcmp(part->type, type) == 0 && strcmp(part->subtype, subtype) == 0;
}

static bool is_smime(const struct mime_part *part)
{
	return is(part, "application", "pkcs7-mime") || is(part, "application", "x-pkcs7-mime");
}

static bool is_encrypted(const struct mime_part *part)
{
	return is(part, "multipart", "encrypted") || is(part, "application", "pgp-encrypted");
}

static bool is_signed(const struct mime_part *part)
{
	return is(part, "multipart", "signed");
}

static bool is_winmail(const struct mime_part *part)
{
	return is(part, "application", "ms-tnef") || is(part, "application", "vnd.ms-tnef") ||
	       (part->filename != NULL && strcasecmp(part->filename, "winmail.dat") == 0);
}

static bool is_damaged(const struct mime_part *part)
{
	struct buf bytes = {0};
	struct err ignored;
	bool damaged = part->child_count == 0 && mime_decode(part, &bytes, &ignored) != 1;

	buf_free(&bytes);
	return damaged;
}

/* The first part of the mail itself, outside enclosed messages, of which this holds. */
static const struct mime_part *find(
    const struct mime_part *part, bool (*holds)(const struct mime_part *))
{
	const struct mime_part *found = NULL;

	if (holds(part))
		return part;
	if (strcmp(part->type, "message") == 0)
		return NULL;
	for (size_t i = 0; found == NULL && i < part->child_count; i++)
		found = find(&part->children[i], holds);
	return found;
}

/* The start of the first line of text that is line, blanks behind it aside; NULL. */
static const char *find_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)) != NULL; at += len) {
		char after = at[len + strspn(at + len, " \t")];

		if ((at == text || at[-1] == '\n') && (after == '\n' || after == '\0'))
			return at;
	}
	return NULL;
}

bool source_unreadable(const char *text)
{
	return strstr(text, "\xef\xbf\xbd") != NULL;
}

/* The lines of a clear-signed text, dash-escaping undone. */
static void put_lines(const char *text, const char *end, struct buf *out)
{
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		const char *next = lf ? lf + 1 : end;

		if (strncmp(text, "- ", 2) == 0)
			text += 2;
		buf_append(out, text, (size_t)(next - text));
		text = next;
	}
}

const char *source_text(const struct mime_part *root, struct arena *arena)
{
	const char *text = mime_main_text(root, arena), *begin = find_line(text, CLEAR_BEGIN);
	const char *body = begin ? strstr(begin, "\n\n") : NULL, *end, *rest;
	const char *result;
	struct buf out = {0};

	if (body == NULL)
		return text;
	body += 2; /* behind the `Hash:` lines */
	end = find_line(body, CLEAR_END);
	if (end == NULL)
		return text;
	rest = find_line(end, "-----END PGP SIGNATURE-----");
	buf_append(&out, text, (size_t)(begin - text));
	put_lines(body, end, &out);
	if (rest != NULL && (rest = strchr(rest, '\n')) != NULL)
		buf_puts(&out, rest + 1);
	result = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return result;
}

/* RFC 8551 3.2.2: what a closed S/MIME mail holds is said by a parameter only. */
static const char *smime_problem(const struct mime_part *part, struct arena *arena)
{
	const struct header_field *f = header_get(&part->header, "Content-Type", 0);
	const char *kind =
	    param_raw(param_parse(f ? f->value : (struct range){0}, arena), "smime-type", arena);

	return kind != NULL && strcasecmp(kind, "signed-data") == 0 ? "notice.closed-signature"
	                                                            : "notice.encrypted";
}

static const char *text_problem(
    const struct mime_part *part, struct arena *arena, const char **what_r)
{
	struct buf text = {0};
	struct err ignored;
	bool good = mime_text(part, &text, &ignored) == 1 && !source_unreadable(buf_str(&text));

	buf_free(&text);
	*what_r = part->charset[0] ? arena_strdup(arena, part->charset) : "-";
	if (good)
		return NULL;
	if (!charset_known(part->charset))
		return "notice.unknown-charset";
	if (part->charset[0] == '\0' && !is_damaged(part))
		return "notice.unsaid-charset";
	return "notice.broken-text";
}

/* Main text aside: its damage is told as such. */
static const struct mime_part *damaged_enclosure(
    const struct mime_part *root, struct arena *arena, size_t *n_r)
{
	const struct mime_part **list;
	size_t count = mime_enclosures(root, arena, &list);

	for (size_t i = 0; i < count; i++)
		if (is_damaged(list[i])) {
			*n_r = i + 1;
			return list[i];
		}
	return NULL;
}

const char *source_problem(const struct mime_part *root, struct arena *arena, const char **what_r)
{
	const struct mime_part *main = mime_main_part(root), *part;
	const char *problem = NULL;
	size_t n = 0;

	*what_r = "-";
	if (is_smime(root))
		return smime_problem(root, arena);
	if (find(root, is_encrypted) != NULL ||
	    (main != NULL && find_line(mime_main_text(root, arena), PGP_MESSAGE) != NULL))
		return "notice.encrypted";
	if ((part = find(root, is_winmail)) != NULL) {
		*what_r = part->filename ? part->filename : "winmail.dat";
		return "notice.winmail";
	}
	if (main != NULL)
		problem = text_problem(main, arena, what_r);
	/* armor that could not be taken off was cut on its way */
	if (problem == NULL && find_line(source_text(root, arena), CLEAR_BEGIN) != NULL)
		problem = "notice.broken-text";
	if (problem == NULL && (part = damaged_enclosure(root, arena, &n)) != NULL) {
		problem = "notice.broken-enclosure";
		*what_r = part->filename ? part->filename : arena_printf(arena, "%zu", n);
	}
	return problem;
}

bool source_signed(const struct mime_part *root, struct arena *arena)
{
	return find(root, is_signed) != NULL ||
	       find_line(mime_main_text(root, arena), CLEAR_BEGIN) != NULL;
}
