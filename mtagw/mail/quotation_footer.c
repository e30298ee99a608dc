/*
 * quotation_footer: what programs and legal offices put around a person's words: banners of
 * gateways at the top, mail signature, phone footers, disclaimers and virus scanners' praise at the
 * end. The lists hold beginnings of lines; a footer must name a device or program, so that "Dikirim
 * dari kantor pos" stays.
 */
#include "mtagw/mail/quotation_private.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/buf.h"

#define FOOTER_LEN_MAX 160
#define BANNER_LINES_MAX 6

static bool is_phone_footer(const char *line)
{
	static const char *const sent[] = {"Dikirim dari", "Terkirim dari", "Dikirim melalui",
	    "Dikirim menggunakan", "Dikirim dengan", "Dikirim lewat", "Sent from", "Sent via",
	    "Sent with", "Sent using", "Enviado", NULL};
	static const char *const by[] = {"iPhone", "iPad", "iOS", "Android", "Galaxy", "Samsung",
	    "Yahoo", "Outlook", "Gmail", "perangkat", "ponsel", "handphone", "smartphone",
	    "telepon", "seluler", "Xiaomi", "Redmi", "POCO", "OPPO", "vivo", "realme", "Huawei",
	    "Infinix", "Nokia", "ASUS", "BlackBerry", "Windows", "K-9", "Thunderbird", "Proton",
	    "Spark", "BlueMail", "Zoho", "Mailbird", "Mail app", "Apple", "my mobile", "my phone",
	    "tablet", "MacBook", "Workspace", "Telkomsel", "Indosat", NULL};
	static const char *const whole[] = {"Dapatkan Outlook untuk", "Get Outlook for",
	    "Dapatkan BlueMail", "Get BlueMail", "Unduh Outlook",
	    "Yahoo Mail: ", "Mohon maaf jika terlalu singkat", "Mohon maaf apabila terlalu singkat",
	    "Maafkan saya jika terlalu singkat", "Please excuse my brevity",
	    "Harap maklum jika singkat", "Maaf jika ada salah ketik", NULL};
	const char *bare = line_bare(line);

	if (strlen(bare) > FOOTER_LEN_MAX)
		return false;
	return line_starts_any(bare, whole) ||
	       (line_starts_any(bare, sent) && line_has_any(bare, by));
}

/* Beginnings of lines nobody types himself. */
static bool starts_disclaimer(const char *line)
{
	static const char *const list[] = {"DISCLAIMER:", "DISCLAIMER :", "DISCLAIMER -",
	    "PENAFIAN:", "SANGGAHAN:", "CONFIDENTIALITY NOTICE", "PEMBERITAHUAN KERAHASIAAN",
	    "LEGAL NOTICE", "PRIVILEGED AND CONFIDENTIAL", "This e-mail and any",
	    "This email and any", "This e-mail is confidential", "This email is confidential",
	    "This e-mail message", "This email message", "This message and any",
	    "This message is intended", "This message contains confidential",
	    "This email has been checked for virus", "This email was scanned",
	    "The information contained in this", "The information in this e", "Virus-free.",
	    "Bebas virus.", "Tidak ada virus.", "Email ini telah diperiksa dari virus",
	    "Email ini bebas virus", "Email ini beserta", "E-mail ini beserta", "Email ini dan",
	    "E-mail ini dan", "Email ini (termasuk", "E-mail ini (termasuk",
	    "Email ini bersifat rahasia", "E-mail ini bersifat rahasia",
	    "Email ini hanya ditujukan", "E-mail ini hanya ditujukan", "Email ini ditujukan",
	    "Surat elektronik ini", "Surel ini beserta", "Surel ini dan", "Surel ini bersifat",
	    "Pesan ini beserta", "Pesan ini dan lampiran", "Pesan ini bersifat rahasia",
	    "Pesan ini hanya ditujukan", "Informasi dalam email ini",
	    "Informasi yang terdapat dalam e", "Informasi yang terkandung dalam e",
	    "Please consider the environment", "Think before you print", "Save paper",
	    "Pertimbangkan lingkungan", "Mohon pertimbangkan lingkungan", "Hemat kertas",
	    "PENTING: Email ini", "PENTING: Surat elektronik", "PERHATIAN: Email ini",
	    "PERHATIAN: Surat elektronik", "PERHATIAN: E-mail ini", NULL};
	const char *bare = line_bare(line);

	return line_starts_any(bare, list) || strcasecmp(bare, "DISCLAIMER") == 0 ||
	       strcasecmp(bare, "PENAFIAN") == 0;
}

/* Legal forms in the midst of a paragraph; perhaps divided by a line's end. */
static bool holds_disclaimer(const char *line, const char *next, struct arena *arena)
{
	static const char *const list[] = {"if you are not the intended recipient",
	    "jika anda bukan penerima", "apabila anda bukan penerima", "bila anda bukan penerima",
	    "jika saudara bukan penerima", "consider the environment before printing",
	    "sebelum mencetak email ini", "sebelum mencetak e-mail ini",
	    "sebelum mencetak surel ini", "checked for viruses by", "diperiksa dari virus oleh",
	    NULL};

	return line_has_any(line, list) ||
	       (!line_is_blank(next) &&
	           line_has_any(arena_printf(arena, "%s %s", line, next), list));
}

