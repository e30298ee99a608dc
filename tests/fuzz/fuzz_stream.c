/*
 * The message stream of the receiving side, behind DATA and in chunks of BDAT, against a second
 * reading of the rules (RFC 5321 4.1.1.4, 4.5.2; RFC 3030 2) that sees all bytes at once: the same
 * end, the same message byte for byte or the same refusal, and nothing of a message is a command.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/smtp/server.h"
#include "tests/fuzz/fake_conn.h"

#define HELLO "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
#define LINE_MAX_BYTES 100
#define CHUNKS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* --- the role: yes to everything, keeps the first message --- */

static struct {
	struct buf stored;
	int ended, closed;
} role;

static void no_auth(struct smtp_session *s, const char *mechanism, struct range initial, void *ctx)
{
	(void)mechanism, (void)initial, (void)ctx;
	smtp_session_auth_fail(s, false);
}
static void no_answer(struct smtp_session *s, struct range response, void *ctx)
{
	(void)s, (void)response, (void)ctx;
}
static void mail(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)tx, (void)ctx;
	smtp_session_reply(s, 250, "2.0.0", "ok");
}
static void rcpt(struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *r, void *ctx)
{
	(void)tx, (void)r, (void)ctx;
	smtp_session_reply(s, 250, "2.0.0", "ok");
}
static void begin(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)tx, (void)ctx;
}
static void piece(
    struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx)
{
	(void)s, (void)tx, (void)ctx;
	if (role.ended == 0)
		buf_append(&role.stored, bytes, len);
}
static void end(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)tx, (void)ctx;
	role.ended++;
	smtp_session_reply(s, 250, "2.6.0", "kept");
}
static void reset(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)tx, (void)ctx;
}
static void closed(struct smtp_session *s, const char *reason, void *ctx)
{
	(void)s, (void)reason, (void)ctx;
	role.closed++;
}

static const struct smtp_server_ops ops = {
    no_auth, no_answer, mail, rcpt, begin, piece, end, reset, closed};
static const struct settings settings = {.hostname = "mail.dumai.example",
    .message_size_limit = 1 << 20,
    .line_length_limit = LINE_MAX_BYTES,
    .recipient_limit = 5,
    .smtpd_error_limit = 1000,
    .smtpd_timeout_secs = 300};

/* --- the second reading --- */

/* Lines of a message: CRLF ends each, nothing else does, none is too long. Appends it to out. */
static bool lawful(struct range text, bool stuffed, struct buf *out)
{
	size_t len = 0; /* of the line */

	for (size_t i = 0; i < text.len; i++) {
		bool line_end = text.p[i] == '\r' && i + 1 < text.len && text.p[i + 1] == '\n';

		if (line_end) {
			buf_puts(out, "\r\n");
			i++;
			len = 0;
			continue;
		}
		if (text.p[i] == '\r' || text.p[i] == '\n' || text.p[i] == '\0')
			return false;
		if (stuffed && text.p[i] == '.' &&
		    (i == 0 || (i > 1 && text.p[i - 1] == '\n' && text.p[i - 2] == '\r')))
			continue;
		if (++len + 2 > LINE_MAX_BYTES)
			return false;
		buf_putc(out, text.p[i]);
	}
	return true;
}

/* Length up to and with the CRLF in front of the dot that ends the data; SIZE_MAX: none does. */
static size_t data_length(struct range text)
{
	if (text.len >= 3 && memcmp(text.p, ".\r\n", 3) == 0)
		return 0;
	for (size_t i = 0; i + 5 <= text.len; i++)
		if (memcmp(text.p + i, "\r\n.\r\n", 5) == 0)
			return i + 2;
	return SIZE_MAX;
}

/* --- playing --- */

static void play(const struct buf *bytes, size_t piece_max)
{
	const struct smtp_server_params params = {
	    .auth_mechanisms = "", .settings = &settings, .ops = &ops};

	memset(&role, 0, sizeof(role));
	(void)smtp_session_new(NULL, -1, &params);
	for (size_t at = 0; at < bytes->len && line != NULL;) {
		size_t n = 1 + (at * 13) % piece_max;

		if (n > bytes->len - at)
			n = bytes->len - at;
		conn_feed(bytes->data + at, n);
		at += n;
	}
	conn_tell(CONN_EOF);
	if (line != NULL || role.closed != 1)
		abort();
}

static void played(void)
{
	buf_free(&transcript);
	buf_free(&role.stored);
}

static bool says(const char *text)
{
	return transcript.len > 0 && strstr(buf_str(&transcript), text) != NULL;
}

static void by_data(struct range text, size_t piece_max)
{
	struct buf bytes = {0}, message = {0};
	size_t len = data_length(text);
	bool good = len != SIZE_MAX && lawful((struct range){text.p, len}, true, &message);

	buf_puts(&bytes, HELLO "DATA\r\n");
	buf_append(&bytes, text.p, text.len);
	play(&bytes, piece_max);
	if (len == SIZE_MAX
	        ? role.ended != 0 || says("250 2.6.0") || says("\r\n550 ")
	        : good && (role.ended == 0 || !says("\r\n354 ") ||
	                      !range_equal(buf_range(&role.stored), buf_range(&message))))
		abort();
	if (len != SIZE_MAX && !good && !says("\r\n550 5.5.2 "))
		abort();
	played();
	buf_free(&bytes);
	buf_free(&message);
}

/* sizes: how the text is cut. Behind it stand commands, which are the only ones. */
static void by_chunks(const uint8_t *sizes, size_t size_count, struct range text, size_t piece_max)
{
	struct buf bytes = {0}, message = {0};
	bool good = lawful(text, false, &message);
	size_t at = 0;

	if (good && message.len > 0 && message.data[message.len - 1] != '\n')
		buf_puts(&message, "\r\n");
	buf_puts(&bytes, HELLO);
	for (size_t i = 0; i < size_count && at < text.len; i++) {
		size_t n = sizes[i] < text.len - at ? sizes[i] : text.len - at;

		buf_printf(&bytes, "BDAT %zu\r\n", n);
		buf_append(&bytes, text.p + at, n);
		at += n;
	}
	buf_printf(&bytes, "BDAT %zu LAST\r\n", text.len - at);
	buf_append(&bytes, text.p + at, text.len - at);
	buf_puts(&bytes, "NOOP\r\nQUIT\r\n");
	play(&bytes, piece_max);
	if (role.ended != (good ? 1 : 0) || says("250 2.6.0") != good || !says("\r\n221 "))
		abort();
	if (good ? !range_equal(buf_range(&role.stored), buf_range(&message)) : !says("\r\n550 "))
		abort();
	played();
	buf_free(&bytes);
	buf_free(&message);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

/* First byte: in how many chunks at most (0: by DATA); then their sizes; then the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count;

	if (size == 0)
		return 0;
	count = data[0] % CHUNKS_MAX;
	if (size < 1 + count)
		return 0;
	for (size_t piece_max = 1; piece_max < 1000; piece_max *= 31) {
		struct range text = {(const char *)data + 1 + count, size - 1 - count};

		if (count == 0)
			by_data(text, piece_max);
		else
			by_chunks(data + 1, count, text, piece_max);
	}
	return 0;
}
