/* letter: the one representation of a letter in memory (DESIGN 2); letter_xml.h writes it as
 * letter.xml. */
#ifndef OFFICE_LETTER_H
#define OFFICE_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/codec.h"

enum letter_scope { SCOPE_INTERNAL, SCOPE_INTER_AGENCY, SCOPE_OUTSIDE };
extern const char *const letter_scope_names[]; /* internal, inter_agency, outside */

struct letter_recipient {
	bool copy; /* tembusan */
	bool inside;
	const char *name;     /* as addressed: position title or display name */
	const char *address;  /* a@b */
	const char *position; /* inside: position id, else NULL */
	const char *agency;   /* inside: agency code, else NULL */
	const char *place;    /* `di -` line: `Dumai`, `Tempat`; never NULL */
};
struct letter_enclosure {
	const char *filename, *media_type;
	uint64_t size; /* decoded bytes */
	char sha256[SHA256_HEX_SIZE];
};
/* All strings UTF-8, in the arena of the letter's work. */
struct letter {
	int64_t id;
	const char *type; /* ordinary_letter */
	enum letter_scope scope;
	const char *direction; /* incoming; NULL: outgoing */
	const char *state;     /* draft ... */
	/* allocated by numbering; NULL before */
	const char *number, *date; /* `000/12/DISKOMINFO/2026`, `2026-11-24` */
	const char *classification_code, *security_class, *urgency; /* identifiers: open, normal */
	const char *subject, *summary;
	/* from */
	const char *position, *position_title, *position_block;
	const char *agency, *agency_name;
	int64_t incumbency;
	const char *login;
	/* substantive, on_behalf (a.n.), sub_delegated (u.b.), acting_vacant (Plt.), acting_absent
	 * (Plh.), caretaker (Pj.), temp_caretaker (Pjs.); position_block is then: own post, own
	 * post, own post, the post acted for (four times) */
	const char *capacity;
	const char *delegator_block; /* on_behalf, sub_delegated: `WALI KOTA DUMAI`; else NULL */
	const char
	    *via_block; /* sub_delegated: the official between, `SEKRETARIS DAERAH`; else NULL */
	const char *own_post_block;  /* acting: own post, an optional line; NULL */
	const char *holder_capacity; /* on_behalf, sub_delegated: by which right the holder himself
	                                stands there (acting_absent ...); NULL: substantive */
	const char *holder, *rank_title, *pay_grade, *nip; /* person; "" where unknown */
	bool print_rank; /* rank and NIP lines in the block (domain.md 2.1) */
	const char *letterhead_kind, *letterhead_lines[4], *place;
	const char *registry_address; /* surat.diskominfo@dumai.example */
	const char *reply_to;         /* with token; NULL before */
	const struct letter_recipient *recipients;
	size_t recipient_count;
	const char *body_text; /* what the writer wrote, LF, paragraphs by empty lines */
	const char *body_xml;  /* what body_xml_write makes of it; NULL: not made yet */
	const struct letter_enclosure *enclosures;
	size_t enclosure_count;
	const char *message_id; /* <...> of all forms */
};

#endif
