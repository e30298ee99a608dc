/*
 * verify_signed: where signatures stand in a message and what of it they cover. A reader sees all
 * parts as one letter, so a signature that leaves one out covers only a piece, whoever made it; and
 * header fields that were signed with the content (RFC 9788 and its forerunner) must be those that
 * the reader sees. No cryptography here.
 */
#include "mtagw/crypto/verify_signed.h"

#include <string.h>
#include <strings.h>

#include "mtagw/mail/header.h"
#include "mtagw/mail/param.h"

struct search {
	const struct mime_part *root;
	struct arena *arena;
	struct signed_part *list;
	size_t count;
};

static const char *content_param(
    const struct mime_part *part, const char *name, struct arena *arena)
{
	const struct header_field *field = header_get(&part->header, "Content-Type", 0);
	const char *value = field ? param_raw(param_parse(field->value, arena), name, arena) : NULL;

	return value ? value : "";
}

static bool is_type(const struct mime_part *part, const char *type, const char *subtype)
{
	return strcmp(part->type, type) == 0 && strcmp(part->subtype, subtype) == 0;
}

static bool is_smime_signature(const struct mime_part *part)
{
	return is_type(part, "application", "pkcs7-signature") ||
	       is_type(part, "application", "x-pkcs7-signature");
}

/* The first protected field that is not the one outside; "" when all agree. */
static const char *header_difference(
    const struct mime_part *outer, const struct mime_part *inner, struct arena *arena)
{
	static const char *const names[] = {
	    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (header_count(&inner->header, names[i]) > 0 &&
		    (header_count(&outer->header, names[i]) != 1 ||
		        header_count(&inner->header, names[i]) != 1 ||
		        strcmp(header_text(&outer->header, names[i], arena),
		            header_text(&inner->header, names[i], arena)) != 0))
			return arena_printf(arena, "%s is not the signed one", names[i]);
	return "";
}

static struct signed_part *add(struct search *search, bool smime, const char *missing)
{
	struct signed_part *found = &search->list[search->count++];

	*found = (struct signed_part){.smime = smime, .defect = "", .missing = missing};
	return found;
}

static void add_detached(struct search *search, const struct mime_part *part, const char *missing)
{
	const char *protocol = content_param(part, "protocol", search->arena);
	bool smime = strcasecmp(protocol, "application/pkcs7-signature") == 0 ||
	             strcasecmp(protocol, "application/x-pkcs7-signature") == 0;
	struct signed_part *found;

	if (!smime && strcasecmp(protocol, "application/pgp-signature") != 0)
		return; /* of a kind that nobody here knows */
	found = add(search, smime, missing);
	if (part->child_count != 2 ||
	    !(smime ? is_smime_signature(&part->children[1])
	            : is_type(&part->children[1], "application", "pgp-signature"))) {
		found->defect = "not a content and its signature";
		return;
	}
	found->detached = true;
	found->content = part->children[0].whole;
	found->signature = &part->children[1];
	if (!*missing)
		found->missing = header_difference(search->root, &part->children[0], search->arena);
}

/* missing: what the parts above already leave out. */
static void find(struct search *search, const struct mime_part *part, const char *missing)
{
	size_t shown = part->child_count;

	if (search->count == VERDICT_SIGNATURES_MAX)
		return;
	if (strcmp(part->type, "multipart") == 0) {
		if (strcmp(part->subtype, "signed") == 0) {
			add_detached(search, part, missing);
			/* its last part is the signature, which is not for reading */
			shown = shown == 2 ? 1 : shown;
		}
		if (shown != 1 && !*missing)
			missing = "other parts are not signed";
		for (size_t i = 0; i < part->child_count; i++)
			find(search, &part->children[i], missing);
	} else if ((is_type(part, "application", "pkcs7-mime") ||
	               is_type(part, "application", "x-pkcs7-mime")) &&
	           strcasecmp(content_param(part, "smime-type", search->arena), "signed-data") ==
	               0) {
		add(search, true, missing)->signature = part;
	}
}

size_t signed_parts_find(
    const struct mime_part *root, struct arena *arena, const struct signed_part **list_r)
{
	struct search search = {.root = root, .arena = arena};

	search.list = arena_alloc(arena, VERDICT_SIGNATURES_MAX * sizeof(*search.list));
	find(&search, root, "");
	*list_r = search.list;
	return search.count;
}
