/* policy: the law as data: organisation, rules, words; loaded whole or refused whole (DESIGN 10).
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/policy_file.h"
#include "mtagw/base/xml.h"

struct policy; /* immutable once loaded */

/* All defects, each `file:line: what and what to do` on a line. The caller frees text. */
struct policy_report {
	struct buf text;
	size_t errors, warnings;
	/* Where the files came from, so that defects name them as the reader knows them; NULL: as
	 * the version does, `policies/index.xml`. */
	const char *policies_dir, *templates_dir;
};

/* Reads policies_dir/index.xml, the files it lists in order, the schema, and every file of
 * templates_dir that the index lists, into the arena. */
int policy_read_dir(const char *policies_dir, const char *templates_dir, struct arena *arena,
    struct policy_file **files_r, size_t *count_r, struct err *error_r);
/* NULL when the report has errors. Files must outlive the policy. version: 0 for an unactivated
 * one. */
struct policy *policy_load(
    const struct policy_file *files, size_t count, int version, struct policy_report *report);
void policy_free(struct policy **policy);
/* Asks the version's own cases (policies/cases.xml); each that comes out otherwise is an error of
 * the report. 1 all good, 0 not. */
int policy_test(struct policy *policy, struct policy_report *report, size_t *count_r);
int policy_version(const struct policy *policy);
/* A file of this version by path; false when absent (templates for xslt_parse's load). */
bool policy_file(const struct policy *policy, const char *path, struct range *bytes_r);

/* --- organisation --- */
struct policy_position {
	const char *id;     /* `kadis.diskominfo` */
	const char *agency; /* `DISKOMINFO` */
	const char *title;  /* `Kepala Dinas Komunikasi dan Informatika` */
	const char
	    *block; /* as in the signature block: `KEPALA DINAS KOMUNIKASI DAN INFORMATIKA` */
	const char *echelon, *superior, *unit;
	const char *rank_line; /* whether name block prints rank and NIP: policy of domain.md 2.1 */
	const char *alias;     /* `kabid ikp; ikp`: other names people write, NULL */
};
struct policy_agency {
	const char *code, *name;         /* `Dinas Komunikasi dan Informatika` */
	const char *registry_local;      /* `surat.diskominfo` */
	const char *head, *registry;     /* positions; registry: the clerk */
	const char *letterhead_kind;     /* agency | mayor | secretariat */
	const char *letterhead_lines[4]; /* `PEMERINTAH KOTA DUMAI`, `DINAS ...`, address, contact;
	                                    NULL where absent */
	const char *number_code;         /* as printed in numbers: `DISKOMINFO` */
	const char *place;               /* `Dumai` */
};
const struct policy_position *policy_position(const struct policy *policy, const char *id);
const struct policy_agency *policy_agency(const struct policy *policy, const char *code);
const struct policy_agency *policy_agency_by_registry(
    const struct policy *policy, const char *registry_local);
void policy_each_position(
    const struct policy *policy, void (*cb)(const struct policy_position *p, void *ctx), void *ctx);
void policy_each_agency(
    const struct policy *policy, void (*cb)(const struct policy_agency *a, void *ctx), void *ctx);

/* A position as people write it, exactly or not at all (DESIGN 7: names are never guessed); case,
 * blanks, dashes, a full stop at the end and an honorific before it (`Yth.`, `Pak`) forgiven.
 * Within the agency: id, local part, title or alias; then city-wide: whole id, or a title that only
 * one position bears. agency NULL: city-wide only. NULL: nobody of that name. The domain of an
 * address is the caller's to cut. */
const struct policy_position *policy_position_by_name(
    const struct policy *policy, const char *agency, const char *text);
/* For "did you mean": positions of the agency whose names are nearest to the text, nearest first,
 * none where nothing is near. Returns how many were put into list, at most max. */
size_t policy_position_suggest(const struct policy *policy, const char *agency, const char *text,
    const struct policy_position **list, size_t max);
/* What target is to actor (position ids), for the fact `relation`: subordinate (direct), indirect
 * (below a subordinate), superior (any level above, of any agency), self, other_agency (any
 * position there that is not above), peer (the rest of the agency), unknown (one of them is no
 * position). A static string. */
const char *policy_relation(const struct policy *policy, const char *actor, const char *target);
/* Direct subordinates within the position's agency, in the order of the file. Returns their number,
 * of which at most max are in list. */
size_t policy_subordinates(const struct policy *policy, const char *position,
    const struct policy_position **list, size_t max);

/* Outside parties the city knows (domain.md 3.9 item 9). */
struct policy_correspondent {
	const char *name; /* `PT Contoh Pelabuhan` */
	const char
	    *address; /* `*@pelabuhan.example surat@lain.example`: addresses or whole domains */
	const char *place; /* `Dumai`, NULL */
};
/* Whose address this is; case forgiven, subdomains are others. NULL: unknown. */
const struct policy_correspondent *policy_correspondent(
    const struct policy *policy, const char *address);

