/*
 * report_letter: lists of letters, agenda entries and exchanges. A letter's own state ends with
 * `dispatched`; what became of it is derived here from its deliveries, pending ones and recorded
 * attempts, so that a late bounce shows by itself (DESIGN 3).
 */
#include "mtagw/store/report.h"

/* Only forms of the letter count: a confirmation to its writer is not its delivery. A failed or
 * expired attempt is a delivery's last, for its row goes with it. */
#define LETTER_STATE                                                                               \
	"case when l.state not in ('signed', 'dispatched') then l.state"                           \
	" when exists (select 1 from mail.outgoing o join mail.delivery d on d.outgoing_id = o.id" \
	"  where o.letter_id = l.id and o.kind = 'letter' and d.state = 'uncertain') then "        \
	"'uncertain'"                                                                              \
	" when exists (select 1 from mail.outgoing o join mail.attempt a on a.outgoing_id = o.id"  \
	"  where o.letter_id = l.id and o.kind = 'letter' and a.outcome in ('failed', 'expired'))" \
	" or exists (select 1 from office.noted b where b.letter_id = l.id and b.kind = 'bounce'"  \
	"  and b.action = 'failed')"                                                               \
	"  then 'failed'"                                                                          \
	" when exists (select 1 from mail.outgoing o join mail.delivery d on d.outgoing_id = o.id" \
	"  where o.letter_id = l.id and o.kind = 'letter') then l.state"                           \
	" when exists (select 1 from mail.outgoing o join mail.attempt a on a.outgoing_id = o.id"  \
	"  where o.letter_id = l.id and o.kind = 'letter' and a.outcome = 'delivered')"            \
	"  then 'delivered' else l.state end"
#define LETTER_COLUMNS                                                                             \
	"l.id, n.number, n.letter_date::text, " LETTER_STATE " as state, l.type, l.scope,"         \
	" l.direction, l.agency, l.position, case when l.direction = 'incoming' then"              \
	" coalesce((select i.sender_address from office.incoming i where i.letter_id = l.id limit" \
	" 1), '') else l.position end, l.login, l.classification_code, l.security_class,"          \
	" l.urgency, l.policy_version, l.rule_id, l.message_id, l.created_at, l.subject"
#define LETTER_FROM                                              \
	" from office.letter l left join office.number_ledger n" \
	" on n.letter_id = l.id and n.state = 'assigned'"

