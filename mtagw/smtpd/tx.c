/*
 * tx: one mail transaction: who may send to whom (protocol, login against sender, unknown
 * recipients; everything else is policy's and is answered by mail after the 250), the stream of
 * DATA through guard and header repair into the store, and 250 only after COMMIT. A small message
 * stays in memory until then; a large one goes out in chunks while it comes in, and reading stops
 * while the store is behind.
 */
#include "mtagw/smtpd/smtpd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/crash.h"
#include "mtagw/base/log.h"
#include "mtagw/mail/guard.h"
#include "mtagw/mail/intake.h"

/* Chunks of one message on their way to the store at once: reading goes on while one is written, no
 * further. */
#define CHUNKS_UNDERWAY_MAX 2

struct stream {
	struct door *door;
	struct smtp_session *session;
	struct smtp_tx *tx;
	struct guard *guard;
	struct buf header; /* until the empty line */
	bool in_body;
	struct buf stored; /* bytes not yet in a chunk */
	struct sha256 *stored_hash, *raw_hash;
	uint64_t size;
	int64_t id, body_id, at_ms;
	int chunks, chunks_underway;
	size_t chunks_bytes; /* underway */
	bool failed, ended, submitted, gone;
	bool client_id; /* the client made a Message-ID: retries can be told */
	struct intake_result headers;
	struct accept_wait *wait;
};

/* --- envelope --------------------------------------------------------------------------------- */

static bool ours(const struct smtpd *d, const char *domain)
{
	return domain[0] == '\0' || strcasecmp(domain, d->role.settings->domain) == 0;
}

void tx_mail(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	struct door *door = ((struct guest *)ctx)->door;
	struct smtpd *d = door->smtpd;

	if (d->draining)
		smtp_session_reply(s, 421, "4.3.2", "closing for maintenance, try again later");
	else if (!accept_ready(d->accept))
		smtp_session_reply(s, 451, "4.3.0", "the store is not available, try again later");
	else if (door->submission && strcasecmp(tx->sender_text, smtp_session_login(s)) != 0)
		smtp_session_reply(s, 550, "5.7.1", "MAIL FROM is not the address of your login");
	else
		smtp_session_reply(s, 250, "2.1.0", "sender ok");
}

static const struct known_address *find_local(
    struct smtpd *d, const struct address *a, struct arena *arena)
{
	const char *detail;
	char *base = arena_strdup(arena, address_base(a, arena, &detail));
	const struct known_address *known;

