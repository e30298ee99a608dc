/*
 * xml_xpath: reads an XPath 1.0 expression for what it asks, so that a condition which can never
 * hold is found when it is written, not years later. XPath itself says nothing about a misspelt
 * name: it matches no node. Reads by recursive descent after libxml2 has accepted the syntax (XPath
 * 1.0 sections 2 and 3); evaluates nothing.
 */
#include "mtagw/base/xml.h"

#include <ctype.h>
#include <string.h>

#include "mtagw/base/xml_private.h"

/* Parentheses, predicates and arguments inside each other: no honest condition comes near. */
#define XPATH_DEPTH_MAX 50

struct reader {
	const char *p; /* rest of the expression */
	struct arena *arena;
	void (*use_cb)(const struct xpath_use *use, void *ctx);
	void *ctx;
	struct err *error_r;
	int depth;
	bool bad; /* error_r is set, everything returns */
};

/* One side of a comparison: a path by its last name, or a constant; both NULL for anything else. */
struct operand {
	const char *name, *constant;
	bool attribute, number;
};

static struct operand read_expr(struct reader *r, int precedence);

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->p))
		r->p++;
}

static bool take(struct reader *r, const char *text)
{
	skip_blanks(r);
	if (strncmp(r->p, text, strlen(text)) != 0)
		return false;
	r->p += strlen(text);
	return true;
}

static struct operand fail(struct reader *r, const char *what, const char *name)
{
	if (!r->bad)
		err_set(r->error_r, "%s%s%s", what, name ? " " : "", name ? name : "");
	r->bad = true;
	return (struct operand){0};
}

static size_t name_length(const char *p)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*p) && *p != '_' && (unsigned char)*p < 128)
		return 0;
	while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '-' || p[n] == '.' ||
	       (unsigned char)p[n] >= 128)
		n++;
	return n;
}

static const char *take_name(struct reader *r)
{
	const char *name;
	size_t n;

	skip_blanks(r);
	n = name_length(r->p);
	if (n == 0)
		return NULL;
	name = arena_strndup(r->arena, r->p, n);
	r->p += n;
	return name;
}

static bool next_is(struct reader *r, char c)
{
	skip_blanks(r);
	return *r->p == c;
}

/* --- functions: the core library of XPath 1.0, section 4 --- */

static int read_arguments(struct reader *r)
{
	int n = 0;

	if (take(r, ")"))
		return 0;
	do {
		(void)read_expr(r, 0);
		n++;
	} while (!r->bad && take(r, ","));
	if (!r->bad && !take(r, ")"))
		(void)fail(r, "a closing parenthesis is missing", NULL);
	return n;
}

static void read_call(struct reader *r, const char *name)
{
	static const struct {
		const char *name;
		int min, max;
	} functions[] = {{"boolean", 1, 1}, {"ceiling", 1, 1}, {"concat", 2, 100},
	    {"contains", 2, 2}, {"count", 1, 1}, {"false", 0, 0}, {"floor", 1, 1}, {"id", 1, 1},
	    {"lang", 1, 1}, {"last", 0, 0}, {"local-name", 0, 1}, {"name", 0, 1},
	    {"namespace-uri", 0, 1}, {"normalize-space", 0, 1}, {"not", 1, 1}, {"number", 0, 1},
	    {"position", 0, 0}, {"round", 1, 1}, {"starts-with", 2, 2}, {"string", 0, 1},
	    {"string-length", 0, 1}, {"substring", 2, 3}, {"substring-after", 2, 2},
	    {"substring-before", 2, 2}, {"sum", 1, 1}, {"translate", 3, 3}, {"true", 0, 0}};
	int n = read_arguments(r);
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strcmp(functions[i].name, name) == 0)
			break;
	if (i == sizeof(functions) / sizeof(functions[0]))
		(void)fail(r, "XPath 1.0 has no function", name);
	else if (n < functions[i].min || n > functions[i].max)
		(void)fail(r, "wrong number of arguments for the function", name);
}

/* --- paths --- */

static void report_step(struct reader *r, const struct operand *step)
{
	struct xpath_use use = {
	    .kind = XPATH_NAME, .name = step->name, .attribute = step->attribute};

	r->use_cb(&use, r->ctx);
}

static bool node_type(const char *name)
{
	return strcmp(name, "text") == 0 || strcmp(name, "node") == 0 ||
	       strcmp(name, "comment") == 0 || strcmp(name, "processing-instruction") == 0;
}

/* One step without its predicates. text() and `.` keep the name before them: its text is theirs. */
static void read_step(struct reader *r, struct operand *path)
{
	const char *name;
	bool attribute;

	if (take(r, "..")) {
		*path = (struct operand){0};
		return;
	}
	if (take(r, "."))
		return;
	attribute = take(r, "@");
	name = take_name(r);
	if (name != NULL && take(r, "::")) {
		attribute = strcmp(name, "attribute") == 0;
		name = take_name(r);
	}
	if (name == NULL) {
		if (!take(r, "*"))
			(void)fail(r, "a name is missing at", r->p);
		*path = (struct operand){0};
	} else if (node_type(name) && next_is(r, '(')) {
		r->p += strcspn(r->p, ")");
		(void)take(r, ")");
		if (strcmp(name, "text") != 0)
			*path = (struct operand){0};
	} else if (next_is(r, ':')) {
		(void)fail(r, "names carry no prefix here, the facts have no namespace:", name);
	} else {
		*path = (struct operand){.name = name, .attribute = attribute};
		report_step(r, path);
	}
}

static void read_predicates(struct reader *r)
{
	while (!r->bad && take(r, "[")) {
		(void)read_expr(r, 0);
		if (!r->bad && !take(r, "]"))
			(void)fail(r, "a closing bracket is missing", NULL);
	}
}