static const struct report_column letter_columns[] = {{"id", "id", REPORT_ID},
    {"number", "nomor", REPORT_TEXT}, {"date", "tanggal", REPORT_TEXT},
    {"state", "state", REPORT_TEXT}, {"type", "type", REPORT_TEXT}, {"scope", NULL, REPORT_TEXT},
    {"direction", NULL, REPORT_TEXT}, {"agency", NULL, REPORT_TEXT},
    {"position", NULL, REPORT_TEXT}, {"from", "from", REPORT_TEXT}, {"login", NULL, REPORT_TEXT},
    {"classification", NULL, REPORT_TEXT}, {"security_class", NULL, REPORT_TEXT},
    {"urgency", NULL, REPORT_TEXT}, {"policy_version", NULL, REPORT_INT},
    {"rule", NULL, REPORT_TEXT}, {"message", NULL, REPORT_ID}, {"created_at", NULL, REPORT_TIME},
    {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};
/* One letter is shown with everything. */
static const struct report_column letter_all_columns[] = {{"id", "id", REPORT_ID},
    {"number", "nomor", REPORT_TEXT}, {"date", "tanggal", REPORT_TEXT},
    {"state", "state", REPORT_TEXT}, {"type", "type", REPORT_TEXT}, {"scope", "scope", REPORT_TEXT},
    {"direction", "direction", REPORT_TEXT}, {"agency", "agency", REPORT_TEXT},
    {"position", "position", REPORT_TEXT}, {"from", "from", REPORT_TEXT},
    {"login", "login", REPORT_TEXT}, {"classification", "kode", REPORT_TEXT},
    {"security_class", "sifat", REPORT_TEXT}, {"urgency", "urgency", REPORT_TEXT},
    {"policy_version", "policy", REPORT_INT}, {"rule", "rule", REPORT_TEXT},
    {"message", "message", REPORT_ID}, {"created_at", "written", REPORT_TIME},
    {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};

static const struct stmt letters = {"report_letters",
    "select * from (select " LETTER_COLUMNS LETTER_FROM
    " where ($2 = '' or l.agency = $2) and ($1 = '' or (" LETTER_STATE ") = $1)"
    " order by l.id desc limit $3::bigint) x order by id"};
const struct report report_letters = {&letters, 3, letter_columns};

static const struct stmt letter = {
    "report_letter", "select " LETTER_COLUMNS LETTER_FROM " where l.id = $1::bigint"};
const struct report report_letter = {&letter, 1, letter_all_columns};

static const struct stmt find = {"report_find_letter",
    "select l.id from office.letter l where l.id = $1::bigint"
    " union select n.letter_id from office.number_ledger n"
    " where n.number = $2 and n.letter_id is not null limit 1"};

static const struct stmt recipients = {"report_recipients",
    "select role, inside, coalesce(position, ''), coalesce(agency, ''), address, name"
    " from office.letter_recipient where letter_id = $1::bigint order by n"};
static const struct report_column recipient_columns[] = {{"role", "role", REPORT_TEXT},
    {"inside", "inside", REPORT_BOOL}, {"position", "position", REPORT_TEXT},
    {"agency", "agency", REPORT_TEXT}, {"address", "address", REPORT_TEXT},
    {"name", "name", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_recipients = {&recipients, 1, recipient_columns};

static const struct stmt deliveries = {"report_letter_deliveries",
    "with o as (select id, form from mail.outgoing where letter_id = $1::bigint and kind = "
    "'letter'),"
    " a as (select distinct on (a.delivery_id) a.*, o.form, count(*) over (partition by "
    "a.delivery_id)"
    "  as tries from o join mail.attempt a on a.outgoing_id = o.id order by a.delivery_id, a.id "
    "desc)"
    " select d.id, o.form, d.recipient, d.route, d.state, d.attempts::bigint as tries, a.at, "
    "d.next_at,"
    "  d.last_code, d.last_text, a.remote, a.tls"
    "  from o join mail.delivery d on d.outgoing_id = o.id left join a on a.delivery_id = d.id"
    " union all select a.delivery_id, a.form, a.recipient, a.route, a.outcome, a.tries, a.at, null,"
    "  a.code, a.reply, a.remote, a.tls from a"
    "  where not exists (select 1 from mail.delivery d where d.id = a.delivery_id) order by 1"};
static const struct report_column delivery_columns[] = {{"id", "id", REPORT_ID},
    {"form", "form", REPORT_TEXT}, {"recipient", "recipient", REPORT_TEXT},
    {"route", "route", REPORT_TEXT}, {"state", "state", REPORT_TEXT},
    {"tries", "tries", REPORT_INT}, {"at", "last try", REPORT_TIME},
    {"next_at", "next try", REPORT_TIME}, {"code", "code", REPORT_INT},
    {"reply", "reply", REPORT_TEXT}, {"remote", NULL, REPORT_TEXT}, {"tls", NULL, REPORT_TEXT},
    {NULL, NULL, 0}};
const struct report report_letter_deliveries = {&deliveries, 1, delivery_columns};

static const struct stmt forms = {"report_forms",
    "select form, ref, size, sha256, key_fingerprint, created_at from office.letter_form"
    " where letter_id = $1::bigint order by created_at, form"};
static const struct report_column form_columns[] = {{"form", "form", REPORT_TEXT},
    {"ref", NULL, REPORT_ID}, {"size", "bytes", REPORT_INT}, {"sha256", "sha256", REPORT_HEX},
    {"key", "sealed with", REPORT_TEXT}, {"created_at", "made", REPORT_TIME}, {NULL, NULL, 0}};
const struct report report_forms = {&forms, 1, form_columns};

#define AGENDA_COLUMNS                                                                        \
	"id, agency, direction, year, n, entry_date::text, letter_number, letter_date::text," \
	" security_class, urgency, classification_code, channel, letter_id, at, sender,"      \
	" destination, subject, summary"
static const struct report_column agenda_columns[] = {{"id", NULL, REPORT_ID},
    {"agency", "agency", REPORT_TEXT}, {"direction", "direction", REPORT_TEXT},
    {"year", "year", REPORT_INT}, {"n", "no", REPORT_INT}, {"date", "tanggal", REPORT_TEXT},
    {"number", "nomor surat", REPORT_TEXT}, {"letter_date", "tgl surat", REPORT_TEXT},
    {"security_class", NULL, REPORT_TEXT}, {"urgency", NULL, REPORT_TEXT},
    {"classification", NULL, REPORT_TEXT}, {"channel", NULL, REPORT_TEXT},
    {"letter", NULL, REPORT_ID}, {"at", NULL, REPORT_TIME}, {"sender", "dari", REPORT_TEXT},
    {"destination", "kepada", REPORT_TEXT}, {"subject", "hal", REPORT_TEXT},
    {"summary", NULL, REPORT_TEXT}, {NULL, NULL, 0}};
static const struct stmt agenda = {"report_agenda",
    "select " AGENDA_COLUMNS
    " from (select * from office.agenda_entry where ($1 = '' or agency = $1)"
    " and ($2 = '' or direction = $2) order by id desc limit $3::bigint) x"
    " order by agency, direction, year, n"};
const struct report report_agenda = {&agenda, 3, agenda_columns};
static const struct stmt letter_agenda = {"report_letter_agenda",
    "select " AGENDA_COLUMNS " from office.agenda_entry where letter_id = $1::bigint order by id"};
const struct report report_letter_agenda = {&letter_agenda, 1, agenda_columns};

static const struct stmt tokens = {"report_tokens",
    "select id, kind, coalesce(actor, ''), coalesce(verb, ''), created_at, expires_at, closed_at,"
    " coalesce(closed_by, '') from office.token where letter_id = $1::bigint order by id"};
static const struct report_column token_columns[] = {{"id", "id", REPORT_ID},
    {"kind", "kind", REPORT_TEXT}, {"actor", "actor", REPORT_TEXT}, {"verb", "verb", REPORT_TEXT},
    {"created_at", "made", REPORT_TIME}, {"expires_at", "until", REPORT_TIME},
    {"closed_at", "closed", REPORT_TIME}, {"closed_by", "by", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_tokens = {&tokens, 1, token_columns};

static const struct stmt thread = {"report_thread",
    "select m.id, 'in', m.channel, m.state, m.from_address, m.mime_message_id, m.received_at as at,"
    " m.subject from mail.message m where m.letter_id = $1::bigint"
    " or m.id = (select message_id from office.letter where id = $1::bigint)"
    " union all select o.id, 'out', o.kind, o.form, o.from_address, o.mime_message_id, "
    "o.created_at,"
    " o.subject from mail.outgoing o where o.letter_id = $1::bigint"
    " or o.message_id = (select message_id from office.letter where id = $1::bigint)"
    /* what answers it, what it answers, and what programs wrote about it */
    " union all select m.id, 'in', 'answer', i.state, i.sender_address, m.mime_message_id,"
    " m.received_at, i.subject from office.incoming i join office.letter l on l.id = i.letter_id"
    " join mail.message m on m.id = l.message_id where i.reply_to = $1::bigint"
    " union all select l.message_id, 'out', 'answers', l.state, l.login, l.mime_message_id,"
    " l.created_at, l.subject from office.incoming i join office.letter l on l.id = i.reply_to"
    " where i.letter_id = $1::bigint"
    " union all select n.message_id, 'in', n.kind, n.action, n.address, '', n.at, n.words"
    " from office.noted n where n.letter_id = $1::bigint order by at, id"};
static const struct report_column thread_columns[] = {{"id", "id", REPORT_ID},
    {"direction", "", REPORT_TEXT}, {"kind", "kind", REPORT_TEXT}, {"state", "state", REPORT_TEXT},
    {"from", "from", REPORT_TEXT}, {"message_id", NULL, REPORT_TEXT}, {"at", "time", REPORT_TIME},
    {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_thread = {&thread, 1, thread_columns};

#define EXCHANGE_COLUMNS                                                                   \
	"x.id, x.at, x.event, x.outcome, coalesce(x.position, ''), coalesce(x.login, '')," \
	" coalesce(x.rule_id, ''), x.policy_version, coalesce(x.code, ''), x.message_id,"  \
	" x.letter_id, x.delivery_id, x.object_sha256, coalesce(d.detail::text, '{}')"
#define EXCHANGE_DETAIL " left join audit.detail d on d.exchange_id = x.id order by x.at, x.id"
static const struct report_column exchange_columns[] = {{"id", NULL, REPORT_ID},
    {"at", "time", REPORT_TIME}, {"event", "event", REPORT_TEXT},
    {"outcome", "outcome", REPORT_TEXT}, {"position", "position", REPORT_TEXT},
    {"login", NULL, REPORT_TEXT}, {"rule", "rule", REPORT_TEXT},
    {"policy_version", "policy", REPORT_INT}, {"code", "code", REPORT_TEXT},
    {"message", NULL, REPORT_ID}, {"letter", NULL, REPORT_ID}, {"delivery", NULL, REPORT_ID},
    {"object_sha256", NULL, REPORT_HEX}, {"detail", "detail", REPORT_JSON}, {NULL, NULL, 0}};
static const struct stmt exchanges = {"report_exchanges",
    "select " EXCHANGE_COLUMNS " from (select * from audit.exchange order by id desc"
    " limit $1::bigint) x" EXCHANGE_DETAIL};
const struct report report_exchanges = {&exchanges, 1, exchange_columns};
static const struct stmt letter_exchanges = {"report_letter_exchanges",
    "select " EXCHANGE_COLUMNS " from (select * from audit.exchange where letter_id = $1::bigint"
    " or message_id = (select message_id from office.letter where id = $1::bigint)"
    " order by id desc limit $2::bigint) x" EXCHANGE_DETAIL};
const struct report report_letter_exchanges = {&letter_exchanges, 2, exchange_columns};
static const struct stmt message_exchanges = {"report_message_exchanges",
    "select " EXCHANGE_COLUMNS " from (select * from audit.exchange where message_id = $1::bigint"
    " order by id desc limit $2::bigint) x" EXCHANGE_DETAIL};
const struct report report_message_exchanges = {&message_exchanges, 2, exchange_columns};

const struct stmt *const report_letter_statements[] = {&letters, &letter, &find, &recipients,
    &deliveries, &forms, &agenda, &letter_agenda, &tokens, &thread, &exchanges, &letter_exchanges,
    &message_exchanges, NULL};

int report_find_letter(
    struct db *db, int64_t id, const char *number, int64_t *letter_r, struct err *error_r)
{
	struct db_param params[] = {db_int(id), db_text(number)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &find, params, 2, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	if (rc > 0)
		*letter_r = db_get_int(r, 0, 0);
	db_result_free(&r);
	return rc;
}
