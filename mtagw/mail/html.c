/*
 * html: untrusted HTML as readable text, by the HTML5 parser gumbo (the only code that includes
 * it). Scripts, styles and heads are left out, nothing is fetched or run. gumbo frees its tree by
 * recursion and searches its stack of open elements for each tag, so the input is bounded, its
 * memory comes from an arena that is dropped as a whole, and the tree is walked without recursion.
 * Points keep the number or letter that a browser shows, with points of points indented (writers
 * say "butir 2.a"). For replies the parts that clients mark as quotation get `> ` before their
 * lines, so that what reads plain text reads both.
 */
#include "mtagw/mail/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gumbo.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/list_marker.h"

/* A page of text in mail has under a thousand tags, a newsletter some thousands; the cost is at
 * worst quadratic in them. */
#define HTML_TAGS_MAX 20000
#define HTML_MAX_BYTES (2 * 1024 * 1024)
#define CUT_MARK "\n[...]\n" /* stands where the rest was left out */

/* Columns a list stands to the right of the one around it, and how many are shown so. */
#define LIST_INDENT 3
#define LIST_INDENTS_MAX 8

struct list {
	struct list *outer;
	char type; /* of list_marker */
	int next, step;
};

struct writer {
	struct arena *arena;
	struct list *list;            /* innermost open one */
	unsigned depth;               /* of it */
	char marker[LIST_MARKER_MAX]; /* of the point that began; "" once written */
	struct buf *out;
	size_t from;       /* where our text begins in out */
	unsigned newlines; /* wanted before the next text */
	bool space;        /* a blank is wanted before the next text */
	unsigned pre;      /* open <pre> */
	bool reply;        /* quotations are marked, signatures and hidden parts left out */
	unsigned quote;    /* open quotations */
	bool quote_rest;   /* all that follows is quotation */
};