static bool step_follows(struct reader *r)
{
	skip_blanks(r);
	return *r->p == '.' || *r->p == '@' || *r->p == '*' || name_length(r->p) > 0;
}

/* Steps after what the path begins with; begun: at a step, not at a slash. */
static struct operand read_steps(struct reader *r, bool begun)
{
	struct operand path = {0};
	bool step = begun;

	if (!begun) {
		if (!next_is(r, '/'))
			return path;
		if (!take(r, "//"))
			(void)take(r, "/");
		step = step_follows(r); /* `/` alone is the document */
	}
	while (step && !r->bad) {
		read_step(r, &path);
		read_predicates(r);
		step = take(r, "//") || take(r, "/");
	}
	return path;
}

/* --- expressions --- */

static struct operand read_constant(struct reader *r)
{
	struct operand constant = {.number = *r->p != '"' && *r->p != '\''};
	size_t n;

	if (constant.number) {
		n = strspn(r->p, "0123456789.");
		constant.constant = arena_strndup(r->arena, r->p, n);
	} else {
		n = strcspn(r->p + 1, *r->p == '"' ? "\"" : "'");
		constant.constant = arena_strndup(r->arena, r->p + 1, n);
		n += r->p[n + 1] != '\0' ? 2 : 1;
	}
	r->p += n;
	return constant;
}

static bool call_follows(struct reader *r)
{
	size_t n = name_length(r->p);
	const char *after = r->p + n;
	char *name;

	while (isspace((unsigned char)*after))
		after++;
	if (n == 0 || *after != '(')
		return false;
	name = arena_strndup(r->arena, r->p, n);
	return !node_type(name);
}

static struct operand read_primary(struct reader *r)
{
	skip_blanks(r);
	if (*r->p == '"' || *r->p == '\'' || isdigit((unsigned char)*r->p) ||
	    (*r->p == '.' && isdigit((unsigned char)r->p[1])))
		return read_constant(r);
	if (*r->p == '$')
		return fail(r, "there are no variables here:", r->p);
	if (take(r, "(")) {
		(void)read_expr(r, 0);
		if (!r->bad && !take(r, ")"))
			return fail(r, "a closing parenthesis is missing", NULL);
	} else if (call_follows(r)) {
		const char *name = take_name(r);

		(void)take(r, "(");
		read_call(r, name);
	} else {
		return read_steps(r, *r->p != '/');
	}
	read_predicates(r);
	return read_steps(r, false);
}

/* The binary operators of section 3, weakest first; words need a name's end behind them. */
static const struct {
	const char *text;
	int precedence;
} operators[] = {{"or", 1}, {"and", 2}, {"!=", 3}, {"=", 3}, {"<=", 4}, {">=", 4}, {"<", 4},
    {">", 4}, {"+", 5}, {"-", 5}, {"*", 6}, {"div", 6}, {"mod", 6}, {"|", 7}};
#define PRECEDENCE_COMPARE_FIRST 3
#define PRECEDENCE_COMPARE_LAST 4
#define PRECEDENCE_UNARY 6 /* binds more than these, less than | */

static int find_operator(struct reader *r)
{
	skip_blanks(r);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t n = strlen(operators[i].text);

		if (strncmp(r->p, operators[i].text, n) == 0 &&
		    (!isalpha((unsigned char)operators[i].text[0]) || name_length(r->p) == n))
			return (int)i;
	}
	return -1;
}

static const char *mirrored(const char *op)
{
	return op[0] == '<' ? (op[1] ? ">=" : ">") : op[0] == '>' ? (op[1] ? "<=" : "<") : op;
}

static void report_comparison(
    struct reader *r, struct operand left, const char *op, struct operand right)
{
	struct xpath_use use = {.kind = XPATH_COMPARISON, .op = op};

	if (left.name == NULL) {
		struct operand other = left;

		left = right;
		right = other;
		use.op = mirrored(op);
	}
	if (left.name == NULL)
		return;
	use.name = left.name;
	use.attribute = left.attribute;
	use.constant = right.constant;
	use.number = right.number;
	r->use_cb(&use, r->ctx);
}

static struct operand read_expr(struct reader *r, int precedence)
{
	struct operand left;
	int found;

	if (r->depth == XPATH_DEPTH_MAX)
		return fail(r, "nested too deeply", NULL);
	r->depth++;
	if (take(r, "-")) {
		(void)read_expr(r, PRECEDENCE_UNARY);
		left = (struct operand){0};
	} else {
		left = read_primary(r);
	}
	while (!r->bad && (found = find_operator(r)) >= 0 &&
	       operators[found].precedence > precedence) {
		struct operand right;

		r->p += strlen(operators[found].text);
		right = read_expr(r, operators[found].precedence);
		if (!r->bad && operators[found].precedence >= PRECEDENCE_COMPARE_FIRST &&
		    operators[found].precedence <= PRECEDENCE_COMPARE_LAST)
			report_comparison(r, left, operators[found].text, right);
		left = (struct operand){0};
	}
	r->depth--;
	return left;
}

int xpath_read(const char *expression, struct arena *arena,
    void (*use_cb)(const struct xpath_use *use, void *ctx), void *ctx, struct err *error_r)
{
	struct reader r = {
	    .p = expression, .arena = arena, .use_cb = use_cb, .ctx = ctx, .error_r = error_r};

	(void)read_expr(&r, 0);
	skip_blanks(&r);
	if (!r.bad && *r.p != '\0')
		(void)fail(&r, "not understood:", r.p);
	return r.bad ? -1 : 1;
}
