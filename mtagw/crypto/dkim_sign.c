/*
 * dkim_sign: makes one DKIM-Signature field (RFC 6376 section 3.5) for a finished message: relaxed
 * header form (3.4.2), fields chosen from the bottom up (5.4.2), over-signed by naming each signed
 * field once more than it stands (8.15), so that none can be added afterwards. t= is set; l=, x=,
 * z= and i= never are. The body hash comes from dkim_body; the field is folded below 78 columns.
 */
#include "mtagw/crypto/dkim_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/header.h"

/* RFC 5322 2.1.1 asks for lines of at most 78 characters. */
#define DKIM_COLUMNS 77
/* No mail has a field of these names twice (RFC 5322 3.6); some clients err. More is an attack on
 * h=. */
#define DKIM_INSTANCES_MAX 8

/* always: named in h= even where absent, so that adding it breaks the signature. */
static const struct {
	const char *name;
	bool always;
} signed_fields[] = {
    {"From", true},
    {"To", true},
    {"Cc", true},
    {"Subject", true},
    {"Date", true},
    {"Message-ID", true},
    {"Sender", false},
    {"Reply-To", false},
    {"In-Reply-To", false},
    {"References", false},
    {"MIME-Version", false},
    {"Content-Type", false},
    {"Content-Transfer-Encoding", false},
    {"Auto-Submitted", false},
};

void dkim_canon_field(struct buf *out, struct range name, struct range value)
{
	const char *p = value.p, *end = value.p + value.len;
	bool blank = false, any = false;

	name = range_trim(name);
	for (size_t i = 0; i < name.len; i++)
		buf_putc(out, (char)tolower((unsigned char)name.p[i]));
	buf_putc(out, ':');
	while (p < end) {
		const char *run = p;

		while (p < end && *p != ' ' && *p != '\t' && *p != '\r' && *p != '\n')
			p++;
		if (p > run) {
			if (blank && any)
				buf_putc(out, ' ');
			buf_append(out, run, (size_t)(p - run));
			blank = false;
			any = true;
		} else {
			blank |= *p == ' ' || *p == '\t'; /* CR and LF are folding only: dropped */
			p++;
		}
	}
}

/* Only whole lines that end in CRLF: what is hashed must be what the peer sees. */
static int block_check(struct range block, struct err *error_r)
{
	for (size_t i = 0; i < block.len; i++) {
		char c = block.p[i];

		if (c == '\0' || (c == '\n' && (i == 0 || block.p[i - 1] != '\r')) ||
		    (c == '\r' && (i + 1 == block.len || block.p[i + 1] != '\n')))
			return err_set(
			    error_r, "header block: NUL, bare CR or bare LF at byte %zu", i);
	}
	if (block.len == 0 || block.p[block.len - 1] != '\n')
		return err_set(error_r, "header block does not end with a line end");
	return 1;
}

/* A line under way, broken before the word that would not fit. */
struct fold {
	struct buf *out;
	size_t column;
};

static void fold_put(struct fold *fold, const char *word, const char *blank)
{
	size_t len = strlen(word);

	if (fold->column + strlen(blank) + len > DKIM_COLUMNS) {
		buf_puts(fold->out, "\r\n\t");
		fold->column = 1;
	} else {
		buf_puts(fold->out, blank);
		fold->column += strlen(blank);
	}
	buf_append(fold->out, word, len);
	fold->column += len;
}

static void fold_tag(struct fold *fold, const char *name, const char *value)
{
	char *tag = mem_printf("%s=%s;", name, value);

	fold_put(fold, tag, " ");
	free(tag);
}

/* Feeds the instances of one field, bottom up (RFC 6376 5.4.2), and names them in h=. */
static int sign_field(const struct header *header, const char *name, bool always, struct buf *canon,
    struct buf *names, struct err *error_r)
{
	size_t count = header_count(header, name);

	if (count == 0 && !always)
		return 1;
	if (count > DKIM_INSTANCES_MAX)
		return err_set(error_r, "header block has %zu %s fields", count, name);
	for (size_t i = count; i-- > 0;) {
		const struct header_field *field = header_get(header, name, i);

		dkim_canon_field(canon, field->name, field->value);
		buf_puts(canon, "\r\n");
	}
	for (size_t i = 0; i <= count; i++) { /* once more than it stands */
		buf_puts(names, name);
		buf_putc(names, '\0');
	}
	return 1;
}