/* --- letter types and commands (visible words are policy) --- */
struct policy_type {
	const char *id;            /* `ordinary_letter` */
	const char *word;          /* `surat biasa`: the `Jenis:` line, case and blanks forgiven */
	const char *local;         /* `surat-biasa`: the address */
	const char *template_base; /* templates/<base>.text.xsl, .html.xsl, .page.xsl */
	const char *classification_default; /* `000`; per agency: policy_classification */
	bool pdf_outside, pdf_inside;
};
const struct policy_type *policy_type(const struct policy *policy, const char *id);
const struct policy_type *policy_type_by_local(const struct policy *policy, const char *local);
const struct policy_type *policy_type_by_word(const struct policy *policy, const char *word);
/* Addresses of the city's domain that are neither position nor registry: types, actions (ttd,
 * kembali ...), roles (postmaster, abuse -> position). */
struct policy_address {
	const char *local, *kind, *target;
	bool detail, outside;
};
void policy_each_address(
    const struct policy *policy, void (*cb)(const struct policy_address *a, void *ctx), void *ctx);
/* Text people see, by id, with {name} replaced from pairs (name, value, ..., NULL). An unknown id
 * is a load error of its user, so never NULL. In the arena. */
const char *policy_words(
    const struct policy *policy, const char *id, const char *const *pairs, struct arena *arena);
bool policy_has_words(const struct policy *policy, const char *id);

/* --- the words of commands --- */
struct policy_word {
	const char *word;     /* `SETUJU`, `Kepada` */
	const char *id;       /* `ok`, `to` */
	const char *argument; /* may stand behind it: none, optional, required (labels) */
};
/* In the order of the file; one element a word. The arrays belong to the policy. */
const struct policy_word *policy_verbs(const struct policy *policy, size_t *count_r);
const struct policy_word *policy_labels(const struct policy *policy, size_t *count_r);

/* What an order may want (domain.md 3.4). */
struct policy_instruction {
	const char *id;              /* `follow_up` */
	int number;                  /* as printed in prompts, from 1 */
	const char *word;            /* `Tindak lanjuti` */
	const char *const *synonyms; /* ended by NULL */
	bool report;                 /* a report is expected */
};
/* In the order of the file. */
const struct policy_instruction *policy_instructions(const struct policy *policy, size_t *count_r);
/* The instruction whose word or synonym the text begins with: case, blanks and full stops forgiven,
 * the longest word first, whole words only. rest_r NULL, or gets what follows in the text (blanks
 * cut). NULL: none. */
const struct policy_instruction *policy_instruction_by_word(
    const struct policy *policy, const char *text, const char **rest_r);
const struct policy_instruction *policy_instruction_by_number(
    const struct policy *policy, int number);

/* --- urgency and calendar (domain.md 3.3) --- */
struct policy_urgency {
	const char *id;      /* `normal` */
	const char *word;    /* `biasa` */
	bool clock;          /* its times run on the clock, else on the working calendar */
	int64_t handle_ms;   /* to handle a letter after receipt */
	int64_t remind_ms;   /* a reminder goes so long before the due time */
	int64_t escalate_ms; /* the superior is told so long after it */
};
const struct policy_urgency *policy_urgency(const struct policy *policy, const char *id);
/* `segera`, `Sangat  Segera`: its word or one of its synonyms; case and blanks forgiven. */
const struct policy_urgency *policy_urgency_by_word(const struct policy *policy, const char *word);
/* Milliseconds since 1970 throughout. When a letter received at from_ms is due; when to remind of a
 * due time; when to tell the superior. */
int64_t policy_due_of(
    const struct policy *policy, const struct policy_urgency *urgency, int64_t from_ms);
int64_t policy_remind_of(
    const struct policy *policy, const struct policy_urgency *urgency, int64_t due_ms);
int64_t policy_escalate_of(
    const struct policy *policy, const struct policy_urgency *urgency, int64_t due_ms);
/* The moment work_ms of working time after from_ms (a time outside working hours counts from the
 * next opening; the end of a working span is still that span). work_ms: 0 to 400 days, more is cut.
 */
int64_t policy_due(const struct policy *policy, int64_t from_ms, int64_t work_ms);
/* The moment with work_ms of working time between it and due_ms: the mirror of the above. */
int64_t policy_before(const struct policy *policy, int64_t due_ms, int64_t work_ms);
/* Is the city's day of this moment one with working hours and no holiday. */
bool policy_working_day(const struct policy *policy, int64_t ms);
/* The holiday's name on that day, NULL. */
const char *policy_holiday(const struct policy *policy, int64_t ms);

