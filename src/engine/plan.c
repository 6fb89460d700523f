/* SPDX-License-Identifier: Apache-2.0 */
/* User and session names read `<display>-<role>-<random>`. The clouds' sets of characters differ
 * (a user may hold '.' and '_', a policy may not), so all names keep to letters, digits and '-'.
 * When something must be cut, enough of the role stays to recognise it; the random part always
 * stays whole, so that no name is ever used twice. */
#include "engine/plan.h"

#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

#define PART_MAX     64
#define SESSION_KIND "sts"

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_alnum(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static void cut(char *part, size_t max)
{
	size_t size = strlen(part);

	if (size > max)
		size = max;
	while (size > 0 && part[size - 1] == '-')
		size--;
	part[size] = '\0';
}

/* Whatever stands between letters and digits becomes one '-'; none at either end. */
static void sanitise(const char *text, char part[PART_MAX + 1])
{
	size_t size = 0;

	for (; *text && size < PART_MAX; text++) {
		if (is_alnum(*text))
			part[size++] = *text;
		else if (size > 0 && part[size - 1] != '-')
			part[size++] = '-';
	}
	part[size] = '\0';
	cut(part, PART_MAX);
}

static void lower(char *part)
{
	for (; *part; part++)
		*part = text_lower(*part);
}

/* Lower case, and a letter at the begin of what will be the name. */
static void make_strict(char display[PART_MAX + 1], char role[PART_MAX + 1])
{
	char whole[PART_MAX + 1];

	lower(display);
	lower(role);
	if (is_letter(display[0]) || (!display[0] && is_letter(role[0])))
		return;
	memcpy(whole, display, sizeof(whole));
	err_text(display, PART_MAX + 1, "u%s%.*s", whole[0] ? "-" : "", PART_MAX - 2, whole);
}

static void make_name(const struct plan_request *request, const struct name_shape *shape,
		      char name[PART_MAX + 1])
{
	size_t room = shape->limit - shape->digits - 2, role_room;
	char display[PART_MAX + 1], role[PART_MAX + 1];

	sanitise(request->display_name, display);
	sanitise(request->role_name, role);
	if (shape->strict)
		make_strict(display, role);
	role_room = strlen(display) < room ? room - strlen(display) : 0;
	if (role_room < shape->role_room)
		role_room = shape->role_room;
	cut(role, role_room);
	cut(display, room - strlen(role));
	err_text(name, PART_MAX + 1, "%s%s%s%s%.*s", display, display[0] ? "-" : "", role,
		 role[0] ? "-" : "", (int)shape->digits, request->random);
}

/* The names of the policies that are made for a user. */
static json_t *inline_names(const char *user, size_t count)
{
	json_t *names = json_array();

	for (size_t i = 0; names && i < count; i++) {
		char name[PART_MAX + 16];

		err_text(name, sizeof(name), "%s-%zu", user, i + 1);
		if (json_array_append_new(names, json_pack("{s:s}", "name", name))) {
			json_decref(names);
			names = NULL;
		}
	}
	return names;
}

static json_t *plan_user(const struct plan_shape *shape, const struct plan_request *request)
{
	const json_t *documents = json_object_get(request->role, "inline_policies");
	const json_t *policies = json_object_get(request->role, "remote_policies");
	json_t *names, *remote;
	char user[PART_MAX + 1];

	make_name(request, &shape->user, user);
	names = inline_names(user, json_array_size(documents));
	remote = json_is_array(policies) ? json_deep_copy(policies) : json_array();
	/* json_pack releases what it was given when it fails, NULL included. */
	return json_pack("{s:s, s:s, s:o, s:o}", "kind", shape->user_kind, "user", user, "inline",
			 names, "remote", remote);
}

static json_t *plan_session(const struct plan_shape *shape, const struct plan_request *request)
{
	char session[PART_MAX + 1];

	make_name(request, &shape->session, session);
	return json_pack("{s:s, s:s, s:s}", "kind", SESSION_KIND, "session", session, "role_arn",
			 json_get_text(request->role, "role_arn"));
}

int plan_make(const struct plan_shape *shape, const struct plan_request *request, json_t **plan_out,
	      bool *lasting_out, struct err *err)
{
	bool lasting = !json_get_text(request->role, "role_arn")[0];

	*lasting_out = false;
	*plan_out = lasting ? plan_user(shape, request) : plan_session(shape, request);
	if (!*plan_out)
		return err_set(err, LH_ENOMEM, "memory is out");
	*lasting_out = lasting;
	return 0;
}

bool plan_is_session(const json_t *plan)
{
	return strcmp(json_get_text(plan, "kind"), SESSION_KIND) == 0;
}

bool plan_renewable(const json_t *plan)
{
	return !plan_is_session(plan);
}

bool plan_is_sound(const json_t *plan, const struct remote_rules *rules)
{
	const json_t *policy;
	size_t i;

	if (!json_get_text(plan, "user")[0])
		return false;
	json_array_foreach(json_object_get(plan, "inline"), i, policy)
	{
		if (!json_get_text(policy, "name")[0])
			return false;
	}
	json_array_foreach(json_object_get(plan, "remote"), i, policy)
	{
		if (!json_get_text(policy, rules->name)[0] ||
		    !json_get_text(policy, rules->scope)[0])
			return false;
	}
	return true;
}