	for (char *p = base; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	known = accept_address(d->accept, base);
	return known != NULL && (detail == NULL || known->detail) ? known : NULL;
}

void tx_rcpt(struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *rcpt, void *ctx)
{
	struct door *door = ((struct guest *)ctx)->door;
	struct smtpd *d = door->smtpd;
	const struct known_address *known;

	if (!ours(d, rcpt->address.domain)) {
		if (door->submission)
			smtp_session_reply(s, 250, "2.1.5", "recipient ok");
		else
			smtp_session_reply(s, 550, "5.7.1", "relaying denied");
		return;
	}
	known = find_local(d, &rcpt->address, tx->arena);
	if (known == NULL || (!door->submission && !known->outside))
		smtp_session_reply(s, 550, "5.1.1", "no such recipient here");
	else
		smtp_session_reply(s, 250, "2.1.5", "recipient ok");
}

/* --- the stream ------------------------------------------------------------------------------- */

static void stream_free(struct stream *st)
{
	uint8_t ignored[SHA256_BYTES];

	st->door->smtpd->in_flight -= (int64_t)(st->stored.len + st->chunks_bytes);
	guard_free(&st->guard);
	buf_free(&st->header);
	buf_free(&st->stored);
	if (st->stored_hash != NULL)
		sha256_end(&st->stored_hash, ignored);
	if (st->raw_hash != NULL)
		sha256_end(&st->raw_hash, ignored);
	free(st);
}

static void fail(struct stream *st, int code, const char *enhanced, const char *text)
{
	if (st->failed)
		return;
	st->failed = true;
	log_info("data-refused session=%s code=%d reason=\"%s\"", smtp_session_id(st->session),
	    code, log_safe(text));
	smtp_session_fail_data(st->session, code, enhanced, text);
}

void tx_data_begin(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	struct door *door = ((struct guest *)ctx)->door;
	struct smtpd *d = door->smtpd;
	struct stream *st = mem_zalloc(sizeof(*st));
	struct guard_limits limits = {
	    .message_max = (uint64_t)d->role.settings->message_size_limit};

	st->door = door;
	st->session = s;
	st->tx = tx;
	st->guard = guard_new(&limits);
	st->stored_hash = sha256_new();
	st->raw_hash = sha256_new();
	st->at_ms = clock_now_ms();
	st->id = accept_id(d->accept, st->at_ms);
	st->body_id = accept_id(d->accept, st->at_ms);
	tx->role_data = st;
	if (st->id == 0 || st->body_id == 0)
		fail(st, 451, "4.3.0", "the store is not available, try again later");
}

static void submit(struct stream *st);

static void chunk_done(bool ok, void *ctx)
{
	struct stream *st = ctx;
	size_t len = st->chunks_bytes < ACCEPT_CHUNK_BYTES ? st->chunks_bytes : ACCEPT_CHUNK_BYTES;

	st->chunks_underway--;
	st->chunks_bytes -= len; /* only the last is a smaller one */
	st->door->smtpd->in_flight -= (int64_t)len;
	if (st->gone) {
		if (st->chunks_underway == 0)
			stream_free(st);
		return;
	}
	if (!ok && !st->ended)
		fail(st, 451, "4.3.0", "the store is not available, try again later");
	else if (!ok)
		st->failed = true;
	smtp_session_pause_data(st->session, st->chunks_underway >= CHUNKS_UNDERWAY_MAX);
	if (st->ended && st->chunks_underway == 0 && st->failed)
		smtp_session_reply(
		    st->session, 451, "4.3.0", "the store is not available, try again later");
	else if (st->ended && st->chunks_underway == 0)
		submit(st);
}

/* Full chunks of a large message leave memory; at the end the rest too. */
static void flush_chunks(struct stream *st, bool all)
{
	struct smtpd *d = st->door->smtpd;
	size_t at = 0;

	while (!st->failed &&
	       (st->stored.len - at >= ACCEPT_CHUNK_BYTES || (all && at < st->stored.len))) {
		size_t len = st->stored.len - at < ACCEPT_CHUNK_BYTES ? st->stored.len - at
		                                                      : ACCEPT_CHUNK_BYTES;

		st->chunks_underway++;
		st->chunks_bytes += len;
		accept_chunk(d->accept, st->body_id, st->chunks++,
		    (struct range){st->stored.data + at, len}, st->at_ms, chunk_done, st);
		at += len;
	}
	if (at > 0) {
		memmove(st->stored.data, st->stored.data + at, st->stored.len - at);
		st->stored.len -= at;
	}
	if (!st->ended)
		smtp_session_pause_data(st->session, st->chunks_underway >= CHUNKS_UNDERWAY_MAX);
}

static void store_bytes(struct stream *st, const void *bytes, size_t len)
{
	struct smtpd *d = st->door->smtpd;

	if (d->in_flight + (int64_t)len > d->role.settings->smtpd_data_in_flight_max) {
		fail(st, 452, "4.3.1", "too much mail at once, try again later");
		return;
	}
	sha256_add(st->stored_hash, bytes, len);
	buf_append(&st->stored, bytes, len);
	st->size += len;
	d->in_flight += (int64_t)len;
	if (st->size > ACCEPT_INLINE_MAX)
		flush_chunks(st, false);
}

/* The header block is whole: checked, repaired, stored. */
static void header_whole(struct stream *st, struct range block)
{
	const struct settings *settings = st->door->smtpd->role.settings;
	char id[24];
	struct intake in = {.submission = st->door->submission,
	    .hostname = settings->hostname,
	    .domain = settings->domain,
	    .helo = smtp_session_helo(st->session),
	    .peer_ip = smtp_session_peer_ip(st->session),
	    .protocol = smtp_session_protocol(st->session),
	    .tls = smtp_session_tls(st->session),
	    .queue_id = id,
	    .login = smtp_session_login(st->session),
	    .at_ms = st->at_ms,
	    .for_rcpt = st->tx->rcpt_count == 1 && address_is_ascii(&st->tx->rcpts[0].address)
	                    ? st->tx->rcpts[0].text
	                    : NULL};
	const char *enhanced = "5.6.0";
	struct header header;
	struct range rest;
	struct buf out = {0};
	struct err err;

	(void)snprintf(id, sizeof(id), "%lld", (long long)st->id);
	if (intake_headers(&in, block, st->tx->arena, &out, &st->headers, &enhanced, &err) < 0) {
		fail(st, 550, enhanced, err.text);
	} else {
		st->client_id = header_parse(block, st->tx->arena, &header, &rest, &err) == 1 &&
		                header_count(&header, "Message-ID") > 0;
		buf_puts(&out, "\r\n");
		store_bytes(st, buf_str(&out), out.len);
	}
	buf_free(&out);
}

void tx_data(struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx)
{
	struct stream *st = tx->role_data;
	struct err err;
	const char *end;
	size_t from;

	(void)s;
	(void)ctx;
	if (st == NULL || st->failed)
		return;
	if (guard_feed(st->guard, bytes, len, &err) < 0) {
		fail(st, 554, "5.6.0", err.text);
		return;
	}
	sha256_add(st->raw_hash, bytes, len);
	if (st->in_body) {
		store_bytes(st, bytes, len);
		return;
	}
	from = st->header.len > 3 ? st->header.len - 3 : 0;
	buf_append(&st->header, bytes, len);
	if (st->header.len >= 2 && memcmp(st->header.data, "\r\n", 2) == 0) {
		end = st->header.data - 2; /* no header at all: the empty line comes first */
	} else {
		end = memmem(st->header.data + from, st->header.len - from, "\r\n\r\n", 4);
		if (end == NULL)
			return;
	}
	st->in_body = true;
	size_t header_len = (size_t)(end + 2 - st->header.data), body_at = header_len + 2;
	header_whole(st, (struct range){st->header.data, header_len});
	if (!st->failed)
		store_bytes(st, st->header.data + body_at, st->header.len - body_at);
	buf_free(&st->header);
}

/* --- the commit ------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who, which Message-ID, which bytes, to whom (the order aside): a client that lost our 250 sends
 * the same again (DESIGN 9). */
static void make_key(
    struct stream *st, const char *const *rcpts, size_t count, uint8_t key[SHA256_BYTES])
{
	const char **sorted = arena_alloc(st->tx->arena, (count + 1) * sizeof(*sorted));
	const char *login = smtp_session_login(st->session);
	struct sha256 *sha = sha256_new();
	uint8_t raw[SHA256_BYTES];

