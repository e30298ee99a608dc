/*
 * reply_words: finds words of the vocabulary in what a person typed on a phone: case, bold, dots
 * and polite words do not matter, one wrong letter is forgiven in words of five letters or more.
 * Never forgiven: a word that is an ordinary one itself (`Rapat` is no `RALAT`), and one that might
 * be two of ours. Names are not looked at here.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mtagw/office/reply_private.h"

#define FORGIVEN_LEN_MIN 5  /* of our word; a shorter one with a letter wrong is any word */
#define FORGIVEN_LEN_MAX 32 /* bytes; no word of the vocabulary is longer */

/* Ordinary words (Indonesian, some English, names) one letter away from ours. */
static const char *const ordinary[] = {"alat", "anggal", "atas", "bagal", "bahas", "bakal", "bakas",
    "balas", "bantal", "basal", "bata", "batak", "batas", "batasi", "batu", "bawal", "bebas",
    "bekas", "besan", "bolak", "catat", "colak", "denis", "fatal", "galat", "garap", "gatal",
    "hadap", "haram", "harapan", "harta", "headline", "hirap", "jenius", "kembar", "kepala",
    "kesan", "klarifikasi", "kolak", "lampirkan", "mohor", "moron", "natal", "nasal", "olak",
    "parap", "pasal", "pecan", "pekan", "pelan", "peran", "pesat", "pesanan", "pohon", "rabat",
    "rapat", "rakat", "rawat", "salat", "sarap", "seturu", "setujui", "setujunya", "sikat", "silat",
    "sirat", "talak", "tangga", "tanggap", "tanggul", "tangkal", "telak", "tenggak", "tenis",
    "tinggal", "tolok", "tunggal", "watas", "balal", NULL};

static struct reply_word *words_copy(
    const struct policy_word *list, size_t count, struct arena *arena)
{
	struct reply_word *words = arena_alloc(arena, (count + 1) * sizeof(*words));

	for (size_t i = 0; i < count; i++) {
		words[i] = (struct reply_word){list[i].word, list[i].id, REPLY_ARGUMENT_NONE};
		if (strcmp(list[i].argument, "optional") == 0)
			words[i].argument = REPLY_ARGUMENT_OPTIONAL;
		else if (strcmp(list[i].argument, "required") == 0)
			words[i].argument = REPLY_ARGUMENT_REQUIRED;
	}
	return words;
}

void reply_words_of(const struct policy *policy, struct arena *arena, struct reply_words *words)
{
	const struct policy_word *verbs = policy_verbs(policy, &words->verb_count);
	const struct policy_word *labels = policy_labels(policy, &words->label_count);

	words->verbs = words_copy(verbs, words->verb_count, arena);
	words->labels = words_copy(labels, words->label_count, arena);
}

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || ((unsigned char)c >= 0x80 && (unsigned char)c < 0xf0);
}

/* Bytes of text that word takes, runs of blanks alike; 0 when it does not begin so or goes on. */
static size_t exact_len(const char *text, const char *word)
{
	const char *p = text;

	for (; *word != '\0'; word++) {
		if (*word == ' ') {
			if (*p != ' ')
				return 0;
			p += strspn(p, " ");
		} else if (tolower((unsigned char)*p++) != tolower((unsigned char)*word)) {
			return 0;
		}
	}
	return is_letter(*p) ? 0 : (size_t)(p - text);
}

size_t reply_word_len(const char *text, const char *word)
{
	return exact_len(text, word);
}

/* As many words from text as `like` has, blanks made single; the bytes they take, 0 when there are
 * not so many or they are too long. */
static size_t take_words(const char *text, const char *like, char words[FORGIVEN_LEN_MAX + 1])
{
	const char *p = text;
	size_t n = 0;

	for (;;) {
		while (is_letter(*p) || *p == '\'') {
			if (n == FORGIVEN_LEN_MAX)
				return 0;
			words[n++] = *p++;
		}
		like = strchr(like, ' ');
		if (like == NULL)
			break;
		like++;
		if (*p != ' ' || n == FORGIVEN_LEN_MAX)
			return 0;
		words[n++] = ' ';
		p += strspn(p, " ");
	}
	words[n] = '\0';
	return (size_t)(p - text);
}

