/*
 * order_kind: whether words that answer an order are a report, or a command that was not written as
 * one and must be asked for again.
 */
#include "mtagw/router/order.h"

#include <string.h>
#include <strings.h>

/* `OK nanti saya baca`: a word of command and more is neither the command nor a report. */
static bool begins_with_command(struct task *t, const struct reply_reading *reading)
{
	size_t n;
	const struct policy_word *verbs = policy_verbs(t->law->policy, &n);
	const char *line = reading->first_line;

	line += strspn(line, " *_");
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(verbs[i].word);

		if (strncasecmp(line, verbs[i].word, len) == 0 &&
		    strchr(" ,.:;!?*_", line[len]) != NULL) /* or the end */
			return true;
	}
	return false;
}

bool order_is_report_list(struct task *t, const struct reply_reading *reading)
{
	size_t n = strspn(reading->first_line, "0123456789");

	if (reading->shape != REPLY_NUMBERS || n == 0 ||
	    (reading->first_line[n] != '.' && reading->first_line[n] != ')') ||
	    reading->field_count > 0)
		return false;
	for (size_t i = 0; i < reading->pick_count; i++)
		if (reading->picks[i].verb[0] != '\0' || reading->picks[i].label[0] != '\0' ||
		    policy_instruction_by_word(t->law->policy, reading->picks[i].words, NULL) !=
		        NULL)
			return false;
	return true;
}

/* A command or an order written below the quotation: it might be a quoted one, and as a report it
 * would be lost. */
static bool commands_below(struct task *t, const struct reply_reading *reading)
{
	struct reply_words words = answer_words(t->law->policy, t->arena);
	struct reply_reading below;

	if (!reading->below)
		return false;
	reply_read_text(reading->text, &words, t->arena, &below);
	return below.shape != REPLY_WORDS && below.shape != REPLY_EMPTY &&
	       !order_is_report_list(t, &below);
}

bool order_is_command(struct task *t, const struct reply_reading *reading)
{
	return begins_with_command(t, reading) || commands_below(t, reading);
}
