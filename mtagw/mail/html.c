/*
 * html: untrusted HTML as readable text, by the HTML5 parser gumbo (the only code that includes
 * it). Scripts, styles and heads are left out, nothing is fetched or run. gumbo frees its tree by
 * recursion and searches its stack of open elements for each tag, so the input is bounded, its
 * memory comes from an arena that is dropped as a whole, and the tree is walked without recursion.
 */
#include "mtagw/mail/mime.h"

#include <string.h>
#include <strings.h>

#include <gumbo.h>

#include "mtagw/mail/charset.h"

/* A page of text in mail has under a thousand tags, a newsletter some thousands; the cost is at
 * worst quadratic in them. */
#define HTML_TAGS_MAX 20000
#define HTML_MAX_BYTES (2 * 1024 * 1024)
#define CUT_MARK "\n[...]\n" /* stands where the rest was left out */

struct writer {
	struct buf *out;
	size_t from;       /* where our text begins in out */
	unsigned newlines; /* wanted before the next text */
	bool space;        /* a blank is wanted before the next text */
	unsigned pre;      /* open <pre> */
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

/* Writes what was wanted before text. */
static void settle(struct writer *w)
{
	if (w->out->len > w->from) {
		for (unsigned i = 0; i < w->newlines; i++)
			buf_putc(w->out, '\n');
		if (w->newlines == 0 && w->space)
			buf_putc(w->out, ' ');
	}
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

/* False: do not look inside. */
static bool enter(struct writer *w, const GumboElement *e)
{
	int n = breaks(e->tag);

	if (n < 0)
		return false;
	if (n > 0)
		want_newlines(w, (unsigned)n);
	if (e->tag == GUMBO_TAG_BR) {
		w->newlines++;
		w->space = false;
	} else if (e->tag == GUMBO_TAG_LI) {
		put_text(w, "-");
		w->space = true;
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
	const GumboAttribute *href = gumbo_get_attribute(&e->attributes, "href");
	const char *url = href ? href->value : "", *shown;

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
	if (n > 0)
		want_newlines(w, (unsigned)n);
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

void html_text(struct range html, struct buf *out)
{
	struct arena *arena = arena_new();
	GumboOptions options = kGumboDefaultOptions;
	struct writer w = {.out = out, .from = out->len};
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
