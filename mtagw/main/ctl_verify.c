/*
 * ctl_verify: asks mtagw-verify about a mail in a file, as the router would about one that came in,
 * and prints what it says. Nothing is stored. A file with the line ends of Unix is taken as the
 * mail with those of SMTP.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/crypto/verifier.h"
#include "mtagw/main/ctl.h"

/* The file's bytes with CRLF; 1 or -1. */
static int read_mail(const char *file, int64_t size_max, struct buf *out, struct err *error_r)
{
	FILE *f = fopen(file, "re");
	int c, before = 0;

	if (!f)
		return err_set(error_r, "%s: %s", file, strerror(errno));
	while ((c = getc(f)) != EOF && (int64_t)out->len <= size_max) {
		if (c == '\n' && before != '\r')
			buf_putc(out, '\r');
		buf_putc(out, (char)c);
		before = c;
	}
	(void)fclose(f);
	if ((int64_t)out->len > size_max)
		return err_set(error_r, "%s: larger than message_size_limit", file);
	return 1;
}

static void print_line(const char *what, const char *result, const char *about, const char *reason)
{
	printf("%-9s%-11s%s%s%s%s\n", what, result, about, *reason ? " (" : "", reason,
	    *reason ? ")" : "");
}

static void print_table(const struct verdicts *v, struct arena *arena)
{
	print_line("level", verdicts_level(v), "", "");
	print_line("from", *v->from_domain ? v->from_domain : "-", "", "");
	print_line("spf", v->spf,
	    *v->spf_domain ? arena_printf(arena, "%s%s", v->spf_domain,
	                         v->spf_aligned ? " aligned" : " not aligned")
	                   : "",
	    "");
	print_line("dmarc", v->dmarc,
	    *v->dmarc_policy ? arena_printf(arena, "p=%s", v->dmarc_policy) : "", "");
	for (size_t i = 0; i < v->dkim_count; i++) {
		const struct verdict_dkim *d = &v->dkim[i];

		print_line("dkim", d->result,
		    arena_printf(arena, "%s %s %s %s", *d->domain ? d->domain : "-",
		        *d->selector ? d->selector : "-", *d->algorithm ? d->algorithm : "-",
		        d->aligned ? "aligned" : "not aligned"),
		    d->reason);
	}
	for (size_t i = 0; i < v->signature_count; i++) {
		const struct verdict_signature *s = &v->signatures[i];

		print_line(s->kind, s->result,
		    arena_printf(arena, "%s %s", *s->fingerprint ? s->fingerprint : "-",
		        *s->who ? s->who : "-"),
		    s->reason);
	}
}

int ctl_verify(struct ctl *c)
{
	struct verifier *verifier = verifier_new(c->settings);
	struct verify_request request = {
	    .peer_ip = c->o.peer, .helo = c->o.helo, .sender = c->o.sender};
	struct buf mail = {0}, json = {0};
	struct verdicts verdicts;
	int rc = read_mail(c->args[0], c->settings->message_size_limit, &mail, &c->err);

	if (rc > 0) {
		request.message = buf_range(&mail);
		rc = verifier_ask(verifier, &request, c->arena, &verdicts, &c->err);
	}
	if (rc > 0 && c->o.json) {
		verdicts_json(&verdicts, &json);
		puts(buf_str(&json));
	} else if (rc > 0) {
		print_table(&verdicts, c->arena);
	}
	buf_free(&json);
	buf_free(&mail);
	verifier_free(&verifier);
	return rc > 0 ? 0 : 1;
}
