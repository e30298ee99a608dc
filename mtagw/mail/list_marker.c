/*
 * list_marker: numbers of points as a browser shows them.
 */
#include "mtagw/mail/list_marker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* 28: `ab` */
static void put_letters(char *out, int n, char first)
{
	char reversed[LIST_MARKER_MAX];
	size_t len = 0;

	for (; n > 0; n = (n - 1) / 26)
		reversed[len++] = (char)(first + (n - 1) % 26);
	while (len > 0)
		*out++ = reversed[--len];
	*out = '\0';
}

/* 4: `iv`; n below 4000. */
static void put_roman(char *out, int n, bool upper)
{
	static const struct {
		int value;
		const char *lower, *upper;
	} digits[] = {{1000, "m", "M"}, {900, "cm", "CM"}, {500, "d", "D"}, {400, "cd", "CD"},
	    {100, "c", "C"}, {90, "xc", "XC"}, {50, "l", "L"}, {40, "xl", "XL"}, {10, "x", "X"},
	    {9, "ix", "IX"}, {5, "v", "V"}, {4, "iv", "IV"}, {1, "i", "I"}};

	for (size_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++)
		for (; n >= digits[i].value; n -= digits[i].value)
			for (const char *p = upper ? digits[i].upper : digits[i].lower; *p; p++)
				*out++ = *p;
	*out = '\0';
}

void list_marker(char type, int n, char out[LIST_MARKER_MAX])
{
	char number[LIST_MARKER_MAX - 1];

	if (type == '-' || type == '\0') {
		(void)snprintf(out, LIST_MARKER_MAX, "%s", type == '-' ? "-" : "");
		return;
	}
	if ((type == 'a' || type == 'A') && n > 0)
		put_letters(number, n, type);
	else if ((type == 'i' || type == 'I') && n > 0 && n < 4000)
		put_roman(number, n, type == 'I');
	else
		(void)snprintf(number, sizeof(number), "%d", n);
	(void)snprintf(out, LIST_MARKER_MAX, "%s.", number);
}
