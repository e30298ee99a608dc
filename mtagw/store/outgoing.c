/*
 * outgoing: one row per composed message, one per delivery. What is new in a message is one literal
 * body; everything else refers to bytes that are stored already, so an enclosure of 20 MB is stored
 * once however many forms and recipients it has. A form of a letter is stored once: the redo of a
 * stage finds it and inserts neither form nor deliveries.
 */
#include "mtagw/store/outgoing.h"

#include <string.h>

#include "mtagw/store/message.h"

static const struct stmt insert = {"outgoing_insert",
    "insert into mail.outgoing (id, message_id, letter_id, kind, form, position, from_address, "
    "mime_message_id, subject,"
    " size, eight_bit, segments, sha256, created_at, policy_version)"
    " select id, nullif(message, 0), nullif(letter, 0), kind, form, position, sender, mime, "
    "subject, size, eight_bit, segments::bigint[], sha256, at, nullif(version, 0)"
    " from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], "
    "$7::text[], $8::text[], $9::text[], $10::bigint[], $11::boolean[], $12::text[], $13::bytea[], "
    "$14::bigint[], $15::bigint[])"
    " as u(id, message, letter, kind, form, position, sender, mime, subject, size, eight_bit, "
    "segments, sha256, at, version)"
    " on conflict (letter_id, form) where kind = 'letter' do nothing"};
/* asked: the mail it came from wants reports (RFC 3461), so what it wants is looked up. */
static const struct stmt deliveries = {"outgoing_deliveries",
    "insert into mail.delivery (id, outgoing_id, letter_id, recipient, route, destination, "
    "return_path, extra_header,"
    " next_at, expires_at, created_at, notify)"
    " select d.id, d.outgoing, nullif(d.letter, 0), d.recipient, d.route, d.destination, "
    "d.return_path, d.extra_header, d.at, d.expires, d.at,"
    "  case when d.asked then coalesce((select max(e.x ->> 'notify')"
    "   from mail.outgoing o join mail.message m on m.id = o.message_id,"
    "   jsonb_array_elements(nullif(m.dsn, '')::jsonb -> 'rcpts') with ordinality as e(x, n)"
    "   where o.id = d.outgoing and o.kind in ('letter', 'pesan') and m.dsn <> ''"
    "    and lower(m.rcpts[e.n]) = lower(d.recipient)), '') else '' end"
    " from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], "
    "$7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::boolean[])"
    "  as d(id, outgoing, letter, recipient, route, destination, return_path, extra_header, at, "
    "expires, asked)"
    " where exists (select 1 from mail.outgoing where id = d.outgoing) on conflict (outgoing_id, "
    "recipient) do nothing"};
static const struct stmt load_attempt = {"attempt_load",
    "select a.id, a.delivery_id, a.outgoing_id, coalesce(a.letter_id, 0), coalesce(o.message_id, "
    "0), o.created_at, a.at,"
    " a.recipient, a.route, a.outcome, a.enhanced, a.reply, a.remote, a.code, o.kind, o.position, "
    "o.subject,"
    " o.mime_message_id, o.segments, coalesce(q.notify, ''), coalesce(q.orcpt, ''), "
    "coalesce(q.envid, '')"
    " from mail.attempt a join mail.outgoing o on o.id = a.outgoing_id"
    " left join lateral (select e.x ->> 'notify' as notify, e.x ->> 'orcpt' as orcpt,"
    "   m.dsn::jsonb ->> 'envid' as envid from mail.message m,"
    "   jsonb_array_elements(nullif(m.dsn, '')::jsonb -> 'rcpts') with ordinality as e(x, n)"
    "   where m.id = o.message_id and m.dsn <> '' and o.kind in ('letter', 'pesan')"
    "    and lower(m.rcpts[e.n]) = lower(a.recipient) limit 1) q on true"
    " where a.id = $1"};
static const struct stmt origin = {"delivery_origin",
    "select coalesce(o.letter_id, 0), o.position from mail.outgoing o where o.id ="
    " coalesce((select outgoing_id from mail.delivery where id = $1),"
    "  (select outgoing_id from mail.attempt where delivery_id = $1 limit 1))"};

const struct stmt *const outgoing_statements[] = {
    &insert, &deliveries, &load_attempt, &origin, NULL};

int outgoing_prepare(
    struct db *db, struct ids *ids, struct outgoing *out, struct arena *arena, struct err *error_r)
{
	struct sha256 *sha = sha256_new();
	struct buf literal = {0};
	int rc = 1;

	out->size = 0;
	for (size_t i = 0; i < out->segment_count; i++) {
		const struct outgoing_segment *s = &out->segments[i];

		sha256_add(sha, s->bytes.p, s->bytes.len);
		out->size += s->bytes.len;
		if (s->body_id == 0)
			buf_append(&literal, s->bytes.p, s->bytes.len);
	}
	sha256_end(&sha, out->sha256);
	out->literal =
	    (struct range){arena_strndup(arena, buf_str(&literal), literal.len), literal.len};
	buf_free(&literal);
	if (out->id == 0)
		rc = ids_next(ids, db, out->at_ms, &out->id, error_r);
	for (size_t i = 0; rc == 1 && i < out->delivery_count; i++)
		if (out->deliveries[i].id == 0)
			rc = ids_next(ids, db, out->at_ms, &out->deliveries[i].id, error_r);
	if (rc == 1 && out->literal.len > 0)
		rc = ids_next(ids, db, out->at_ms, &out->literal_body, error_r);
	if (rc == 1)
		rc = body_stage(db, out->literal_body, out->literal, out->at_ms, error_r);
	return rc;
}