/* --- rules --- */
enum policy_kind {
	POLICY_SIGN,   /* asked per letter: may this position sign this type for this scope */
	POLICY_ROUTE,  /* per recipient: channel and form: lmtp inside | smtp outside | refuse */
	POLICY_NUMBER, /* per letter: series and pattern, classification default */
	POLICY_SEAL,   /* per letter and form: seal, dkim, pdf, confirm, copy: yes/no */
	POLICY_PLAIN,  /* per actor: may send untyped plain mail outside (PESAN) */
	POLICY_INTAKE, /* per incoming mail and agency: number now, ask the clerk, never; who sees
	                  it */
	POLICY_ACKNOWLEDGE, /* per registered incoming letter: may its sender get a receipt */
	POLICY_DISPOSE,     /* per order and recipient: may this position order that one */
	POLICY_ASSURANCE,   /* per action: what a reply of this channel and verdict may do */
	POLICY_KIND_COUNT
};
/* Facts of one question. Attributes of <when> test these; NULL is absent (a <when> on it does not
 * match). xml: the facts tree without namespace for test="...": root `facts` with child `letter`
 * (copy of letter.xml) and children named like the fields below; built by policy_facts_xml from
 * these when NULL. */
struct policy_facts {
	const char *type, *scope, *security_class, *agency, *position, *echelon, *channel, *verdict,
	    *urgency;
	const char *recipient, *recipient_domain, *recipient_kind; /* inside | outside */
	const char *form;                                          /* inside, outside */
	const char *classification; /* the letter's code, for {K} of a pattern */
	const char *date;           /* `2026-11-24`, the office's day: from/until and valid-from */
	const char *direction;      /* incoming | outgoing */
	/* of a mail from outside; verdict above: signed, proven, spf, failed, unproven
	 * (crypto/verdict.h), internal (a position's login) */
	const char *thread; /* how it found its letter: token, references, number (quoted), none;
	                       stranger: a good token from somebody the letter did not go to;
	                       closed: a good token of a closed letter */
	const char *correspondent; /* known | unknown (policy_correspondent) */
	const char *automatic;     /* no, bounce, receipt ...: automatic_name of mail/automatic.h */
	/* of an order or another action; position is the actor, recipient the target position */
	const char *relation; /* policy_relation */
	const char *action;   /* ok, plain, cancel, dispose, pass_on, decline, return, report, done,
	                         confirm, not_letter, correct, sent, unreadable, receive, trace,
	                         answer (a mail   from outside to its letter) */
	const struct xml_node *letter; /* NULL or root of letter.xml */
	/* or: makes it when a rule asks for it (few do); it must outlive the call */
	const struct xml_node *(*letter_of)(void *ctx);
	void *letter_ctx;
};
struct policy_decision {
	bool allowed;         /* first match says allow; no match means no */
	const char *rule_id;  /* `-` where no rule matched */
	const char *code;     /* short refusal code: `TTD-01` */
	const char *sentence; /* Indonesian, for the person refused; filled from facts */
	const char *legal_basis;
	/* what the rule says besides yes: attributes of <then>, NULL where absent */
	const char *series, *pattern, *classification;
	const char *via, *out_form; /* route: lmtp|smtp, inside|outside */
	bool seal, dkim, pdf;
	bool confirm, copy;   /* the writer is told; the own registry clerk has the inside form */
	const char *number;   /* intake: now, ask (also where no rule matched), never (also where
	                         refused); else NULL */
	bool present;         /* intake: shown to the head at once */
	const char *capacity; /* sign: substantive, on_behalf ...; else NULL */
	const char *behalf;   /* sign: the position on whose behalf; NULL for one's own authority */
};
/* Decides; strings live in policy or arena. trace NULL, or gets a line per rule tried with each
 * fact compared (policy explain). -1: an XPath failed while running (limits): treat as no, error_r
 * tells. */
int policy_decide(const struct policy *policy, enum policy_kind kind,
    const struct policy_facts *facts, struct arena *arena, struct policy_decision *decision_r,
    struct buf *trace, struct err *error_r);
const char *policy_kind_name(enum policy_kind kind);
bool policy_kind_by_name(const char *name, enum policy_kind *kind_r);

/* Facts for the trail, so that a decision can be repeated years later: name, value, ..., NULL, with
 * the names of <when> and `date`; absent ones are left out. The letter is not among them. */
#define POLICY_FACTS_PAIRS (2 * 21 + 1)
void policy_facts_pairs(const struct policy_facts *facts, const char *pairs[POLICY_FACTS_PAIRS]);
/* Sets the fact of that name, which keeps the pointer; false: there is no such fact. */
bool policy_facts_set(struct policy_facts *facts, const char *name, const char *value);

#endif
