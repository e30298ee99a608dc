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

/* All defects, each `file:line: what and what to do` on a line. */
struct policy_report {
	struct buf text;
	size_t errors, warnings;
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

/* --- rules --- */
enum policy_kind {
	POLICY_SIGN,   /* asked per letter: may this position sign this type for this scope */
	POLICY_ROUTE,  /* per recipient: channel and form: lmtp inside | smtp outside | refuse */
	POLICY_NUMBER, /* per letter: series and pattern, classification default */
	POLICY_SEAL,   /* per letter and form: seal yes/no, dkim yes/no, pdf yes/no */
	POLICY_PLAIN,  /* per actor: may send untyped plain mail outside (PESAN) */
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
	const struct xml_node *letter; /* NULL or root of letter.xml */
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
};
/* Decides; strings live in policy or arena. trace NULL, or gets a line per rule tried with each
 * fact compared (policy explain). -1: an XPath failed while running (limits): treat as no, error_r
 * tells. */
int policy_decide(const struct policy *policy, enum policy_kind kind,
    const struct policy_facts *facts, struct arena *arena, struct policy_decision *decision_r,
    struct buf *trace, struct err *error_r);
const char *policy_kind_name(enum policy_kind kind);

#endif