static int sign_fields(
    struct range block, struct buf *canon, struct buf *names, struct err *error_r)
{
	struct arena *arena = arena_new();
	struct header header;
	struct range rest;
	int rc = header_parse(block, arena, &header, &rest, error_r);

	if (rc > 0 && header.block.len != block.len)
		rc = err_set(error_r, "header block has an empty line");
	if (rc > 0 && header_count(&header, "From") != 1)
		rc = err_set(error_r, "header block has %zu From fields, not one",
		    header_count(&header, "From"));
	for (size_t i = 0; rc > 0 && i < sizeof(signed_fields) / sizeof(*signed_fields); i++)
		rc = sign_field(
		    &header, signed_fields[i].name, signed_fields[i].always, canon, names, error_r);
	arena_free(&arena);
	return rc < 0 ? -1 : 1;
}

/* The field up to `b=`, without its value. names: NUL-ended words for h=. */
static void put_tags(const struct dkim_key *key, const struct buf *names,
    const uint8_t body_hash[SHA256_BYTES], int64_t at_secs, struct buf *field)
{
	struct fold fold = {.out = field, .column = strlen("DKIM-Signature:")};
	struct buf text = {0};
	const char *name = names->data, *end = names->data + names->len;

	buf_puts(field, "DKIM-Signature:");
	fold_tag(&fold, "v", "1");
	buf_printf(&text, "%s-sha256", dkim_key_kind(key));
	fold_tag(&fold, "a", buf_str(&text));
	fold_tag(&fold, "c", "relaxed/relaxed");
	fold_tag(&fold, "d", dkim_key_domain(key));
	fold_tag(&fold, "s", dkim_key_selector(key));
	buf_reset(&text);
	buf_printf(&text, "%" PRId64, at_secs);
	fold_tag(&fold, "t", buf_str(&text));
	fold_put(&fold, "h=", " ");
	while (name < end) {
		const char *next = name + strlen(name) + 1;

		buf_reset(&text);
		buf_printf(&text, "%s%c", name, next < end ? ':' : ';');
		fold_put(&fold, buf_str(&text), "");
		name = next;
	}
	buf_reset(&text);
	codec_base64(&text, body_hash, SHA256_BYTES, 0);
	fold_tag(&fold, "bh", buf_str(&text));
	buf_puts(field, "\r\n\tb=");
	buf_free(&text);
}

/* The value of b=, in pieces that fit a line. */
static void put_signature(struct buf *field, const struct buf *value)
{
	struct buf text = {0};
	size_t width = DKIM_COLUMNS - 3; /* tab, "b=" */

	codec_base64(&text, value->data, value->len, 0);
	for (size_t at = 0; at < text.len; at += width) {
		size_t len = text.len - at < width ? text.len - at : width;

		buf_puts(field, at ? "\r\n\t  " : "");
		buf_append(field, text.data + at, len);
	}
	buf_puts(field, "\r\n");
	buf_free(&text);
}

int dkim_sign_header(const struct dkim_key *key, struct range header_block,
    const uint8_t body_hash[SHA256_BYTES], int64_t at_secs, struct buf *out, struct err *error_r)
{
	struct buf canon = {0}, names = {0}, field = {0}, value = {0};
	uint8_t hash[SHA256_BYTES];
	size_t name_len = strlen("DKIM-Signature");
	int rc = -1;

	if (block_check(header_block, error_r) < 0 ||
	    sign_fields(header_block, &canon, &names, error_r) < 0)
		goto out;
	put_tags(key, &names, body_hash, at_secs, &field);
	/* RFC 6376 3.7: our own field last, b= empty, without its CRLF. */
	dkim_canon_field(&canon, (struct range){field.data, name_len},
	    (struct range){field.data + name_len + 1, field.len - name_len - 1});
	codec_sha256(canon.data, canon.len, hash);
	if (dkim_key_sign_hash(key, hash, &value, error_r) < 0)
		goto out;
	put_signature(&field, &value);
	buf_append(out, field.data, field.len);
	rc = 1;
out:
	buf_free(&canon);
	buf_free(&names);
	buf_free(&field);
	buf_free(&value);
	return rc;
}
