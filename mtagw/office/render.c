/*
 * render: applies the stylesheets of a policy version to letter.xml (DESIGN 2). Templates come from
 * the version that is active, never from files, so that no node prints by another law; a compiled
 * one is kept as long as the renderer. Layout is the stylesheets' affair; only the wrapping of text
 * lines is done here (text_wrap). The PDF of a page is pdf.c's.
 */
#include "mtagw/office/render.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/office/text_wrap.h"

/* Types times forms of a city; a policy that names more templates than this is a defect. */
#define RENDER_SHEETS_MAX 256

static const char *const form_suffix[] = {"text", "html", "page"};

struct sheet {
	char *path;
	struct xslt *xslt;
};

struct render {
	const struct policy *policy;
	struct sheet sheets[RENDER_SHEETS_MAX];
	size_t count;
};

struct render *render_new(const struct policy *policy)
{
	struct render *render = mem_zalloc(sizeof(*render));

	render->policy = policy;
	return render;
}

void render_free(struct render **render)
{
	if (*render == NULL)
		return;
	for (size_t i = 0; i < (*render)->count; i++) {
		free((*render)->sheets[i].path);
		xslt_free(&(*render)->sheets[i].xslt);
	}
	free(*render);
	*render = NULL;
}

/* Imports by bare name among this version's templates. */
static bool load_template(const char *name, void *ctx, struct range *bytes_r)
{
	const struct render *render = ctx;
	char *path = mem_printf("templates/%s", name);
	bool found = policy_file(render->policy, path, bytes_r);

	free(path);
	return found;
}

static struct xslt *find_sheet(
    struct render *render, const char *base, enum render_form form, struct err *error_r)
{
	char *path = mem_printf("templates/%s.%s.xsl", base, form_suffix[form]);
	struct range bytes;
	struct xslt *xslt = NULL;

	for (size_t i = 0; i < render->count; i++)
		if (strcmp(render->sheets[i].path, path) == 0) {
			free(path);
			return render->sheets[i].xslt;
		}
	if (render->count == RENDER_SHEETS_MAX)
		(void)err_set(error_r, "more than %d templates in use", RENDER_SHEETS_MAX);
	else if (!policy_file(render->policy, path, &bytes))
		(void)err_set(error_r,
		    "%s is not in policy version %d: list it in policies/index.xml", path,
		    policy_version(render->policy));
	else
		xslt = xslt_parse(bytes, path, load_template, render, error_r);
	if (xslt == NULL) {
		free(path);
		return NULL;
	}
	render->sheets[render->count++] = (struct sheet){.path = path, .xslt = xslt};
	return xslt;
}

int render_apply(struct render *render, const char *base, enum render_form form, struct xml *letter,
    const char *const *params, struct buf *out, struct err *error_r)
{
	struct xslt *xslt = find_sheet(render, base, form, error_r);
	struct buf raw = {0};
	int rc;

	if (xslt == NULL)
		return -1;
	rc = xslt_apply(xslt, letter, params, form == RENDER_TEXT ? &raw : out, error_r);
	if (rc >= 0 && form == RENDER_TEXT)
		text_wrap(buf_range(&raw), out);
	buf_free(&raw);
	return rc < 0 ? -1 : 1;
}