static void *gumbo_alloc(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void gumbo_drop(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

static void want_newlines(struct writer *w, unsigned n)
{
	if (w->newlines < n)
		w->newlines = n;
	w->space = false;
}

/* A point's marker stands to the left of its text. */
static void put_indent(struct writer *w)
{
	unsigned n = w->depth - (w->depth > 0 && w->marker[0] != '\0');

	buf_printf(
	    w->out, "%*s", (int)(n < LIST_INDENTS_MAX ? n : LIST_INDENTS_MAX) * LIST_INDENT, "");
}

/* Writes what was wanted before text. */
static void settle(struct writer *w)
{
	bool at_start;

	if (w->out->len > w->from) {
		for (unsigned i = 0; i < w->newlines; i++)
			buf_putc(w->out, '\n');
		if (w->newlines == 0 && w->space)
			buf_putc(w->out, ' ');
	}
	at_start = w->out->len == w->from || w->out->data[w->out->len - 1] == '\n';
	if (at_start && (w->quote > 0 || w->quote_rest))
		buf_puts(w->out, "> ");
	if (at_start)
		put_indent(w);
	if (w->marker[0] != '\0')
		buf_printf(w->out, "%s ", w->marker);
	w->marker[0] = '\0';
	w->newlines = 0;
	w->space = false;
}

static void put_text(struct writer *w, const char *text)
{
	size_t len = strlen(text), n;
	uint32_t code;

	for (size_t i = 0; i < len; i += n) {
		n = charset_utf8_next(text + i, len - i, &code);
		if (n == 0) {
			n = 1;
			continue;
		}
		if (w->pre == 0 &&
		    (code == ' ' || code == '\t' || code == '\n' || code == '\r' || code == 0xa0)) {
			w->space = true;
		} else if (w->pre > 0 && code == '\n') {
			w->newlines++;
		} else if (charset_is_shown(code, false)) {
			settle(w);
			buf_append(w->out, text + i, n);
		}
	}
}

/* Empty lines an element wants before and behind itself; -1: its content is no text for people. */
static int breaks(GumboTag tag)
{
	switch (tag) {
	case GUMBO_TAG_HEAD:
	case GUMBO_TAG_TITLE:
	case GUMBO_TAG_SCRIPT:
	case GUMBO_TAG_STYLE:
	case GUMBO_TAG_NOSCRIPT:
	case GUMBO_TAG_TEMPLATE:
	case GUMBO_TAG_IFRAME:
	case GUMBO_TAG_OBJECT:
	case GUMBO_TAG_TEXTAREA:
	case GUMBO_TAG_SELECT:
	case GUMBO_TAG_SVG:
	case GUMBO_TAG_MATH:
		return -1;
	case GUMBO_TAG_P:
	case GUMBO_TAG_H1:
	case GUMBO_TAG_H2:
	case GUMBO_TAG_H3:
	case GUMBO_TAG_H4:
	case GUMBO_TAG_H5:
	case GUMBO_TAG_H6:
	case GUMBO_TAG_BLOCKQUOTE:
	case GUMBO_TAG_PRE:
	case GUMBO_TAG_UL:
	case GUMBO_TAG_OL:
	case GUMBO_TAG_TABLE:
	case GUMBO_TAG_HR:
		return 2;
	case GUMBO_TAG_DIV:
	case GUMBO_TAG_LI:
	case GUMBO_TAG_TR:
	case GUMBO_TAG_DT:
	case GUMBO_TAG_DD:
	case GUMBO_TAG_SECTION:
	case GUMBO_TAG_ARTICLE:
	case GUMBO_TAG_HEADER:
	case GUMBO_TAG_FOOTER:
	case GUMBO_TAG_ADDRESS:
	case GUMBO_TAG_CENTER:
		return 1;
	default:
		return 0;
	}
}

static const char *attribute(const GumboElement *e, const char *name)
{
	const GumboAttribute *a = gumbo_get_attribute(&e->attributes, name);

	return a ? a->value : "";
}

/* One of words stands in the class or id of e: clients add prefixes when they quote each other
 * (`x_gmail_quote`) and numbers (`yahoo_quoted_4711`). */
static bool is_named(const GumboElement *e, const char *const *words)
{
	const char *class = attribute(e, "class"), *id = attribute(e, "id");

	for (; *words != NULL; words++)
		if (strcasestr(class, *words) != NULL || strcasestr(id, *words) != NULL)
			return true;
	return false;
}

/* The style attribute has this declaration, blanks aside. */
static bool has_style(const GumboElement *e, const char *declaration)
{
	char squeezed[512];
	size_t n = 0;

	for (const char *p = attribute(e, "style"); *p != '\0' && n + 1 < sizeof(squeezed); p++)
		if (strchr(" \t\r\n", *p) == NULL)
			squeezed[n++] = *p;
	squeezed[n] = '\0';
	return strcasestr(squeezed, declaration) != NULL;
}

/* An element that holds a quotation, by the marks clients leave. */
static bool is_quotation(const GumboElement *e)
{
	static const char *const marks[] = {"gmail_quote", "yahoo_quoted", "moz-cite-prefix",
	    "protonmail_quote", "tutanota_quote", "zmail_extra", "reply-intro",
	    "mail-editor-reference-message", "OLK_SRC_BODY_SECTION",
	    "composeWebView_previouse_content", NULL};

	if (is_named(e, marks))
		return true;
	/* Gmail's and Outlook's "indent" is a borderless blockquote of the writer's own words. */
	return e->tag == GUMBO_TAG_BLOCKQUOTE &&
	       (!has_style(e, "border:none") || strcasecmp(attribute(e, "type"), "cite") == 0);
}

/* Where Outlook's quotation begins: it puts the quoted mail behind this element, not into it. */
static bool begins_quotation(const GumboElement *e)
{
	static const char *const marks[] = {"divRplyFwdMsg", "appendonsend", "stopSpelling", NULL};

	return is_named(e, marks) ||
	       (e->tag == GUMBO_TAG_DIV && has_style(e, "border:none;border-top:solid") &&
	           has_style(e, "padding:3.0pt0")) ||
	       (e->tag == GUMBO_TAG_DIV && has_style(e, "padding-top:5px;border-top-color:"));
}

/* What nobody typed into this mail. */
static bool is_left_out(const GumboElement *e)
{
	static const char *const marks[] = {"gmail_signature", "moz-signature", NULL};
	const char *id = attribute(e, "id");

	return is_named(e, marks) || strcasecmp(id, "Signature") == 0 ||
	       strcasecmp(id, "x_Signature") == 0 || has_style(e, "display:none");
}

/* Of the list or of one point; other: neither attribute nor style says one. */
static char list_type(const GumboElement *e, char other)
{
	static const struct {
		const char *style;
		char type;
	} styles[] = {{"decimal", '1'}, {"lower-alpha", 'a'}, {"lower-latin", 'a'},
	    {"upper-alpha", 'A'}, {"upper-latin", 'A'}, {"lower-roman", 'i'}, {"upper-roman", 'I'},
	    {"none", 0}, {"disc", '-'}, {"circle", '-'}, {"square", '-'}};
	const char *type = attribute(e, "type");

	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
		char declaration[40];

		(void)snprintf(
		    declaration, sizeof(declaration), "list-style-type:%s", styles[i].style);
		if (has_style(e, declaration))
			return styles[i].type;
	}
	if (type[0] != '\0' && type[1] == '\0' && strchr("1aAiI", type[0]) != NULL)
		return type[0];
	return other;
}

static int number_of(const GumboElement *e, const char *name, int other)
{
	const char *value = attribute(e, name);
	char *end;
	long n = strtol(value, &end, 10);

	return end == value || n < -LIST_NUMBER_MAX || n > LIST_NUMBER_MAX ? other : (int)n;
}

static void open_list(struct writer *w, const GumboElement *e)
{
	struct list *list = arena_alloc(w->arena, sizeof(*list));
	bool reversed = gumbo_get_attribute(&e->attributes, "reversed") != NULL;
	int points = 0;

	for (unsigned i = 0; reversed && i < e->children.length; i++) {
		const GumboNode *child = e->children.data[i];

		points += child->type == GUMBO_NODE_ELEMENT && child->v.element.tag == GUMBO_TAG_LI;
	}
	*list = (struct list){.outer = w->list,
	    .type = list_type(e, e->tag == GUMBO_TAG_OL ? '1' : '-'),
	    .next = number_of(e, "start", reversed ? points : 1),
	    .step = reversed ? -1 : 1};
	w->list = list;
	w->depth++;
}

/* The marker is written with the point's first text. */
static void begin_point(struct writer *w, const GumboElement *e)
{
	char type = list_type(e, w->list ? w->list->type : '-');
	int n = number_of(e, "value", w->list ? w->list->next : 1);

	if (w->list != NULL)
		w->list->next = n + w->list->step;
	list_marker(type, n, w->marker);
}

/* A point without text of its own keeps its number. */
static void end_marker(struct writer *w)
{
	if (w->marker[0] == '\0')
		return;
	settle(w);
	w->out->data[--w->out->len] = '\0'; /* the blank before a text that does not come */
}

static bool is_list(const GumboElement *e)
{
	return e->tag == GUMBO_TAG_OL || e->tag == GUMBO_TAG_UL;
}

/* False: do not look inside. */
static bool enter(struct writer *w, const GumboElement *e)
{
	int n = breaks(e->tag);

	if (n < 0 || (w->reply && is_left_out(e)))
		return false;
	if (w->reply && begins_quotation(e)) {
		want_newlines(w, 1);
		w->quote_rest = true;
	} else if (w->reply && is_quotation(e)) {
		want_newlines(w, 1);
		w->quote++;
	}
	if (e->tag == GUMBO_TAG_BR || e->tag == GUMBO_TAG_LI || is_list(e))
		end_marker(w);
	if (n > 0)
		want_newlines(w, is_list(e) && w->list != NULL ? 1 : (unsigned)n);
	if (is_list(e))
		open_list(w, e);
	if (e->tag == GUMBO_TAG_BR) {
		w->newlines++;
		w->space = false;
	} else if (e->tag == GUMBO_TAG_LI) {
		begin_point(w, e);
	} else if (e->tag == GUMBO_TAG_TD || e->tag == GUMBO_TAG_TH) {
		w->space = true;
	} else if (e->tag == GUMBO_TAG_PRE) {
		w->pre++;
	}
	return true;
}

/* The address behind a link, unless the link's text says it already. */
static void put_link(struct writer *w, const GumboElement *e)
{
	const char *url = attribute(e, "href"), *shown;

	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0 &&
	    strncasecmp(url, "mailto:", 7) != 0)
		return;
	shown = strncasecmp(url, "mailto:", 7) == 0 ? url + 7 : url;
	if (w->out->len - w->from >= strlen(shown) &&
	    strcmp(w->out->data + w->out->len - strlen(shown), shown) == 0)
		return;
	w->space = true;
	put_text(w, "<");
	put_text(w, shown);
	put_text(w, ">");
}

