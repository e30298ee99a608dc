/*
 * ctl_policy: check and activate: the law as files becomes the law in force, whole or not at all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/main/ctl.h"
#include "mtagw/store/policy_store.h"

/* The law of the directories of the settings, or of the first argument. cases_r NULL, or the cases
 * are asked too and counted. */
static struct policy *load_files(
    struct ctl *c, struct policy_file **files_r, size_t *count_r, size_t *cases_r)
{
	const char *dir = c->args[0][0] ? c->args[0] : c->settings->policies_dir;
	const char *templates = c->args[0][0] ? arena_printf(c->arena, "%s/../templates", dir)
	                                      : c->settings->templates_dir;
	struct policy_report report = {.policies_dir = dir, .templates_dir = templates};
	struct policy *policy = NULL;

	if (policy_read_dir(dir, templates, c->arena, files_r, count_r, &c->err) < 0)
		return NULL;
	policy = policy_load(*files_r, *count_r, 0, &report);
	if (policy != NULL && cases_r != NULL && policy_test(policy, &report, cases_r) != 1)
		policy_free(&policy);
	(void)fputs(buf_str(&report.text), stderr);
	if (policy == NULL)
		(void)err_set(&c->err, "%zu errors: the policy is not good", report.errors);
	buf_free(&report.text);
	return policy;
}

int ctl_policy_check(struct ctl *c)
{
	struct policy_file *files;
	size_t count;
	struct policy *policy = load_files(c, &files, &count, NULL);

	if (policy == NULL)
		return 1;
	policy_free(&policy);
	printf(c->o.json ? "{\"files\": %zu, \"errors\": 0}\n" : "%zu files, no errors\n", count);
	return 0;
}

int ctl_policy_test(struct ctl *c)
{
	struct policy_file *files;
	size_t count, cases;
	struct policy *policy = load_files(c, &files, &count, &cases);

	if (policy == NULL)
		return 1;
	policy_free(&policy);
	printf(
	    c->o.json ? "{\"cases\": %zu, \"failed\": 0}\n" : "%zu cases, all as wanted\n", cases);
	return 0;
}

struct structure {
	struct ctl *c;
	struct policy_store_agency *agencies;
	struct policy_store_position *positions;
	struct policy_store_address *addresses;
	size_t agency_count, position_count, address_count;
};

static void count_agency(const struct policy_agency *a, void *ctx)
{
	(void)a;
	((struct structure *)ctx)->agency_count++;
}

static void count_position(const struct policy_position *p, void *ctx)
{
	(void)p;
	((struct structure *)ctx)->position_count++;
}

static void count_address(const struct policy_address *a, void *ctx)
{
	(void)a;
	((struct structure *)ctx)->address_count++;
}

static void add_agency(const struct policy_agency *a, void *ctx)
{
	struct structure *s = ctx;

	s->agencies[s->agency_count++] =
	    (struct policy_store_agency){a->code, a->name, a->registry_local, a->head, a->registry};
	s->addresses[s->address_count++] =
	    (struct policy_store_address){a->registry_local, "registry", a->code, true, true};
}

static void add_position(const struct policy_position *p, void *ctx)
{
	struct structure *s = ctx;

	s->positions[s->position_count++] =
	    (struct policy_store_position){p->id, p->agency, p->title, p->echelon, p->superior};
	s->addresses[s->address_count++] =
	    (struct policy_store_address){p->id, "position", p->id, false, true};
}

static void add_address(const struct policy_address *a, void *ctx)
{
	struct structure *s = ctx;

	s->addresses[s->address_count++] =
	    (struct policy_store_address){a->local, a->kind, a->target, a->detail, a->outside};
}

int ctl_policy_activate(struct ctl *c)
{
	struct structure s = {.c = c};
	struct policy_store_version version = {.actor = c->actor, .at_ms = clock_now_ms()};
	struct policy_file *files;
	struct policy *policy;
	size_t cases;
	bool changed;
	int number, rc;

	policy = load_files(c, &files, &version.file_count, &cases);
	if (policy == NULL)
		return 1;
	policy_each_agency(policy, count_agency, &s);
	policy_each_position(policy, count_position, &s);
	policy_each_address(policy, count_address, &s);
	s.agencies = arena_alloc(c->arena, (s.agency_count + 1) * sizeof(*s.agencies));
	s.positions = arena_alloc(c->arena, (s.position_count + 1) * sizeof(*s.positions));
	s.addresses = arena_alloc(c->arena,
	    (s.address_count + s.agency_count + s.position_count + 1) * sizeof(*s.addresses));
	s.agency_count = s.position_count = s.address_count = 0;
	policy_each_agency(policy, add_agency, &s);
	policy_each_position(policy, add_position, &s);
	policy_each_address(policy, add_address, &s);
	version.files = files;
	version.agencies = s.agencies;
	version.agency_count = s.agency_count;
	version.positions = s.positions;
	version.position_count = s.position_count;
	version.addresses = s.addresses;
	version.address_count = s.address_count;
	rc = policy_store_activate(c->db, &c->ids, &version, &number, &changed, &c->err);
	policy_free(&policy);
	if (rc < 0)
		return 1;
	printf(
	    c->o.json ? "{\"version\": %d, \"changed\": %s}\n" : "policy version %d is active%s\n",
	    number, c->o.json ? (changed ? "true" : "false") : (changed ? "" : " (it was before)"));
	return 0;
}
