/*
 * message: the text of the mails and the mark by which the sink knows them again: the last word of
 * Subject, XQ<round>x<index>Z.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/load/load.h"

#define LINE "Isi surat yang dipakai untuk mengukur, delapan puluh huruf tiap baris.\r\n"
#define SUBJECT "\r\nSubject: Ukur XQ"
#define BOUNDARY "=_bagian_surat_ukur"
#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static size_t put_text(char *at, size_t size)
{
	size_t n = 0;

	while (n + strlen(LINE) <= size) {
		memcpy(at + n, LINE, strlen(LINE));
		n += strlen(LINE);
	}
	return n;
}

/* Base64 of what cannot be pressed together: digits by a small generator, always the same. */
static size_t put_file(char *at, size_t size)
{
	uint64_t x = 88172645463325252ULL;
	size_t n = 0;

	while (n + 78 <= size) {
		for (int i = 0; i < 76; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			at[n++] = DIGITS[x & 63];
		}
		at[n++] = '\r';
		at[n++] = '\n';
	}
	return n;
}

void message_make_body(struct round *r, size_t size, bool file)
{
	char *at = need(malloc(size + 2048));

	r->body = at;
	if (!file) {
		r->type_fields = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
		r->body_len = put_text(at, size);
		return;
	}
	r->type_fields =
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\r\n";
	at += sprintf(at, "--" BOUNDARY "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
	at += put_text(at, 300);
	at += sprintf(at, "--" BOUNDARY "\r\nContent-Type: application/octet-stream\r\n"
	                  "Content-Transfer-Encoding: base64\r\n"
	                  "Content-Disposition: attachment; filename=\"lampiran.bin\"\r\n\r\n");
	at += put_file(at, size);
	at += sprintf(at, "--" BOUNDARY "--\r\n");
	r->body_len = (size_t)(at - r->body);
}

size_t message_head(
    const struct round *r, const struct identity *who, size_t index, char *buf, size_t size)
{
	static char date[64];
	static time_t told;
	time_t now = time(NULL);
	size_t n;
	struct tm tm;

	if (now != told)
		(void)strftime(
		    date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &tm));
	told = now;
	n = (size_t)snprintf(buf, size, "From: <%s>\r\nTo: ", who->sender);
	for (size_t i = 0; i < who->rcpt_count; i++)
		n += (size_t)snprintf(
		    buf + n, size - n, "%s<%s>", i == 0 ? "" : ",\r\n ", who->rcpts[i]);
	n += (size_t)snprintf(buf + n, size - n,
	    SUBJECT "%llux%zuZ\r\nDate: %s\r\n"
	            "Message-ID: <XQ%llux%zuZ.%lld@client.example>\r\n%s\r\n",
	    (unsigned long long)r->number, index, date, (unsigned long long)r->number, index,
	    (long long)r->begun, r->type_fields);
	return n;
}

/* A number of at most twelve digits at *p, which is moved behind it. */
static bool number(const char **p, const char *end, uint64_t *value)
{
	const char *from = *p;

	for (*value = 0; *p < end && **p >= '0' && **p <= '9' && *p - from < 12; (*p)++)
		*value = *value * 10 + (uint64_t)(**p - '0');
	return *p > from && *p < end;
}

bool message_mark(const char *bytes, size_t len, uint64_t *round, size_t *index)
{
	const char *end = bytes + len, *at = bytes, *p;
	uint64_t which;

	while ((at = memmem(at, (size_t)(end - at), SUBJECT, strlen(SUBJECT))) != NULL) {
		at += strlen(SUBJECT);
		p = at;
		if (!number(&p, end, round) || *p++ != 'x' || !number(&p, end, &which) ||
		    *p++ != 'Z')
			continue;
		*index = (size_t)which;
		return true;
	}
	return false;
}
