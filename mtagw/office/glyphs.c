/*
 * glyphs: what the fonts of this machine can show, by fontconfig (the only code that includes it).
 * The PDF helper takes a character from any font that has it, so the union of all is what counts:
 * outlines of TrueType and CFF, for Pango reads no others; no fonts of a home folder, for the
 * helper has none.
 */
#include "mtagw/office/glyphs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fontconfig/fontconfig.h>

#include "mtagw/mail/charset.h"

#define GLYPHS_NAMED_MAX 10 /* a writer finds the rest beside them */

struct glyphs {
	FcCharSet *have;
};

static bool is_read_by_pango(FcPattern *font)
{
	FcChar8 *format = NULL;

	return FcPatternGetString(font, FC_FONTFORMAT, 0, &format) == FcResultMatch &&
	       (strcmp((const char *)format, "TrueType") == 0 ||
	           strcmp((const char *)format, "CFF") == 0);
}

static void take_fonts(struct glyphs *glyphs, const FcFontSet *fonts)
{
	for (int i = 0; fonts != NULL && i < fonts->nfont; i++) {
		FcCharSet *set;

		if (is_read_by_pango(fonts->fonts[i]) &&
		    FcPatternGetCharSet(fonts->fonts[i], FC_CHARSET, 0, &set) == FcResultMatch)
			(void)FcCharSetMerge(glyphs->have, set, NULL);
	}
}

struct glyphs *glyphs_new(void)
{
	struct glyphs *glyphs = mem_zalloc(sizeof(*glyphs));
	FcConfig *config;

	(void)FcConfigEnableHome(FcFalse);
	glyphs->have = FcCharSetCreate();
	config = FcInitLoadConfigAndFonts();
	if (config != NULL) {
		take_fonts(glyphs, FcConfigGetFonts(config, FcSetSystem));
		FcConfigDestroy(config);
	}
	if (FcCharSetCount(glyphs->have) == 0)
		glyphs_free(&glyphs);
	return glyphs;
}

void glyphs_free(struct glyphs **glyphs)
{
	if (*glyphs == NULL)
		return;
	FcCharSetDestroy((*glyphs)->have);
	free(*glyphs);
	*glyphs = NULL;
}

/* Blank or without any look of its own: blanks, joiners, variation selectors, soft hyphen (Unicode,
 * Default_Ignorable_Code_Point and White_Space). */
static bool has_no_look(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x20}, {0x7f, 0xa0}, {0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c},
	    {0x115f, 0x1160}, {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
	    {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},
	    {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
	    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static bool has_glyph(const struct glyphs *glyphs, uint32_t code)
{
	/* a hyphen that does not break looks like one that does, and is drawn as that */
	return has_no_look(code) || FcCharSetHasChar(glyphs->have, code) ||
	       (code == 0x2011 && FcCharSetHasChar(glyphs->have, 0x2010));
}

const char *glyphs_missing(const struct glyphs *glyphs, struct range text, struct arena *arena)
{
	FcCharSet *named = FcCharSetCreate();
	struct buf out = {0};
	const char *list = NULL;
	uint32_t code;
	int count = 0;

	for (size_t i = 0, n; i < text.len && count <= GLYPHS_NAMED_MAX; i += n ? n : 1) {
		n = charset_utf8_next(text.p + i, text.len - i, &code);
		if (n == 0 || has_glyph(glyphs, code) || FcCharSetHasChar(named, code))
			continue;
		(void)FcCharSetAddChar(named, code);
		buf_puts(&out, count ? ", " : "");
		if (count++ < GLYPHS_NAMED_MAX)
			buf_printf(&out, "%.*s (U+%04X)", (int)n, text.p + i, (unsigned)code);
		else
			buf_puts(&out, "\xe2\x80\xa6");
	}
	FcCharSetDestroy(named);
	if (count > 0)
		list = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return list;
}
