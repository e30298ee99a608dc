/*
 * report: lists of the queue, of accounts, and the state of the house. Reading only; each list is
 * one statement, so what it shows belongs together. Reminders that wait for their day are a
 * calendar, not a queue: the list of orders has their dates.
 */
#include "mtagw/store/report.h"

static const struct stmt queue = {"report_queue",
    "select * from (select d.id, 'delivery' as what, o.kind, d.state, d.attempts::bigint as tries,"
    "  d.next_at, d.recipient, d.destination, d.route, d.letter_id, n.number, d.created_at,"
    "  d.last_text as reason, o.subject"
    "  from mail.delivery d join mail.outgoing o on o.id = d.outgoing_id"
    "  left join office.number_ledger n on n.letter_id = d.letter_id and n.state = 'assigned'"
    " union all select w.id, 'work', w.kind, w.state, (w.tries + w.waits)::bigint, w.next_at, "
    "w.arg,"
    "  '', '', l.id, n.number, w.id >> 22, w.reason, coalesce(l.subject, m.subject, '')"
    "  from mail.work w left join mail.message m on w.kind = 'route' and m.id = w.ref"
    "  left join office.letter l on l.id = case when w.kind = 'route' then m.letter_id"
    "   when w.kind = 'failure' then null else w.ref end"
    "  left join office.number_ledger n on n.letter_id = l.id and n.state = 'assigned'"
    "  where not (w.kind = 'remind' and w.state = 'waiting' and w.waits = 0)) q"
    " where ($1::text = '' or state = $1) order by id limit $2::bigint"};
