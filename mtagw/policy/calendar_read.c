/*
 * calendar_read: the tables of urgency and of working time, read and checked (domain.md 3.3).
 */
#include <stdio.h>
#include <string.h>

#include "mtagw/policy/policy_private.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MINUTES (24 * 60)
/* A week with less work than this is a misspelt calendar, and counting in it would not end soon. */
#define WEEK_MINUTES_MIN (8 * 60)
#define HOURS_MAX 9999

/* `37:30` or `24` as minutes, -1 for anything else. */
static int duration(const char *text)
{
	int hours = 0, minutes = 0, end = 0, n;

	if (strspn(text, "0123456789:") != strlen(text) || strlen(text) > 7)
		return -1;
	n = sscanf(text, "%4d%n:%2d%n", &hours, &end, &minutes, &end);
	if (n < 1 || text[end] != '\0' || hours > HOURS_MAX || minutes > 59)
		return -1;
	return hours * 60 + minutes;
}

static int need_duration(struct loading *l, const struct xml_node *e, const char *name, int max)
{
	const char *text = load_need(l, e, name);
	int minutes = duration(text);

	if (text[0] != '\0' && (minutes < 0 || minutes > max))
		load_error(
		    l, xml_line(e), "%s=\"%s\": write hours and minutes as 7:30", name, text);
	return minutes < 0 ? 0 : minutes;
}

/* 0 Sunday; -1: no weekday. */
static int weekday(const char *text, size_t len)
{
	static const char names[][4] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

	for (int i = 0; i < 7; i++)
		if (len == 3 && strncmp(text, names[i], 3) == 0)
			return i;
	return -1;
}

/* `mon-thu sat` as bits; 0 on anything else. */
static unsigned weekdays(const char *list)
{
	unsigned days = 0;

	while (*list != '\0') {
		size_t len = strcspn(list, " ");
		int from = weekday(list, len < 3 ? len : 3), to = from;

		if (len == 7 && list[3] == '-')
			to = weekday(list + 4, 3);
		else if (len != 3)
			return 0;
		if (from < 0 || to < from)
			return 0;
		while (from <= to)
			days |= 1U << from++;
		list += len + (list[len] == ' ');
	}
	return days;
}

static void load_work(struct loading *l, const struct xml_node *e)
{
	static const char *const names[] = {"days", "from", "to", NULL};
	struct policy *p = l->policy;
	struct work_span span = {.days = weekdays(load_need(l, e, "days")),
	    .from = need_duration(l, e, "from", DAY_MINUTES),
	    .to = need_duration(l, e, "to", DAY_MINUTES)};
	size_t at;

	load_only(l, e, names);
	if (span.days == 0)
		load_error(l, xml_line(e), "days=: write mon-thu, or fri sat");
	if (span.to <= span.from)
		load_error(l, xml_line(e), "the work ends before it begins");
	for (size_t i = 0; i < p->span_count; i++)
		if ((p->spans[i].days & span.days) != 0 && p->spans[i].from < span.to &&
		    span.from < p->spans[i].to)
			load_error(l, xml_line(e), "these hours lie in those of another <work>");
	p->spans = load_grow(p->arena, p->spans, &p->span_count, &p->span_size, sizeof(span));
	for (at = p->span_count - 1; at > 0 && p->spans[at - 1].from > span.from; at--)
		p->spans[at] = p->spans[at - 1];
	p->spans[at] = span;
}

static void load_holiday(struct loading *l, const struct xml_node *e)
{
	static const char *const names[] = {"date", "name", NULL};
	struct policy *p = l->policy;
	struct holiday h = {load_need(l, e, "date"), load_need(l, e, "name")};

	load_only(l, e, names);
	if (h.date[0] != '\0' && !iso_day(h.date))
		load_error(
		    l, xml_line(e), "date=\"%s\" is no date: write it as 2026-12-25", h.date);
	for (size_t i = 0; i < p->holiday_count; i++)
		if (strcmp(p->holidays[i].date, h.date) == 0)
			load_error(l, xml_line(e), "the holiday %s stands twice", h.date);
	p->holidays =
	    load_grow(p->arena, p->holidays, &p->holiday_count, &p->holiday_size, sizeof(h));
	p->holidays[p->holiday_count - 1] = h;
}

static void load_calendar(struct loading *l, const struct xml_node *root)
{
	static const char *const none[] = {NULL};

	load_only(l, root, none);
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "work") == 0)
			load_work(l, e);
		else if (strcmp(xml_name(e), "holiday") == 0)
			load_holiday(l, e);
		else
			load_error(l, xml_line(e),
			    "unknown element <%s> in <calendar>: work or holiday", xml_name(e));
	}
}

static void load_urgency(struct loading *l, const struct xml_node *e)
{
	static const char *const names[] = {
	    "id", "word", "synonyms", "clock", "hours", "remind", "escalate", NULL};
	const int most = HOURS_MAX * 60;
	struct policy *p = l->policy;
	struct urgency u = {
	    .shown = {.id = load_need_word(l, e, "id", "normal important urgent immediate"),
	        .word = load_need(l, e, "word"),
	        .clock = load_flag(l, e, "clock", false),
	        .handle_ms = need_duration(l, e, "hours", most) * MINUTE_MS,
	        .remind_ms = need_duration(l, e, "remind", most) * MINUTE_MS,
	        .escalate_ms = need_duration(l, e, "escalate", most) * MINUTE_MS},
	    .synonyms = load_may(l, e, "synonyms")};
	const char *list = u.synonyms, *word = u.shown.word;

	load_only(l, e, names);
	if (u.shown.remind_ms > u.shown.handle_ms)
		load_error(l, xml_line(e), "urgency %s: the reminder would come before the letter",
		    u.shown.id);
	for (; word != NULL; word = next_name(&list, p->arena))
		for (size_t i = 0; i < p->urgency_count; i++)
			if (urgency_bears(&p->urgencies[i], word, p->arena))
				load_error(l, xml_line(e), "\"%s\" is the urgency %s already", word,
				    p->urgencies[i].shown.id);
	if (policy_urgency(p, u.shown.id) != NULL)
		load_error(l, xml_line(e), "urgency %s stands twice", u.shown.id);
	p->urgencies =
	    load_grow(p->arena, p->urgencies, &p->urgency_count, &p->urgency_size, sizeof(u));
	p->urgencies[p->urgency_count - 1] = u;
}

void load_urgencies(struct loading *l, const struct xml_node *root)
{
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "urgency") == 0)
			load_urgency(l, e);
		else if (strcmp(xml_name(e), "calendar") == 0)
			load_calendar(l, e);
		else
			load_error(l, xml_line(e),
			    "unknown element <%s> in <urgencies>: urgency or calendar",
			    xml_name(e));
	}
}

void check_calendar(struct loading *l)
{
	static const char *const ids[] = {"normal", "important", "urgent", "immediate"};
	const struct policy *p = l->policy;
	int week = 0;

	l->path = "policies/index.xml";
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (policy_urgency(p, ids[i]) == NULL)
			load_error(
			    l, 1, "no file listed says how long <urgency id=\"%s\"> takes", ids[i]);
	for (size_t i = 0; i < p->span_count; i++)
		for (unsigned day = 0; day < 7; day++)
			if (p->spans[i].days >> day & 1)
				week += p->spans[i].to - p->spans[i].from;
	if (week < WEEK_MINUTES_MIN)
		load_error(l, 1,
		    "the <calendar> has %d minutes of work a week, less than %d: no time would "
		    "ever "
		    "be due",
		    week, WEEK_MINUTES_MIN);
}
