/* render: what a letter looks like: stylesheets of the policy version applied to letter.xml, and
 * the PDF helper. */
#ifndef OFFICE_RENDER_H
#define OFFICE_RENDER_H

#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/base/xml.h"
#include "mtagw/policy/policy.h"

enum render_form {
	RENDER_TEXT, /* templates/<base>.text.xsl: UTF-8, LF, lines <= 76 */
	RENDER_HTML, /* .html.xsl: inside the house */
	RENDER_PAGE  /* .page.xsl: printable HTML for the PDF */
};
/* Compiled stylesheets are kept with the renderer, one per policy version. */
struct render;
struct render *render_new(const struct policy *policy);
void render_free(struct render **render);
/* base: template_base of the type, or a notice's name. params as xslt_apply's. */
int render_apply(struct render *render, const char *base, enum render_form form, struct xml *letter,
    const char *const *params, struct buf *out, struct err *error_r);

/* The PDF helper: one kept-running mtagw-pdf process (WeasyPrint) of mtagw-pdfd's, one job at a
 * time, killed at the deadline, restarted every 250 jobs, low priority, no network. Blocking. */
struct pdf;
/* runtime_dir: where mtagw-pdfd's socket is. Nothing is asked of it before the first job. */
struct pdf *pdf_new(const char *runtime_dir);
void pdf_free(struct pdf **pdf);
/* Shortens the deadline of a job (20 s, for a helper that the machine gives a core); for tests. */
void pdf_set_deadline_ms(struct pdf *pdf, int64_t deadline_ms);
/* Called about each second while a helper is waited for, outside of any transaction. */
void pdf_set_beat(struct pdf *pdf, void (*beat)(void *ctx), void *ctx);
/* page: HTML of RENDER_PAGE; attachment: letter.xml to embed (PDF/A-3 where the helper can). 1, 0
 * helper gone or deadline over (wait, try again), -1 it refused this page. */
int pdf_make(struct pdf *pdf, struct range page, const char *attachment_name,
    struct range attachment, struct buf *out, struct err *error_r);

#endif