static const struct report_column queue_columns[] = {{"id", "id", REPORT_ID},
    {"what", "what", REPORT_TEXT}, {"kind", "kind", REPORT_TEXT}, {"state", "state", REPORT_TEXT},
    {"tries", "tries", REPORT_INT}, {"next_at", "next try", REPORT_TIME},
    {"recipient", "recipient", REPORT_TEXT}, {"destination", NULL, REPORT_TEXT},
    {"route", NULL, REPORT_TEXT}, {"letter", NULL, REPORT_ID}, {"number", "nomor", REPORT_TEXT},
    {"created_at", NULL, REPORT_TIME}, {"reason", "reason", REPORT_TEXT},
    {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_queue = {&queue, 2, queue_columns};

static const struct stmt delivery = {"report_delivery",
    "select d.id, o.kind, d.state, d.recipient, d.route, d.destination, d.return_path, d.attempts,"
    " d.next_at, d.expires_at, d.created_at, d.dot_at, d.owner, d.lease_until, d.last_code,"
    " d.last_text, d.letter_id, n.number, o.message_id, o.id, o.from_address, o.mime_message_id,"
    " o.size, o.subject from mail.delivery d join mail.outgoing o on o.id = d.outgoing_id"
    " left join office.number_ledger n on n.letter_id = d.letter_id and n.state = 'assigned'"
    " where d.id = $1::bigint"};
static const struct report_column delivery_columns[] = {{"id", "id", REPORT_ID},
    {"kind", "kind", REPORT_TEXT}, {"state", "state", REPORT_TEXT},
    {"recipient", "recipient", REPORT_TEXT}, {"route", "route", REPORT_TEXT},
    {"destination", "destination", REPORT_TEXT}, {"return_path", "return path", REPORT_TEXT},
    {"tries", "tries", REPORT_INT}, {"next_at", "next try", REPORT_TIME},
    {"expires_at", "given up at", REPORT_TIME}, {"created_at", "since", REPORT_TIME},
    {"dot_at", "final dot at", REPORT_TIME}, {"owner", "owner", REPORT_TEXT},
    {"lease_until", "lease until", REPORT_TIME}, {"code", "last code", REPORT_INT},
    {"reply", "last reply", REPORT_TEXT}, {"letter", "letter", REPORT_ID},
    {"number", "nomor", REPORT_TEXT}, {"message", "message", REPORT_ID},
    {"outgoing", "outgoing", REPORT_ID}, {"from", "from", REPORT_TEXT},
    {"message_id", "Message-ID", REPORT_TEXT}, {"size", "bytes", REPORT_INT},
    {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_delivery = {&delivery, 1, delivery_columns};

static const struct stmt work = {"report_work",
    "select w.id, w.kind, w.state, w.ref, w.arg, w.tries, w.alone, w.waits, w.next_at, w.owner,"
    " w.lease_until, w.reason, coalesce(m.subject, l.subject, '')"
    " from mail.work w left join mail.message m on w.kind = 'route' and m.id = w.ref"
    " left join office.letter l on w.kind not in ('route', 'failure') and l.id = w.ref"
    " where w.id = $1::bigint"};
static const struct report_column work_columns[] = {{"id", "id", REPORT_ID},
    {"kind", "kind", REPORT_TEXT}, {"state", "state", REPORT_TEXT}, {"ref", "about", REPORT_ID},
    {"arg", "for", REPORT_TEXT}, {"deaths", "workers that died on it", REPORT_INT},
    {"deaths_alone", "of these alone", REPORT_INT}, {"waits", "put back", REPORT_INT},
    {"next_at", "next try", REPORT_TIME}, {"owner", "owner", REPORT_TEXT},
    {"lease_until", "lease until", REPORT_TIME}, {"reason", "reason", REPORT_TEXT},
    {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_work = {&work, 1, work_columns};

static const struct stmt attempts = {"report_attempts",
    "select id, at, outcome, code, enhanced, remote, tls, dot_at, recipient, reply from "
    "mail.attempt"
    " where delivery_id = $1::bigint order by id"};
static const struct report_column attempt_columns[] = {{"id", NULL, REPORT_ID},
    {"at", "time", REPORT_TIME}, {"outcome", "outcome", REPORT_TEXT}, {"code", "code", REPORT_INT},
    {"enhanced", "status", REPORT_TEXT}, {"remote", "remote", REPORT_TEXT},
    {"tls", "tls", REPORT_TEXT}, {"dot_at", NULL, REPORT_TIME}, {"recipient", NULL, REPORT_TEXT},
    {"reply", "reply", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_attempts = {&attempts, 1, attempt_columns};

static const struct stmt accounts = {"report_accounts",
    "select a.login, a.position, a.active, p.name, p.nip, p.rank_title, p.pay_grade, i.capacity,"
    " i.valid_from, o.title from org.account a join org.position o on o.id = a.position"
    " left join lateral (select * from org.incumbency i where i.position = a.position"
    "  and i.valid_to is null order by i.valid_from desc limit 1) i on true"
    " left join org.person p on p.id = i.person order by o.agency, a.login"};
static const struct report_column account_columns[] = {{"login", "login", REPORT_TEXT},
    {"position", NULL, REPORT_TEXT}, {"active", "active", REPORT_BOOL},
    {"name", "name", REPORT_TEXT}, {"nip", "NIP", REPORT_TEXT}, {"rank", "pangkat", REPORT_TEXT},
    {"grade", "gol.", REPORT_TEXT}, {"capacity", "capacity", REPORT_TEXT},
    {"since", "since", REPORT_TIME}, {"title", "jabatan", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_accounts = {&accounts, 0, account_columns};

static const struct stmt agency = {
    "report_agency", "select code, name from org.agency where code = $1"};
static const struct report_column agency_columns[] = {
    {"code", "code", REPORT_TEXT}, {"name", "name", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_agency = {&agency, 1, agency_columns};

#define ALARM(key, value, condition, alarm)                                            \
	" union all select '" key "', " value ", case when " condition " then '" alarm \
	"' else '' end"
#define COUNT(key, from) ALARM(key, "count(*)", "false", "") " from " from
#define COUNT_ALARM(key, from, alarm) ALARM(key, "count(*)", "count(*) > 0", alarm) " from " from
/* Work that its time has come for or that was put back; one asked for early waits on purpose. */
#define WORK_SINCE "case when waits = 0 then greatest(id >> 22, next_at) else id >> 22 end"
#define WORK_OLDEST "coalesce(max($1::bigint - " WORK_SINCE "), 0) / 1000"
/* clang-format off */
static const struct stmt status = {"report_status",
    "select 'schema' as key, max(n)::bigint as value, '' as alarm from public.schema_migration"
    ALARM("policy_version", "coalesce(max(version), 0)::bigint", "count(*) = 0",
        "no policy is active: mtagwctl policy activate") " from policy.active"
    COUNT("accounts", "org.account where active")
    COUNT("letters", "office.letter")
    COUNT("work_waiting", "mail.work where state = 'waiting' and kind <> 'remind'")
    COUNT("work_claimed", "mail.work where state = 'claimed'")
    COUNT_ALARM("work_quarantined", "mail.work where state = 'quarantined'",
        "set aside for a person: mtagwctl queue list --state quarantined")
    COUNT_ALARM("work_stuck", "mail.work where state = 'waiting' and waits >= 5",
        "put back five times and more, its reason: mtagwctl queue list --state waiting")
    COUNT("delivery_waiting", "mail.delivery where state = 'waiting'")
    COUNT("delivery_claimed", "mail.delivery where state = 'claimed'")
    COUNT("delivery_held", "mail.delivery where state = 'held'")
    COUNT_ALARM("delivery_uncertain", "mail.delivery where state = 'uncertain'",
        "nobody knows whether they arrived: mtagwctl queue list --state uncertain")
    ALARM("oldest_work_secs", WORK_OLDEST, WORK_OLDEST " > 600",
        "waits for more than ten minutes: mtagwctl queue list --state waiting")
    " from mail.work where state = 'waiting' and kind <> 'remind'"
    "  and (waits > 0 or next_at <= $1::bigint)"
    ALARM("oldest_delivery_secs", "coalesce(max($1::bigint - created_at), 0) / 1000", "false", "")
    " from mail.delivery where state = 'waiting'"
    COUNT("staged_bodies", "mail.body_staging")
    /* A row in a default partition means that the clerk has not made the year's. */
    ALARM("default_partition_bytes",
        "coalesce(sum(pg_relation_size(to_regclass(t))), 0)::bigint",
        "sum(pg_relation_size(to_regclass(t))) > 0",
        "rows outside of the partitions: is the clerk running?")
    " from unnest(array['mail.body_default', 'mail.attempt_default', 'audit.exchange_default',"
    "  'audit.detail_default']) t"
    ALARM("sessions_' || r || '", "count(a.pid)", "count(a.pid) = 0",
        "not connected to the database")
    " from unnest(array['smtpd', 'router', 'sender', 'clerk']) r"
    " left join pg_stat_activity a on a.usename = 'mtagw_' || r"
    "  and a.datname = current_database() group by r"
};
/* clang-format on */
static const struct report_column status_columns[] = {{"key", "", REPORT_TEXT},
    {"value", "", REPORT_INT}, {"alarm", "", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_status = {&status, 1, status_columns};

const struct stmt *const report_statements[] = {
    &queue, &delivery, &work, &attempts, &accounts, &agency, &status, NULL};

int report_run(struct db *db, const struct report *report, const struct db_param *params,
    struct db_result **result_r, struct err *error_r)
{
	return db_query(db, report->stmt, params, report->params, result_r, error_r);
}
