/*
 * dsn: what a client asked of delivery reports (RFC 3461), as it is stored with the message. The
 * engine has looked at each value; here they only get their form.
 */
#include "mtagw/smtpd/smtpd.h"

#include <stdlib.h>

#include <jansson.h>

#include "mtagw/base/log.h"

const char *dsn_request(const struct smtp_tx *tx)
{
	bool any = tx->ret[0] != '\0' || tx->envid[0] != '\0';
	const char *out = "";
	json_t *rcpts, *all;
	char *text;

	for (size_t i = 0; i < tx->rcpt_count; i++)
		any = any || tx->rcpts[i].notify[0] != '\0' || tx->rcpts[i].orcpt[0] != '\0';
	if (!any)
		return "";
	rcpts = json_array();
	for (size_t i = 0; i < tx->rcpt_count; i++)
		(void)json_array_append_new(
		    rcpts, json_pack("{s:s, s:s}", "notify", tx->rcpts[i].notify, "orcpt",
		               tx->rcpts[i].orcpt));
	all = json_pack("{s:s, s:s, s:o}", "ret", tx->ret, "envid", tx->envid, "rcpts", rcpts);
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	if (text == NULL)
		log_fatal("no memory");
	out = arena_strdup(tx->arena, text);
	free(text);
	json_decref(all);
	return out;
}
