/* xml: reading, querying, checking, transforming XML (the xml*.c files are the only libxml2 and
 * libxslt code). UTF-8 only; no DTD, so no entities; no network, no files: a document is bytes in
 * memory. One thread only. */
#ifndef BASE_XML_H
#define BASE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"

#define XML_BYTES_MAX (16 * 1024 * 1024) /* a letter with the longest text is far below */
#define XPATH_BYTES_MAX 2000             /* a condition that a person can still read */
#define XPATH_OPERATIONS_MAX 200000      /* some milliseconds */
#define XSLT_OPERATIONS_MAX 50000000     /* an agenda book of a year */

struct xml;      /* a document */
struct xml_node; /* an element; owned by its document */
struct xslt;     /* a compiled stylesheet */
struct rng;      /* a compiled RELAX NG schema */
struct xpath;    /* a compiled expression */

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
/* URI, "" for none. */
const char *xml_namespace(const struct xml_node *node);
int xml_line(const struct xml_node *node);
/* NULL where absent; the string lives in the arena. */
const char *xml_attr(const struct xml_node *node, const char *name, struct arena *arena);
/* The i-th attribute's name and value (i from 0); false past the last. */
bool xml_attr_at(const struct xml_node *node, size_t i, const char **name_r, const char **value_r,
    struct arena *arena);
/* Text of the element and below, blanks at both ends cut, runs of blanks kept. */
const char *xml_text(const struct xml_node *node, struct arena *arena);
/* True when text that is not blank stands directly in the element. */
bool xml_own_text(const struct xml_node *node);

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

/* XPath 1.0 on the document, context node = root's document node, operations limited. Slow: the
 * expression is compiled each time. */
int xml_xpath_bool(struct xml *xml, const char *expression, bool *value_r, struct err *error_r);
int xml_xpath_string(struct xml *xml, const char *expression, struct arena *arena,
    const char **value_r, struct err *error_r);

/* A compiled expression. NULL and error_r on bad syntax. */
struct xpath *xpath_parse(const char *expression, struct err *error_r);
void xpath_free(struct xpath **xpath);
/* Its truth with node as context (NULL: the document node). -1 when it cannot be evaluated or takes
 * more than XPATH_OPERATIONS_MAX steps: nothing then is known. */
int xpath_bool(const struct xpath *xpath, struct xml *xml, const struct xml_node *node,
    bool *value_r, struct err *error_r);

/* What xpath_check finds in an expression. Strings live in the arena of the call. */
enum xpath_use_kind { XPATH_ELEMENT, XPATH_ATTRIBUTE, XPATH_COMPARISON };
struct xpath_use {
	enum xpath_use_kind kind;
	const char
	    *name; /* of the name test; of a comparison: the last step's, NULL when unknown */
	const char
	    *parent; /* the element it is a child or attribute of; "" document node; NULL unknown */
	bool attribute;      /* a comparison's path ends in an attribute */
	const char *op;      /* comparison: = != < <= > >= (as read with the path on the left) */
	const char *literal; /* comparison with a constant: its text; NULL with another path */
	bool number;         /* that constant is a number */
};
/* Reads an expression meant for a document without namespaces and variables, its context the
 * element named context: -1 and error_r on bad syntax, unknown functions, wrong argument counts,
 * prefixes and variables. Calls use_cb for each name test, and each comparison with a path. */
int xpath_check(const char *expression, const char *context, struct arena *arena,
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
