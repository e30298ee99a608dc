/*
 * calendar: urgency and working time (domain.md 3.3). Classes of 24, 48 and 72 hours run on the
 * clock; `biasa` runs on the working calendar: spans of hours on weekdays, less holidays and days
 * of collective leave. Days are the city's (base/clock.h); it knows no summer time, so that a day
 * is always 24 hours.
 */
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/policy/policy_private.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MS (24 * 60 * MINUTE_MS)
/* Longest working time counted. */
#define WORK_MS_MAX (400 * DAY_MS)

bool urgency_bears(const struct urgency *u, const char *word, struct arena *arena)
{
	const char *list = u->synonyms, *other;

	if (fold_equal(u->shown.word, word))
		return true;
	while ((other = next_name(&list, arena)) != NULL)
		if (fold_equal(other, word))
			return true;
	return false;
}

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
		if (urgency_bears(&policy->urgencies[i], word, arena))
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
