/*
 * words: encoded words of RFC 2047, reading leniently (a character split over two words, blanks in
 * the Q form, a language tag of RFC 2231 section 5) and writing strictly. Ours and not the MIME
 * library's, because that gives up the whole field at one unknown charset.
 */
#include "mtagw/mail/words.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/codec.h"
#include "mtagw/mail/charset.h"
#include "mtagw/mail/decode.h"

#define CHARSET_MAX_BYTES 64 /* longest registered name is 45 */

struct decoder {
	struct buf *out;
	struct buf bytes; /* decoded, charset not converted yet: the next word may go on */
	char charset[CHARSET_MAX_BYTES];
};

struct word {
	struct range charset, text;
	char encoding; /* 'b' or 'q' */
	size_t len;    /* with the frame */
};

/* An encoded word at the start of s? */
static bool word_at(struct range s, struct word *word_r)
{
	const char *end = s.p + s.len, *q1, *q2, *q3;
	const char *star;

	if (s.len < 8 || s.p[0] != '=' || s.p[1] != '?')
		return false;
	q1 = memchr(s.p + 2, '?', (size_t)(end - s.p) - 2);
	if (q1 == NULL || q1 == s.p + 2 || q1 - s.p - 2 >= CHARSET_MAX_BYTES || end - q1 < 4 ||
	    q1[2] != '?')
		return false;
	q2 = q1 + 2;
	word_r->encoding = (char)(q1[1] | 32);
	if (word_r->encoding != 'b' && word_r->encoding != 'q')
		return false;
	q3 = memchr(q2 + 1, '?', (size_t)(end - q2) - 1);
	if (q3 == NULL || q3 + 1 >= end || q3[1] != '=')
		return false;
	word_r->charset = (struct range){s.p + 2, (size_t)(q1 - s.p) - 2};
	star = memchr(word_r->charset.p, '*', word_r->charset.len);
	if (star != NULL)
		word_r->charset.len = (size_t)(star - word_r->charset.p);
	word_r->text = (struct range){q2 + 1, (size_t)(q3 - q2) - 1};
	word_r->len = (size_t)(q3 - s.p) + 2;
	return true;
}

static void flush(struct decoder *decoder)
{
	if (decoder->bytes.len > 0)
		(void)charset_to_utf8(buf_range(&decoder->bytes), decoder->charset, decoder->out);
	buf_reset(&decoder->bytes);
}

static void add_word(struct decoder *decoder, const struct word *word)
{
	if (!range_equal_case(word->charset, decoder->charset)) {
		flush(decoder);
		memcpy(decoder->charset, word->charset.p, word->charset.len);
		decoder->charset[word->charset.len] = '\0';
	}
	if (word->encoding == 'b')
		(void)decode_base64(word->text, &decoder->bytes, NULL);
	else
		(void)decode_q(word->text, &decoder->bytes);
}

static bool only_blanks(struct range s)
{
	return range_trim(s).len == 0;
}

void words_decode(struct range raw, struct buf *out)
{
	struct buf text = {0};
	struct decoder decoder = {.out = &text};
	bool after_word = false;
	size_t plain = 0, i = 0; /* raw[plain..i) is not written yet */
	struct word word;

	while (i < raw.len) {
		struct range gap = {raw.p + plain, i - plain};

		if (raw.p[i] != '=' || !word_at((struct range){raw.p + i, raw.len - i}, &word)) {
			i++;
			continue;
		}
		if (!(after_word && only_blanks(gap))) {
			flush(&decoder);
			(void)charset_to_utf8(gap, "", &text);
		}
		add_word(&decoder, &word);
		after_word = true;
		i += word.len;
		plain = i;
	}
	flush(&decoder);
	(void)charset_to_utf8((struct range){raw.p + plain, raw.len - plain}, "", &text);
	charset_line(buf_range(&text), out);
	buf_free(&decoder.bytes);
	buf_free(&text);
}

bool words_plain(struct range text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 32 || text.p[i] > 126)
			return false;
		if (text.p[i] == '=' && i + 1 < text.len && text.p[i + 1] == '?')
			return false;
	}
	return true;
}

/* RFC 2047 section 5 (3): what may stand for itself inside a phrase. */
static bool q_safe(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != 0 && strchr("!*+-/", c) != NULL);
}

static size_t q_cost(struct range s)
{
	size_t cost = 0;

	for (size_t i = 0; i < s.len; i++)
		cost += q_safe((unsigned char)s.p[i]) || s.p[i] == ' ' ? 1 : 3;
	return cost;
}

static void q_put(struct range s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == ' ')
			buf_putc(out, '_');
		else if (q_safe(c))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "=%02X", c);
	}
}

/* How many bytes of s, whole characters only, fit into room columns. */
static size_t fitting(struct range s, bool base64, size_t room)
{
	size_t take = 0, n;
	uint32_t code;

	while (take < s.len) {
		n = charset_utf8_next(s.p + take, s.len - take, &code);
		if (n == 0)
			n = 1;
		if (base64 ? (take + n + 2) / 3 * 4 > room
		           : q_cost((struct range){s.p, take + n}) > room)
			break;
		take += n;
	}
	return take;
}

void words_encode(struct range utf8, struct buf *out, size_t *column)
{
	static const size_t frame = sizeof("=?UTF-8?Q?") - 1 + 2; /* with the ?= behind */
	bool base64 = q_cost(utf8) > (utf8.len + 2) / 3 * 4;
	bool first = true;

	while (utf8.len > 0) {
		size_t room =
		    *column + frame < WORDS_LINE_MAX - 1 ? WORDS_LINE_MAX - 1 - *column - frame : 0;
		size_t take = first ? fitting(utf8, base64, room) : 0;
		size_t from;

		if (take == 0) { /* each further word on a line of its own */
			buf_puts(out, "\r\n ");
			*column = 1;
			take = fitting(utf8, base64, WORDS_LINE_MAX - 2 - frame);
		}
		from = out->len;
		buf_printf(out, "=?UTF-8?%c?", base64 ? 'B' : 'Q');
		if (base64)
			codec_base64(out, utf8.p, take, 0);
		else
			q_put((struct range){utf8.p, take}, out);
		buf_puts(out, "?=");
		*column += out->len - from;
		utf8.p += take;
		utf8.len -= take;
		first = false;
	}
}
