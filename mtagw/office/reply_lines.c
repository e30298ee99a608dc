/*
 * reply_lines: is a line a verb, or a label and its value? A verb stands alone, with polite words,
 * or with an argument where it takes one. `OK nanti saya baca` is neither and stays words.
 */
#include <ctype.h>
#include <string.h>

#include "mtagw/base/buf.h"
#include "mtagw/office/reply_private.h"

bool reply_is_blank(const char *line)
{
	return line[strspn(line, " \t")] == '\0';
}

const char *reply_trimmed(const char *text, struct arena *arena)
{
	struct range r = range_trim(range_of(text));

	return arena_strndup(arena, r.p, r.len);
}

const char *reply_plain_line(const char *line, struct arena *arena)
{
	static const char wide[] = "\xef\xbc\x9a";
	char *out = arena_alloc(arena, strlen(line) + 2), *end = out; /* a blank may be added */
	const char *p = line + strspn(line, " ");

	if ((*p == '"' || *p == '_') && strlen(p) > 2 && p[strlen(p) - 1] == *p)
		p = arena_strndup(arena, p + 1, strlen(p) - 2);
	while (*p != '\0' && *p != ':' && strncmp(p, wide, strlen(wide)) != 0) {
		if (*p != '*')
			*end++ = *p;
		p++;
	}
	if (*p != '\0') {
		*end++ = ':';
		p += *p == ':' ? 1 : strlen(wide);
		p += strspn(p, " *");
		if (*p != '\0')
			*end++ = ' ';
	}
	while (*p != '\0')
		*end++ = *p++;
	while (end > out && (end[-1] == ' ' || end[-1] == '*'))
		end--;
	*end = '\0';
	return out + strspn(out, " ");
}

const char *reply_behind_colon(const char *text)
{
	text += strspn(text, " ");
	return *text == ':' || *text == ';' ? text + 1 + strspn(text + 1, " ") : NULL;
}

/* One polite word or sign at the beginning: its length, 0. */
static size_t polite_len(const char *text)
{
	static const char *const words[] = {"terima kasih banyak", "terima kasih", "terimakasih",
	    "makasih banyak", "makasih", "matur nuwun", "trima kasih", "trims", "tks", "thx", "tq",
	    "thanks", "thank you", "pak", "bu", "bapak", "ibu", "mas", "mbak", "bang", "ya", "yaa",
	    "siap", "dan"};
	static const char *const signs[] = {"\xf0\x9f\x99\x8f", "\xf0\x9f\x91\x8d",
	    "\xf0\x9f\x8f\xbb", "\xf0\x9f\x8f\xbc", "\xf0\x9f\x8f\xbd", "\xf0\x9f\x8f\xbe",
	    "\xf0\x9f\x8f\xbf"}; /* folded hands, thumb, and their colours */

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = reply_word_len(text, words[i]);

		if (n > 0)
			return n;
	}
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strncmp(text, signs[i], strlen(signs[i])) == 0)
			return strlen(signs[i]);
	return 0;
}

/* Only polite words, full stops, and words of the same verb (`OK, setuju pak.`). */
static bool is_polite(struct reply_reader *reader, const struct reply_word *verb, const char *text)
{
	while (*(text += strspn(text, " .,!")) != '\0') {
		struct reply_hit hit = reply_find_verb(reader, text, false);
		size_t n = polite_len(text);

		if (n == 0 && hit.word != NULL && strcmp(hit.word->id, verb->id) == 0)
			n = hit.len;
		if (n == 0)
			return false;
		text += n;
	}
	return true;
}

/* `TOLAK bukan bidang kami`: the verb shouted and the rest not, or it is a sentence that only
 * begins with such a word. NULL where it is none. */
static const char *shouted_argument(const char *text, size_t verb_len)
{
	const char *rest = text + verb_len;
	bool lower = false;

	for (size_t i = 0; i < verb_len; i++)
		if (islower((unsigned char)text[i]))
			return NULL;
	for (const char *p = rest; *p != '\0'; p++)
		lower = lower || islower((unsigned char)*p);
	if (!lower || rest[strlen(rest) - 1] == '?' || *rest != ' ')
		return NULL;
	return rest + strspn(rest, " -");
}

const struct reply_word *reply_verb_line(
    struct reply_reader *reader, const char *text, const char **argument_r)
{
	struct reply_hit hit = reply_find_verb(reader, text, true);
	const char *rest, *argument;

	*argument_r = "";
	if (hit.word == NULL)
		return NULL;
	rest = text + hit.len;
	argument = reply_behind_colon(rest);
	if (is_polite(reader, hit.word, argument ? argument : rest)) {
		reply_forgave(reader, &hit);
		return hit.word;
	}
	if (hit.word->argument == REPLY_ARGUMENT_NONE)
		return NULL;
	if (argument == NULL && hit.corrected == NULL)
		argument = shouted_argument(text, hit.len);
	if (argument == NULL)
		return NULL;
	*argument_r = reply_trimmed(argument, reader->arena);
	reply_forgave(reader, &hit);
	return hit.word;
}

/* A label that may stand without colon; the others begin ordinary sentences (`Hal ini ...`). */
static bool may_be_bare(const struct reply_word *label)
{
	static const char *const ids[] = {"to", "instruction", "due", "note", "qualifier", "type"};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (strcmp(label->id, ids[i]) == 0)
			return true;
	return false;
}

/* `Kepada Yth. Kepala Dinas,` opens a letter, it orders nothing. */
static bool is_salutation(const char *label, const char *value)
{
	static const char *const words[] = {
	    "yth", "yang", "bapak", "ibu", "seluruh", "semua", "rekan"};
	size_t n = strlen(value);

	if (n > 0 && (value[n - 1] == ',' || value[n - 1] == '.' || value[n - 1] == '?'))
		return true;
	if (strcasestr(label, "yth") != NULL)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (reply_word_len(value, words[i]) > 0)
			return true;
	return false;
}

/* Behind a list's bullet. */
static const char *behind_bullet(const char *line)
{
	static const char dot[] = "\xe2\x80\xa2";

	if (line[0] == '-' && line[1] == ' ')
		line += 2;
	else if (strncmp(line, dot, strlen(dot)) == 0)
		line += strlen(dot);
	return line + strspn(line, " ");
}

const struct reply_word *reply_label_line(
    struct reply_reader *reader, const char *line, bool bare, const char **value_r, bool *colon_r)
{
	const char *text = behind_bullet(reply_plain_line(line, reader->arena)), *value;
	struct reply_hit hit = reply_find_label(reader, text, true);

	if (hit.word == NULL)
		return NULL;
	text += hit.len;
	text += *text == '.'; /* `Kpd.` */
	value = reply_behind_colon(text);
	*colon_r = value != NULL;
	if (value == NULL) {
		value = text + strspn(text, " ");
		if (!bare || hit.corrected != NULL || value == text || *value == '\0' ||
		    !may_be_bare(hit.word))
			return NULL;
		if (strcmp(hit.word->id, "to") == 0 && is_salutation(hit.word->word, value))
			return NULL;
	}
	reply_forgave(reader, &hit);
	*value_r = reply_trimmed(value, reader->arena);
	return hit.word;
}
