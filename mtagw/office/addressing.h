/* addressing: whom an address of the city's domain means, and into which mailbox it leads. */
#ifndef OFFICE_ADDRESSING_H
#define OFFICE_ADDRESSING_H

#include "mtagw/base/mem.h"
#include "mtagw/policy/policy.h"

enum addressee_kind {
	ADDRESSEE_OUTSIDE,  /* another domain */
	ADDRESSEE_POSITION, /* kadis.diskominfo@ */
	ADDRESSEE_REGISTRY, /* surat.diskominfo@, with or without +token */
	ADDRESSEE_TYPE,     /* surat-biasa@ */
	ADDRESSEE_PROMPT,   /* ttd+token@ */
	ADDRESSEE_RETURN,   /* kembali+token@ */
	ADDRESSEE_ROLE,     /* postmaster@, abuse@ */
	ADDRESSEE_UNKNOWN   /* our domain, nobody */
};
struct addressee {
	enum addressee_kind kind;
	const char *address; /* as given, domain lower case; ours wholly lower case */
	const char *domain;
	const char *detail;   /* behind '+', NULL */
	const char *position; /* whose mailbox it leads to: position, registry clerk, role's
	                         position; NULL outside */
	const char *agency;   /* of that position; of the registry */
	const char *title; /* how a letter addresses it: position's title, agency head's title for a
	                      registry */
	const char *target; /* type id, prompt verb */
};
/* Resolves one address; strings live in the policy or the arena. Never fails: ADDRESSEE_UNKNOWN
 * tells. */
void addressing_resolve(const struct policy *policy, const char *domain, const char *address,
    struct arena *arena, struct addressee *addressee_r);
/* The local part under which policy has this action: `disposisi` for `dispose`; NULL: it has none.
 */
const char *addressing_action(const struct policy *policy, const char *target);
/* `kadis.diskominfo@dumai.example`: login and mailbox of a position. */
const char *addressing_mailbox(const char *position, const char *domain, struct arena *arena);

#endif
