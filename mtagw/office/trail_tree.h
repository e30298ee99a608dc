/* trail_tree: the orders on a letter as a tree of XML elements, with every hop and time (R39); the
 * stylesheets templates/disposition.*.xsl make text and HTML of it. Pure functions. */
#ifndef OFFICE_TRAIL_TREE_H
#define OFFICE_TRAIL_TREE_H

#include "mtagw/base/xml.h"
#include "mtagw/policy/policy.h"
#include "mtagw/store/disposition.h"

struct trail {
	const struct disposition_row *orders; /* parents before children */
	size_t count;
	const struct disposition_report *reports; /* by time */
	size_t report_count;
	int64_t now_ms;
};
/* Something is still expected of it: state sent, passed_on or reported, and an instruction that
 * wants a report. */
bool trail_open(const struct policy *policy, const struct disposition_row *order);
/* It counts: neither declined nor recalled. */
bool trail_stands(const struct disposition_row *order);
/* Whether the children of that order (0: the head's orders) leave nothing open, and at least one
 * was done. */
bool trail_closed_below(const struct trail *trail, const struct policy *policy, int64_t parent);
/* NULL: no such order. */
const struct disposition_row *trail_find(const struct trail *trail, int64_t id);
/* Appends <trail> with nested <order>s under parent. about: the orders a mail speaks of, marked
 * about="yes". */
void trail_tree_xml(const struct trail *trail, const struct policy *policy, const int64_t *about,
    size_t about_count, struct xml_node *parent);
/* name="2026-11-24T08:00:00+07:00" and name_weekday="2" (0 Sunday); nothing where at_ms is 0. */
void trail_time(struct xml_node *node, const char *name, int64_t at_ms);

#endif
