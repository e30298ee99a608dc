/*
 * calendar: urgency and working time (domain.md 3.3). Classes of 24, 48 and 72 hours run on the
 * clock; `biasa` runs on the working calendar: spans of hours on weekdays, less holidays and days
 * of collective leave. Days are the city's (base/clock.h); it knows no summer time, so that a day
 * is always 24 hours.
 */
#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/policy/policy_private.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define DAY_MINUTES (24 * 60)
/* Longest working time counted. */
#define WORK_MS_MAX (400 * DAY_MS)
/* A week with less work than this is a misspelt calendar, and counting in it would not end soon. */
#define WEEK_MINUTES_MIN (8 * 60)
#define HOURS_MAX 9999

/* --- reading ---------------------------------------------------------------------------------- */

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

static bool bears(const struct urgency *u, const char *word, struct arena *arena)
{
	const char *list = u->synonyms, *other;

	if (fold_equal(u->shown.word, word))
		return true;
	while ((other = next_name(&list, arena)) != NULL)
		if (fold_equal(other, word))
			return true;
	return false;
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
			if (bears(&p->urgencies[i], word, p->arena))
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

/* --- asking ----------------------------------------------------------------------------------- */

const struct policy_urgency *policy_urgency(const struct policy *policy, const char *id)
{
	for (size_t i = 0; id != NULL && i < policy->urgency_count; i++)
		if (strcmp(policy->urgencies[i].shown.id, id) == 0)
			return &policy->urgencies[i].shown;
	return NULL;
}

const struct policy_urgency *policy_urgency_by_word(const struct policy *policy, const char *word)
{
	struct arena *arena = arena_new();
	const struct policy_urgency *found = NULL;

	for (size_t i = 0; found == NULL && i < policy->urgency_count; i++)
		if (bears(&policy->urgencies[i], word, arena))
			found = &policy->urgencies[i].shown;
	arena_free(&arena);
	return found;
}

const char *policy_holiday(const struct policy *policy, int64_t ms)
{
	char day[16];

	clock_iso_day(ms, day);
	for (size_t i = 0; i < policy->holiday_count; i++)
		if (strcmp(policy->holidays[i].date, day) == 0)
			return policy->holidays[i].name;
	return NULL;
}

/* Bit of the weekday when it is a day of work, else 0. */
static unsigned work_day(const struct policy *policy, int64_t ms)
{
	return policy_holiday(policy, ms) ? 0 : 1U << clock_city_date(ms).weekday;
}

bool policy_working_day(const struct policy *policy, int64_t ms)
{
	unsigned day = work_day(policy, ms);

	for (size_t i = 0; i < policy->span_count; i++)
		if ((policy->spans[i].days & day) != 0)
			return true;
	return false;
}

/* The moment the city's day of ms began. */
static int64_t midnight(int64_t ms)
{
	struct city_date d = clock_city_date(ms);
	int64_t rest = ms % 1000;

	if (rest < 0)
		rest += 1000;
	return ms - rest - ((int64_t)d.hour * 3600 + d.minute * 60 + d.second) * 1000;
}

static int64_t bounded(int64_t work_ms)
{
	if (work_ms < 0)
		return 0;
	return work_ms > WORK_MS_MAX ? WORK_MS_MAX : work_ms;
}

int64_t policy_due(const struct policy *policy, int64_t from_ms, int64_t work_ms)
{
	int64_t left = bounded(work_ms);

	for (int64_t day = midnight(from_ms);; day += DAY_MS) {
		unsigned bit = work_day(policy, day);

		for (size_t i = 0; i < policy->span_count; i++) {
			int64_t start = day + policy->spans[i].from * MINUTE_MS,
			        end = day + policy->spans[i].to * MINUTE_MS;

			if (start < from_ms)
				start = from_ms;
			if ((policy->spans[i].days & bit) == 0 || end < start)
				continue;
			if (end - start >= left)
				return start + left;
			left -= end - start;
		}
	}
}

int64_t policy_before(const struct policy *policy, int64_t due_ms, int64_t work_ms)
{
	int64_t left = bounded(work_ms);

	for (int64_t day = midnight(due_ms);; day -= DAY_MS) {
		unsigned bit = work_day(policy, day);

		for (size_t i = policy->span_count; i-- > 0;) {
			int64_t start = day + policy->spans[i].from * MINUTE_MS,
			        end = day + policy->spans[i].to * MINUTE_MS;

			if (end > due_ms)
				end = due_ms;
			if ((policy->spans[i].days & bit) == 0 || end < start)
				continue;
			if (end - start >= left)
				return end - left;
			left -= end - start;
		}
	}
}

int64_t policy_due_of(
    const struct policy *policy, const struct policy_urgency *urgency, int64_t from_ms)
{
	return urgency->clock ? from_ms + urgency->handle_ms
	                      : policy_due(policy, from_ms, urgency->handle_ms);
}

int64_t policy_remind_of(
    const struct policy *policy, const struct policy_urgency *urgency, int64_t due_ms)
{
	return urgency->clock ? due_ms - urgency->remind_ms
	                      : policy_before(policy, due_ms, urgency->remind_ms);
}

int64_t policy_escalate_of(
    const struct policy *policy, const struct policy_urgency *urgency, int64_t due_ms)
{
	return urgency->clock ? due_ms + urgency->escalate_ms
	                      : policy_due(policy, due_ms, urgency->escalate_ms);
}
