/* list_marker: what stands before a point of a list. Pure functions. */
#ifndef MAIL_LIST_MARKER_H
#define MAIL_LIST_MARKER_H

#define LIST_MARKER_MAX 32 /* `mmmdccclxxxviii.` with room */
#define LIST_NUMBER_MAX 1000000

/* type: `1` `a` `A` `i` `I` as HTML has them (HTML Living Standard 4.4.5), `-` for a bullet, NUL
 * for nothing. n: from -LIST_NUMBER_MAX to LIST_NUMBER_MAX; what no letter or Roman number can say
 * is said in digits, as browsers do. */
void list_marker(char type, int n, char out[LIST_MARKER_MAX]);

#endif
