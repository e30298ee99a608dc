/* xml: reading, querying, checking, transforming XML (the only libxml2 and libxslt code).
 * No network, no external entities, no entity expansion, size limits: a document is bytes in
 * memory. */
#ifndef BASE_XML_H
#define BASE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"

struct xml;      /* a document */
struct xml_node; /* an element; owned by its document */
struct xslt;     /* a compiled stylesheet */
struct rng;      /* a compiled RELAX NG schema */

/* name stands in errors as `name:line: what`. NULL and error_r on malformed or forbidden (DTD)
 * input. */
struct xml *xml_parse(struct range bytes, const char *name, struct err *error_r);
/* An empty document with this root; ns_uri NULL for none. */
struct xml *xml_new(const char *root, const char *ns_uri);
void xml_free(struct xml **xml);
struct xml_node *xml_root(struct xml *xml);
/* Element navigation: local names, namespaces ignored; name NULL for any. Text and comments are
 * skipped. */
struct xml_node *xml_first(const struct xml_node *parent, const char *name);
struct xml_node *xml_next(const struct xml_node *node, const char *name);
const char *xml_name(const struct xml_node *node);
int xml_line(const struct xml_node *node);
/* NULL where absent; the string lives in the arena. */
const char *xml_attr(const struct xml_node *node, const char *name, struct arena *arena);
/* The i-th attribute's name and value (i from 0); false past the last. */
bool xml_attr_at(const struct xml_node *node, size_t i, const char **name_r, const char **value_r,
    struct arena *arena);
/* Text of the element and below, blanks at both ends cut, runs of blanks kept. */
const char *xml_text(const struct xml_node *node, struct arena *arena);
/* Text that is no blank stands directly in the element (not in one below it). */
bool xml_has_text(const struct xml_node *node);

/* Building. Text is UTF-8; characters that XML cannot hold become U+FFFD. */
struct xml_node *xml_add(struct xml_node *parent, const char *name);
struct xml_node *xml_add_text(struct xml_node *parent, const char *name, const char *text);
void xml_set_attr(
    struct xml_node *node, const char *name, const char *value); /* NULL value: nothing */
__attribute__((format(printf, 3, 4))) void xml_set_attrf(
    struct xml_node *node, const char *name, const char *format, ...);
/* A deep copy of node under parent, taken out of every namespace when strip_ns. */
struct xml_node *xml_copy_into(struct xml_node *parent, const struct xml_node *node, bool strip_ns);

/* UTF-8 with declaration; indented where pretty. */
void xml_write(const struct xml *xml, bool pretty, struct buf *out);
/* C14N 1.0 without comments (what consent is given on, DESIGN 3). -1 only when libxml2 refuses. */
int xml_c14n(const struct xml *xml, struct buf *out, struct err *error_r);

/* XPath 1.0 on the document, context node = the root element, operations limited. */
int xml_xpath_bool(struct xml *xml, const char *expression, bool *value_r, struct err *error_r);
int xml_xpath_string(struct xml *xml, const char *expression, struct arena *arena,
    const char **value_r, struct err *error_r);
/* What an expression asks. Strings live in the arena of the check. */
enum xpath_use_kind { XPATH_NAME, XPATH_COMPARISON };
struct xpath_use {
	enum xpath_use_kind kind;
	const char *name;     /* of a name test; of a comparison: the last name of its path */
	bool attribute;       /* that name is an attribute's */
	const char *op;       /* comparison: = != < <= > >=, read with the path on the left */
	const char *constant; /* what the path is compared with; NULL: no constant */
	bool number;          /* the constant is a number */
};
/* Checks only: -1 and error_r on bad syntax, on a function XPath 1.0 does not have or not with so
 * many arguments, on prefixes and variables (there are none). Calls use_cb for each name test and
 * each comparison with a path. */
int xml_xpath_check(const char *expression, struct arena *arena,
    void (*use_cb)(const struct xpath_use *use, void *ctx), void *ctx, struct err *error_r);

struct rng *rng_parse(struct range bytes, const char *name, struct err *error_r);
/* 1 valid, -1 with `name:line: what` of the first defect. */
int rng_check(struct rng *rng, struct xml *xml, struct err *error_r);
void rng_free(struct rng **rng);

/* name as above. load(name, ctx, &bytes) resolves xsl:import/include/document() by bare name among
 * the policy version's templates (true when found); NULL: none allowed. */
struct xslt *xslt_parse(struct range bytes, const char *name,
    bool (*load)(const char *name, void *ctx, struct range *bytes_r), void *ctx,
    struct err *error_r);
/* Appends the serialised result. params: name, value pairs ended by NULL, passed as strings. Text
 * output keeps LF line ends. */
int xslt_apply(struct xslt *xslt, struct xml *xml, const char *const *params, struct buf *out,
    struct err *error_r);
void xslt_free(struct xslt **xslt);

#endif