static void leave(struct writer *w, const GumboElement *e)
{
	int n = breaks(e->tag);

	if (e->tag == GUMBO_TAG_A)
		put_link(w, e);
	if (e->tag == GUMBO_TAG_PRE)
		w->pre--;
	if (e->tag == GUMBO_TAG_LI)
		end_marker(w);
	if (is_list(e) && w->list != NULL) {
		w->list = w->list->outer;
		w->depth--;
	}
	if (n > 0)
		want_newlines(w, is_list(e) && w->list != NULL ? 1 : (unsigned)n);
	if (w->reply && !begins_quotation(e) && is_quotation(e)) {
		want_newlines(w, 1);
		w->quote--;
	}
}

static const GumboVector *children_of(const GumboNode *node)
{
	static const GumboVector none;

	if (node->type == GUMBO_NODE_ELEMENT)
		return &node->v.element.children;
	return node->type == GUMBO_NODE_DOCUMENT ? &node->v.document.children : &none;
}

/* The next node in document order without stepping into node; leaves the elements it comes out of.
 */
static const GumboNode *behind(struct writer *w, const GumboNode *node, const GumboNode *root)
{
	while (node != root) {
		const GumboVector *siblings = children_of(node->parent);

		if (node->index_within_parent + 1 < siblings->length)
			return siblings->data[node->index_within_parent + 1];
		node = node->parent;
		if (node->type == GUMBO_NODE_ELEMENT)
			leave(w, &node->v.element);
	}
	return NULL;
}