/* Triples (body_id, offset, length); neighbouring literal pieces become one. */
static size_t segment_triples(const struct outgoing *out, int64_t *triples)
{
	uint64_t literal_at = 0;
	size_t n = 0;

	for (size_t i = 0; i < out->segment_count; i++) {
		const struct outgoing_segment *s = &out->segments[i];

		if (s->bytes.len == 0)
			continue;
		if (s->body_id == 0 && n > 0 && triples[n - 3] == out->literal_body) {
			triples[n - 1] += (int64_t)s->bytes.len;
		} else {
			triples[n++] = s->body_id ? s->body_id : out->literal_body;
			triples[n++] = (int64_t)(s->body_id ? s->offset : literal_at);
			triples[n++] = (int64_t)s->bytes.len;
		}
		if (s->body_id == 0)
			literal_at += s->bytes.len;
	}
	return n;
}

/* The literal of a bigint array: an array of arrays must be even, these are not. */
static const char *array_literal(const int64_t *list, size_t count, struct arena *arena)
{
	struct buf out = {0};
	const char *literal;

	for (size_t i = 0; i < count; i++)
		buf_printf(&out, "%c%lld", i == 0 ? '{' : ',', (long long)list[i]);
	buf_puts(&out, count == 0 ? "{}" : "}");
	literal = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return literal;
}

static void queue_deliveries(struct db *db, const struct outgoing *out)
{
	for (size_t i = 0; i < out->delivery_count; i++) {
		const struct outgoing_delivery *d = &out->deliveries[i];
		struct db_param row[] = {db_int(d->id), db_int(out->id), db_int(out->letter_id),
		    db_text(d->recipient), db_text(d->route), db_text(d->destination),
		    db_text(d->return_path), db_text(d->extra_header ? d->extra_header : ""),
		    db_int(out->at_ms), db_int(out->expires_at_ms), db_bool(out->dsn)};

		db_gather(db, &deliveries, row, 11);
	}
}

void outgoing_queue(struct db *db, const struct outgoing *out, struct arena *arena)
{
	int64_t *triples = arena_alloc(arena, (out->segment_count * 3 + 1) * sizeof(*triples));
	size_t n = segment_triples(out, triples);
	struct db_param params[] = {db_int(out->id), db_int(out->message_id),
	    db_int(out->letter_id), db_text(out->kind), db_text(out->form), db_text(out->position),
	    db_text(out->from_address), db_text(out->mime_message_id),
	    db_text(db_text_clean(out->subject, arena)), db_int((int64_t)out->size),
	    db_bool(out->eight_bit), db_text(array_literal(triples, n, arena)),
	    db_bytes((struct range){(const char *)out->sha256, SHA256_BYTES}), db_int(out->at_ms),
	    db_int(out->policy_version)};

	if (out->literal.len > 0)
		body_queue_publish(db, out->literal_body, out->literal);
	db_gather(db, &insert, params, 15);
	queue_deliveries(db, out);
}

int attempt_load(
    struct db *db, int64_t id, struct arena *arena, struct attempt *a, struct err *error_r)
{
	struct db_param param = db_int(id);
	struct db_result *r = NULL;

	if (db_query(db, &load_attempt, &param, 1, &r, error_r) < 0)
		return -1;
	if (db_rows(r) == 0) {
		db_result_free(&r);
		return 0;
	}
	*a = (struct attempt){.id = db_get_int(r, 0, 0),
	    .delivery_id = db_get_int(r, 0, 1),
	    .outgoing_id = db_get_int(r, 0, 2),
	    .letter_id = db_get_int(r, 0, 3),
	    .message_id = db_get_int(r, 0, 4),
	    .created_at_ms = db_get_int(r, 0, 5),
	    .at_ms = db_get_int(r, 0, 6),
	    .recipient = arena_strdup(arena, db_get_text(r, 0, 7)),
	    .route = arena_strdup(arena, db_get_text(r, 0, 8)),
	    .outcome = arena_strdup(arena, db_get_text(r, 0, 9)),
	    .enhanced = arena_strdup(arena, db_get_text(r, 0, 10)),
	    .reply = arena_strdup(arena, db_get_text(r, 0, 11)),
	    .remote = arena_strdup(arena, db_get_text(r, 0, 12)),
	    .code = (int)db_get_int(r, 0, 13),
	    .kind = arena_strdup(arena, db_get_text(r, 0, 14)),
	    .position = arena_strdup(arena, db_get_text(r, 0, 15)),
	    .subject = arena_strdup(arena, db_get_text(r, 0, 16)),
	    .mime_message_id = arena_strdup(arena, db_get_text(r, 0, 17))};
	a->segments = db_get_ints(r, 0, 18, arena, &a->segment_count);
	a->notify = arena_strdup(arena, db_get_text(r, 0, 19));
	a->orcpt = arena_strdup(arena, db_get_text(r, 0, 20));
	a->envid = arena_strdup(arena, db_get_text(r, 0, 21));
	db_result_free(&r);
	return 1;
}

int delivery_origin(struct db *db, int64_t delivery_id, struct arena *arena, int64_t *letter_id_r,
    const char **position_r, struct err *error_r)
{
	struct db_param param = db_int(delivery_id);
	struct db_result *r = NULL;
	int rc = 0;

	if (db_query(db, &origin, &param, 1, &r, error_r) < 0)
		return -1;
	if (db_rows(r) > 0) {
		*letter_id_r = db_get_int(r, 0, 0);
		*position_r = arena_strdup(arena, db_get_text(r, 0, 1));
		rc = 1;
	}
	db_result_free(&r);
	return rc;
}
