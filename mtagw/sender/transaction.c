/*
 * transaction: one message on a connection, for recipients that share all its bytes and the return
 * path: on LMTP the mark by which Dovecot knows a delivery again (with the recipient it is one, so
 * that all recipients still share the bytes), the extra header, then the segments, read piece by
 * piece while the peer takes them, so that a message of any size costs half a MiB; then the fence,
 * then the dot. A callback of the database may come when the connection is long gone: the
 * transaction then outlives its link and is freed by that callback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/crash.h"
#include "mtagw/base/log.h"
#include "mtagw/sender/sender.h"

static void give_data(struct transaction *tx);

struct transaction *transaction_start(struct link *link, struct job **jobs, size_t count)
{
	struct transaction *tx = mem_zalloc(sizeof(*tx));
	const struct delivery *d = &jobs[0]->d;

	tx->link = link;
	tx->jobs = mem_alloc(count * sizeof(*tx->jobs));
	memcpy(tx->jobs, jobs, count * sizeof(*tx->jobs));
	tx->count = count;
	tx->started_at = clock_now_ms();
	if (link->destination->lmtp)
		snprintf(tx->mark, sizeof(tx->mark), "Mtagw-Delivery: %lld\r\n",
		    (long long)d->outgoing_id);
	tx->message.sender = d->return_path;
	tx->message.size = (uint64_t)d->size + strlen(tx->mark) + strlen(d->extra_header);
	tx->message.is_8bit = d->eight_bit;
	if (!link->destination->lmtp && d->letter_id != 0 && d->return_path[0] != '\0' &&
	    count == 1) {
		snprintf(tx->envid, sizeof(tx->envid), "%lld", (long long)d->id);
		tx->message.envid = tx->envid;
	}
	tx->message.user = tx;
	tx->message.rcpt_count = count;
	tx->message.rcpts = mem_zalloc(count * sizeof(*tx->message.rcpts));
	for (size_t i = 0; i < count; i++)
		tx->message.rcpts[i].address = jobs[i]->d.recipient;
	link->tx = tx;
	smtp_client_send(link->client, &tx->message);
	return tx;
}

static void free_tx(struct transaction *tx)
{
	free(tx->jobs);
	free(tx->message.rcpts);
	free(tx);
}

/* A callback has come: whether the transaction still stands. */
static bool came_back(struct transaction *tx)
{
	tx->calling = false;
	if (tx->link != NULL)
		return true;
	free_tx(tx);
	return false;
}

static void body_done(bool ok, struct range bytes, void *ctx)
{
	struct transaction *tx = ctx;
	const struct delivery *d;

	if (!came_back(tx))
		return;
	d = &tx->jobs[0]->d;
	if (bytes.len == 0) {
		if (ok)
			log_error("sender_body_missing delivery=%lld body=%lld offset=%llu",
			    (long long)d->id, (long long)d->segments[3 * tx->segment],
			    (unsigned long long)tx->sent);
		smtp_client_abort(tx->link->client,
		    ok ? "a part of the message is not in the store" : "the store is away");
		return;
	}
	smtp_client_data(tx->link->client, bytes.p, bytes.len);
	tx->sent += bytes.len;
	give_data(tx);
}

static void give_data(struct transaction *tx)
{
	const struct delivery *d = &tx->jobs[0]->d;

	if (tx->calling || !tx->data || tx->ended ||
	    smtp_client_output_len(tx->link->client) > SENDER_OUTPUT_MAX)
		return;
	while (tx->segment < d->segment_count &&
	       tx->sent >= (uint64_t)d->segments[3 * tx->segment + 2]) {
		tx->segment++;
		tx->sent = 0;
	}
	if (tx->segment == d->segment_count) {
		tx->ended = true;
		smtp_client_data_end(tx->link->client);
		return;
	}
	const int64_t *segment = &d->segments[3 * tx->segment];
	tx->calling = true;
	delivery_body(tx->link->destination->sender->store, segment[0],
	    (uint64_t)segment[1] + tx->sent, (uint64_t)segment[2] - tx->sent, body_done, tx);
}

void transaction_want_data(struct transaction *tx)
{
	const char *extra = tx->jobs[0]->d.extra_header;

	tx->data = true;
	smtp_client_data(tx->link->client, tx->mark, strlen(tx->mark));
	smtp_client_data(tx->link->client, extra, strlen(extra));
	give_data(tx);
}

void transaction_drained(struct transaction *tx)
{
	give_data(tx);
}

static void dot_done(bool ok, void *ctx)
{
	struct transaction *tx = ctx;

	if (!came_back(tx))
		return;
	CRASH_POINT_OF("sender", tx->jobs[0]->d.route, "dot-after-commit");
	if (ok)
		smtp_client_dot(tx->link->client);
	else
		smtp_client_abort(
		    tx->link->client, "the claim could not be fenced before the final dot");
}

/* Evidence and fence in one (DESIGN 4): only accepted recipients get the mark. */
void transaction_before_dot(struct transaction *tx)
{
	int64_t ids[SENDER_RCPTS_MAX], epochs[SENDER_RCPTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < tx->count; i++) {
		if (tx->message.rcpts[i].settled)
			continue;
		ids[n] = tx->jobs[i]->d.id;
		epochs[n++] = tx->jobs[i]->d.epoch;
	}
	tx->calling = true;
	delivery_dot(
	    tx->link->destination->sender->store, ids, epochs, n, clock_now_ms(), dot_done, tx);
}

void transaction_done(struct transaction *tx)
{
	struct link *link = tx->link;

	CRASH_POINT_OF("sender", tx->jobs[0]->d.route, "reply-before-commit");
	for (size_t i = 0; i < tx->count; i++) {
		const struct smtp_client_rcpt *rcpt = &tx->message.rcpts[i];
		struct job_result result = {.outcome = rcpt->outcome,
		    .code = rcpt->code,
		    .enhanced = rcpt->enhanced,
		    .text = rcpt->text,
		    .remote = link->remote,
		    .tls = smtp_client_tls(link->client),
		    .started_at = tx->started_at};

		sender_record(tx->jobs[i], &result);
	}
	link->tx = NULL;
	link->messages++;
	tx->link = NULL;
	if (!tx->calling)
		free_tx(tx);
}