static void walk(struct writer *w, const GumboNode *root)
{
	const GumboNode *node = root;

	while (node != NULL) {
		bool inside = node->type == GUMBO_NODE_DOCUMENT;

		if (node->type == GUMBO_NODE_ELEMENT)
			inside = enter(w, &node->v.element);
		else if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
		         node->type == GUMBO_NODE_CDATA)
			put_text(w, node->v.text.text);
		if (inside && children_of(node)->length > 0) {
			node = children_of(node)->data[0];
			continue;
		}
		if (inside && node->type == GUMBO_NODE_ELEMENT)
			leave(w, &node->v.element);
		node = behind(w, node, root);
	}
}

/* How much of it is parsed. */
static size_t bounded_len(struct range html)
{
	size_t max = html.len < HTML_MAX_BYTES ? html.len : HTML_MAX_BYTES, tags = 0;
	const char *p = html.p, *end = html.p + max;

	while (p < end && (p = memchr(p, '<', (size_t)(end - p))) != NULL) {
		if (++tags > HTML_TAGS_MAX)
			return (size_t)(p - html.p);
		p++;
	}
	return max;
}

static void convert(struct range html, bool reply, struct buf *out)
{
	struct arena *arena = arena_new();
	GumboOptions options = kGumboDefaultOptions;
	struct writer w = {.arena = arena, .out = out, .from = out->len, .reply = reply};
	size_t len = bounded_len(html);
	const GumboOutput *tree;

	options.allocator = gumbo_alloc;
	options.deallocator = gumbo_drop;
	options.userdata = arena;
	options.max_errors = 0;
	tree = gumbo_parse_with_options(&options, html.p ? html.p : "", len);
	walk(&w, tree->document);
	if (out->len > w.from)
		buf_putc(out, '\n');
	if (len < html.len)
		buf_puts(out, CUT_MARK);
	arena_free(&arena);
}

void html_text(struct range html, struct buf *out)
{
	convert(html, false, out);
}

void html_reply_text(struct range html, struct buf *out)
{
	convert(html, true, out);
}