/* The tag of a gateway, `[EXTERNAL]`: behind it, or NULL. */
static const char *behind_tag(const char *line)
{
	static const char *const tags[] = {"EXTERNAL", "EXT", "EKSTERNAL", "LUAR", "SPAM?", NULL};
	const char *p = line + strspn(line, " *"), *end;

	if (*p != '[' || !line_starts_any(p + 1, tags))
		return NULL;
	end = strchr(p, ']');
	return end ? end + 1 + strspn(end + 1, " *:-") : NULL;
}

static bool starts_banner(const char *line)
{
	static const char *const list[] = {"CAUTION:", "CAUTION -", "WARNING: This",
	    "EXTERNAL EMAIL", "EXTERNAL E-MAIL", "EXTERNAL SENDER", "EXTERNAL:", "EMAIL EKSTERNAL",
	    "EKSTERNAL:", "This email originated", "This message originated",
	    "This message was sent from outside", "This email was sent from outside",
	    "You don't often get email from", "Anda tidak sering mendapatkan email dari",
	    "Anda jarang menerima email dari", "Some people who received this message",
	    "Email ini berasal dari luar", "Pesan ini berasal dari luar",
	    "Surel ini berasal dari luar", "PERINGATAN: Email", "PERINGATAN: Pesan",
	    "PERINGATAN: Surel", "PERHATIAN: Email ini berasal", "PERHATIAN: Pesan ini berasal",
	    "HATI-HATI: Email", "HATI-HATI: Pesan", "WASPADA: Email", NULL};

	return line_starts_any(line_bare(line), list);
}

/* What goes on in a banner's next lines. */
static bool goes_on_banner(const char *line)
{
	static const char *const list[] = {"click", "klik", "attachment", "lampiran", "tautan",
	    "links", "sender", "pengirim", "organization", "organisation", "organisasi",
	    "content is safe", "isinya aman", "kontennya aman", "http", NULL};

	return !line_is_blank(line) && line_has_any(line, list);
}

/* Cuts banners at the top; a tag alone is taken from its line. */
static void cut_banners(struct lines *lines)
{
	size_t i = 0;

	for (;;) {
		const char *rest;

		while (
		    i < lines->count && (line_is_blank(lines->at[i]) || line_is_rule(lines->at[i])))
			i++;
		if (i == lines->count)
			break;
		rest = behind_tag(lines->at[i]);
		if (rest != NULL && !line_is_blank(rest) && !goes_on_banner(rest)) {
			lines->at[i] = rest;
			break;
		}
		if (rest == NULL && !starts_banner(lines->at[i]))
			break;
		for (size_t n = 1; ++i < lines->count && n < BANNER_LINES_MAX; n++)
			if (!goes_on_banner(lines->at[i]))
				break;
	}
	lines->at += i;
	lines->count -= i;
}

static bool is_signature_mark(const char *line)
{
	return strcmp(line, "--") == 0 || strcmp(line, "\xe2\x80\x94") == 0;
}

/* Where the disclaimer's paragraph begins that line i belongs to, but never the first line written:
 * no person's words are cut for standing above one. */
static size_t paragraph(const struct lines *lines, size_t i)
{
	while (i > 1 && !line_is_blank(lines->at[i - 1]))
		i--;
	return i;
}

/* The first line that is no more the person's. */
static size_t written_count(const struct lines *lines, struct arena *arena)
{
	for (size_t i = 0; i < lines->count; i++) {
		const char *next = i + 1 < lines->count ? lines->at[i + 1] : "";

		if (is_signature_mark(lines->at[i]) || starts_disclaimer(lines->at[i]))
			return i;
		if (i > 0 && holds_disclaimer(lines->at[i], next, arena))
			return paragraph(lines, i);
	}
	return lines->count;
}

const char *quotation_written(const struct lines *all, struct arena *arena)
{
	struct lines lines = *all;
	struct buf text = {0};
	bool gap = false;
	const char *result;

	cut_banners(&lines);
	lines.count = written_count(&lines, arena);
	while (lines.count > 0 && (line_is_blank(lines.at[lines.count - 1]) ||
	                              line_is_rule(lines.at[lines.count - 1]) ||
	                              is_phone_footer(lines.at[lines.count - 1])))
		lines.count--;
	for (size_t i = 0; i < lines.count; i++) {
		if (is_phone_footer(lines.at[i]))
			continue;
		if (line_is_blank(lines.at[i])) {
			gap = true;
			continue;
		}
		if (text.len > 0)
			buf_puts(&text, gap ? "\n\n" : "\n");
		gap = false;
		buf_puts(&text, lines.at[i] + (text.len > 0 ? 0 : strspn(lines.at[i], " ")));
	}
	result = arena_strndup(arena, buf_str(&text), text.len);
	buf_free(&text);
	return result;
}
