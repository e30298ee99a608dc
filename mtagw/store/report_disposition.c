/*
 * report_disposition: the lists about orders that people look at: all of them, those of one letter,
 * their reports, and the letter as it stands in an agency.
 */
#include "mtagw/store/report.h"

#define COLUMNS                                                                                    \
	"d.id, d.letter_id, d.agency, a.n::bigint as agenda, d.parent, d.position, d.to_position," \
	" array_to_string(d.instructions, ' ') as instructions, d.due_at, d.state, d.state_at,"    \
	" d.reason, d.note, d.reminded_at, d.escalated_at, d.rule_id, d.policy_version::bigint,"   \
	" d.message_id, d.created_at, coalesce(i.subject, l.subject) as subject"
#define FROM                                                                                    \
	" from office.disposition d join office.letter l on l.id = d.letter_id"                 \
	" left join office.incoming i on i.letter_id = d.letter_id and i.agency = d.agency"     \
	" left join office.agenda_entry a on a.letter_id = d.letter_id and a.agency = d.agency" \
	" and a.direction = 'incoming'"

static const struct report_column columns[] = {{"id", "id", REPORT_ID},
    {"letter", "letter", REPORT_ID}, {"agency", NULL, REPORT_TEXT},
    {"agenda", "agenda", REPORT_INT}, {"parent", NULL, REPORT_ID}, {"from", "from", REPORT_TEXT},
    {"to", "to", REPORT_TEXT}, {"instructions", "harap", REPORT_TEXT},
    {"due_at", "batas", REPORT_TIME}, {"state", "state", REPORT_TEXT},
    {"state_at", "since", REPORT_TIME}, {"reason", NULL, REPORT_TEXT}, {"note", NULL, REPORT_TEXT},
    {"reminded_at", NULL, REPORT_TIME}, {"escalated_at", NULL, REPORT_TIME},
    {"rule", NULL, REPORT_TEXT}, {"policy_version", NULL, REPORT_INT}, {"message", NULL, REPORT_ID},
    {"created_at", NULL, REPORT_TIME}, {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};

static const struct stmt dispositions = {"report_dispositions",
    "select * from (select " COLUMNS FROM " where ($1 = '' or d.state = $1)"
    " and ($2 = '' or d.agency = $2) order by d.id desc limit $3::bigint) x order by id"};
const struct report report_dispositions = {&dispositions, 3, columns};

static const struct stmt letter_dispositions = {"report_letter_dispositions",
    "select " COLUMNS FROM " where d.letter_id = $1::bigint order by d.id"};
const struct report report_letter_dispositions = {&letter_dispositions, 1, columns};

static const struct stmt reports = {"report_disposition_reports",
    "select r.id, r.disposition_id, r.message_id, r.position, r.at, r.closing,"
    " r.enclosures::bigint, r.body from office.report r"
    " join office.disposition d on d.id = r.disposition_id where d.letter_id = $1::bigint"
    " order by r.id"};
static const struct report_column report_columns[] = {{"id", NULL, REPORT_ID},
    {"disposition", "disposition", REPORT_ID}, {"message", NULL, REPORT_ID},
    {"position", "position", REPORT_TEXT}, {"at", "time", REPORT_TIME},
    {"closing", "closing", REPORT_BOOL}, {"enclosures", "files", REPORT_INT},
    {"body", "text", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_disposition_reports = {&reports, 1, report_columns};

static const struct stmt standing = {"report_incoming_standing",
    "select l.id, i.agency, i.state, coalesce(i.letter_number, n.number) as number,"
    " coalesce(i.subject, l.subject) as subject from office.letter l"
    " left join office.incoming i on i.letter_id = l.id"
    " left join office.number_ledger n on n.letter_id = l.id and n.state = 'assigned'"
    " where l.id = $1::bigint order by i.agency"};
static const struct report_column standing_columns[] = {{"letter", "letter", REPORT_ID},
    {"agency", "agency", REPORT_TEXT}, {"state", "state", REPORT_TEXT},
    {"number", "nomor", REPORT_TEXT}, {"subject", "hal", REPORT_TEXT}, {NULL, NULL, 0}};
const struct report report_incoming_standing = {&standing, 1, standing_columns};

const struct stmt *const report_disposition_statements[] = {
    &dispositions, &letter_dispositions, &reports, &standing, NULL};
