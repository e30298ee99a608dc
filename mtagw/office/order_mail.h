/* order_mail: the mails about orders: the order itself, its confirmation, reports, refusals,
 * reminders, the tree. Content is one XML document, layout templates/disposition.text.xsl and
 * disposition.html.xsl. */
#ifndef OFFICE_ORDER_MAIL_H
#define OFFICE_ORDER_MAIL_H

#include "mtagw/mail/pieces.h"
#include "mtagw/office/letter.h"
#include "mtagw/office/render.h"
#include "mtagw/office/trail_tree.h"
#include "mtagw/store/incoming.h"

struct order_mail {
	const struct policy *policy;
	const char *kind; /* order, given, report, done, declined, noted, recalled, recalled_given,
	                     letter_done, reminder, escalation, trace */
	const struct incoming_row *letter;
	const char *verdict; /* what is proven of its sender, one line; "" */
	const struct trail *trail;
	const int64_t *about; /* the orders it speaks of */
	size_t about_count;
	const char *reader;    /* position: its subordinates are numbered where kind is order */
	const char *by;        /* position that did what is told, NULL */
	const char *text;      /* of a report, reason; NULL */
	const char *corrected; /* `KEMBLI -> KEMBALI`, NULL */
	bool closed_below;     /* nothing of the reader's own orders is open any more */
	bool letter_done;      /* and with that the letter is done */
	const char *registry;  /* address of the agency, for the sender line */
	/* header */
	const char *subject, *from, *from_name, *to, *to_name, *reply_to, *message_id, *in_reply_to;
	const char *references; /* Message-IDs with blanks between, NULL */
	int64_t date_ms;
	bool automatic_reply; /* Auto-Submitted: auto-replied; else auto-generated */
	/* what travels with it */
	struct range original; /* of the letter, as message/rfc822; len 0: none */
	int64_t original_body;
	const struct mime_part *const *enclosures; /* of a report; files: what they are called */
	const struct letter_enclosure *files;
	size_t enclosure_count;
	struct range source; /* the mail they are of, and its stored body */
	int64_t source_body;
};
/* The document of the stylesheets; the caller frees it. For mails and for mtagwctl. */
struct xml *order_mail_xml(const struct order_mail *mail);
/* Appends the whole message. 1, or -1 where a stylesheet fails (error_r). */
int order_mail_compose(const struct order_mail *mail, struct render *render, struct arena *arena,
    struct pieces *out, struct err *error_r);

#endif