/* One letter more, less, other, or two neighbours changed places. */
static bool is_near(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), i = 0;

	while (a[i] != '\0' && tolower((unsigned char)a[i]) == tolower((unsigned char)b[i]))
		i++;
	if (la == lb + 1)
		return strcasecmp(a + i + 1, b + i) == 0;
	if (lb == la + 1)
		return strcasecmp(a + i, b + i + 1) == 0;
	if (la != lb || i == la)
		return false;
	if (strcasecmp(a + i + 1, b + i + 1) == 0)
		return true;
	return i + 1 < la && tolower((unsigned char)a[i]) == tolower((unsigned char)b[i + 1]) &&
	       tolower((unsigned char)a[i + 1]) == tolower((unsigned char)b[i]) &&
	       strcasecmp(a + i + 2, b + i + 2) == 0;
}

static bool is_ordinary(const char *word)
{
	for (const char *const *o = ordinary; *o != NULL; o++)
		if (strcasecmp(word, *o) == 0)
			return true;
	return false;
}

static struct reply_hit find_exact(const struct reply_word *list, size_t count, const char *text)
{
	struct reply_hit hit = {0};

	for (size_t i = 0; i < count; i++) {
		size_t len = exact_len(text, list[i].word);

		if (len > hit.len)
			hit = (struct reply_hit){.word = &list[i], .len = len};
	}
	return hit;
}

/* Into hit when word is one letter away from what stands there; false when that is another id's
 * word already, or an ordinary one. */
static bool try_near(struct reply_reader *reader, const struct reply_word *word, const char *text,
    struct reply_hit *hit)
{
	char typed[FORGIVEN_LEN_MAX + 1] = {0};
	size_t len = take_words(text, word->word, typed);

	if (len == 0 || strlen(word->word) < FORGIVEN_LEN_MIN || !is_near(typed, word->word))
		return true;
	if (is_ordinary(typed) || (hit->word != NULL && strcmp(hit->word->id, word->id) != 0))
		return false;
	if (hit->word == NULL)
		*hit = (struct reply_hit){
		    word, len, arena_printf(reader->arena, "%s -> %s", typed, word->word)};
	return true;
}

/* Looks through verbs and labels, so that what might be either is neither. */
static struct reply_hit find_near(struct reply_reader *reader, const char *text)
{
	const struct reply_words *words = reader->words;
	struct reply_hit hit = {0};

	if (find_exact(words->verbs, words->verb_count, text).word != NULL ||
	    find_exact(words->labels, words->label_count, text).word != NULL)
		return hit;
	for (size_t i = 0; i < words->verb_count; i++)
		if (!try_near(reader, &words->verbs[i], text, &hit))
			return (struct reply_hit){0};
	for (size_t i = 0; i < words->label_count; i++)
		if (!try_near(reader, &words->labels[i], text, &hit))
			return (struct reply_hit){0};
	return hit;
}

static struct reply_hit find(struct reply_reader *reader, const struct reply_word *list,
    size_t count, const char *text, bool forgive)
{
	struct reply_hit hit = find_exact(list, count, text);

	if (hit.word == NULL && forgive) {
		hit = find_near(reader, text);
		if (hit.word < list || hit.word >= list + count) /* one of the other list */
			hit = (struct reply_hit){0};
	}
	return hit;
}

struct reply_hit reply_find_verb(struct reply_reader *reader, const char *text, bool forgive)
{
	return find(reader, reader->words->verbs, reader->words->verb_count, text, forgive);
}

struct reply_hit reply_find_label(struct reply_reader *reader, const char *text, bool forgive)
{
	return find(reader, reader->words->labels, reader->words->label_count, text, forgive);
}

void reply_forgave(struct reply_reader *reader, const struct reply_hit *hit)
{
	if (hit->corrected == NULL)
		return;
	reader->corrected = reader->corrected ? arena_printf(reader->arena, "%s; %s",
	                                            reader->corrected, hit->corrected)
	                                      : hit->corrected;
}
