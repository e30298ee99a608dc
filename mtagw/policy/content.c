/*
 * content: where elements and text may stand in a policy file at all. Readers look for what they
 * know; anything else would be law to the eye and nothing to the gateway.
 */
#include "mtagw/policy/policy_private.h"

/* Text stands in these alone; no elements in these and in the others of the second list. */
static const char text_elements[] = "sentence say line synonym";
static const char leaf_elements[] =
    "when allow deny sentence say names line synonym position type address switch file template "
    "verb label correspondent case work holiday urgency";

void check_content(struct loading *l, const struct xml_node *node)
{
	const char *name = xml_name(node);

	if (xml_has_text(node) && !list_has(text_elements, name))
		load_error(l, xml_line(node),
		    "there is text in <%s>, where it says nothing: make it an attribute or a "
		    "comment",
		    name);
	for (struct xml_node *e = xml_first(node, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (list_has(leaf_elements, name))
			load_error(l, xml_line(e), "unknown element <%s> in <%s>, which holds none",
			    xml_name(e), name);
		else
			check_content(l, e);
	}
}