	sha256_end(&st->raw_hash, raw);
	memcpy(sorted, rcpts, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_texts);
	if (login[0] != '\0') {
		sha256_add(sha, login, strlen(login) + 1);
	} else {
		sha256_add(sha, st->tx->sender_text, strlen(st->tx->sender_text) + 1);
		sha256_add(sha, smtp_session_peer_ip(st->session),
		    strlen(smtp_session_peer_ip(st->session)) + 1);
	}
	sha256_add(sha, st->headers.message_id, strlen(st->headers.message_id) + 1);
	sha256_add(sha, raw, sizeof(raw));
	for (size_t i = 0; i < count; i++)
		sha256_add(sha, sorted[i], strlen(sorted[i]) + 1);
	sha256_end(&sha, key);
}

static void reply(struct smtp_session *s, enum accept_result result, int64_t id, const char *text)
{
	char line[80];

	switch (result) {
	case ACCEPT_STORED:
	case ACCEPT_DUPLICATE:
		(void)snprintf(line, sizeof(line), "queued as %lld", (long long)id);
		smtp_session_reply(s, 250, "2.0.0", line);
		return;
	case ACCEPT_REFUSED:
		smtp_session_reply(s, 554, "5.6.0", text);
		return;
	case ACCEPT_UNAVAILABLE:
		smtp_session_reply(s, 451, "4.3.0", "the store is not available, try again later");
		return;
	}
}

/* The client first, then the log: the reply ends the transaction, and the stream with it. */
static void committed(enum accept_result result, int64_t id, const char *text, void *ctx)
{
	struct stream *st = ctx;
	struct smtp_session *s = st->session;
	unsigned long long size = st->size;
	size_t rcpts = st->tx->rcpt_count;
	char sender[256];

	st->wait = NULL;
	(void)snprintf(sender, sizeof(sender), "%s", log_safe(st->tx->sender_text));
	CRASH_POINT("smtpd-after-commit");
	reply(s, result, id, text);
	log_info("data-end session=%s id=%lld result=%d size=%llu rcpts=%zu sender=%s",
	    smtp_session_id(s), (long long)id, (int)result, size, rcpts, sender);
}

static void submit(struct stream *st)
{
	struct smtpd *d = st->door->smtpd;
	const char **rcpts = arena_alloc(st->tx->arena, (st->tx->rcpt_count + 1) * sizeof(*rcpts));
	const struct known_address *known;
	struct address login;
	struct err err;
	struct accept_message m = {.channel = st->door->submission ? "submission" : "mx",
	    .session_id = smtp_session_id(st->session),
	    .peer_ip = smtp_session_peer_ip(st->session),
	    .helo = smtp_session_helo(st->session),
	    .tls = smtp_session_tls(st->session),
	    .sender = st->tx->sender_text,
	    .rcpts = rcpts,
	    .rcpt_count = st->tx->rcpt_count,
	    .dsn = dsn_request(st->tx),
	    .login = smtp_session_login(st->session),
	    .position = "",
	    .from_address = st->headers.from,
	    .mime_message_id = st->headers.message_id,
	    .subject = st->headers.subject,
	    .id = st->id,
	    .body_id = st->body_id,
	    .size = st->size,
	    .idempotent = st->client_id,
	    .bytes = buf_range(&st->stored),
	    .at_ms = st->at_ms};

	for (size_t i = 0; i < st->tx->rcpt_count; i++) {
		const struct smtp_rcpt *r = &st->tx->rcpts[i];

		rcpts[i] = r->address.domain[0] ? r->text
		                                : arena_printf(st->tx->arena, "%s@%s",
		                                      r->address.local, d->role.settings->domain);
	}
	if (m.login[0] != '\0' &&
	    address_parse(range_of(m.login), st->tx->arena, &login, &err) == 1 &&
	    (known = accept_address(d->accept, login.local)) != NULL)
		m.position = known->target;
	sha256_end(&st->stored_hash, m.sha256);
	make_key(st, rcpts, st->tx->rcpt_count, m.key);
	st->submitted = true;
	CRASH_POINT("smtpd-before-commit");
	st->wait = accept_submit(d->accept, &m, committed, st);
}

void tx_data_end(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	struct stream *st = tx->role_data;

	(void)s;
	(void)ctx;
	if (st == NULL || st->failed)
		return; /* the engine answers with the reply of smtp_session_fail_data */
	if (!st->in_body) {
		header_whole(st, buf_range(&st->header));
		st->in_body = true;
		if (st->failed)
			return;
	}
	st->ended = true;
	if (st->size > ACCEPT_INLINE_MAX)
		flush_chunks(st, true);
	if (st->chunks_underway == 0)
		submit(st);
}

void tx_reset(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	struct stream *st = tx->role_data;
	struct smtpd *d = ((struct guest *)ctx)->door->smtpd;

	(void)s;
	tx->role_data = NULL;
	if (st == NULL)
		return;
	if (st->wait != NULL)
		accept_cancel(&st->wait);
	if (st->chunks > 0 && !st->submitted)
		accept_chunks_drop(d->accept, st->body_id);
	st->gone = true;
	st->tx = NULL;
	if (st->chunks_underway == 0)
		stream_free(st);
}
