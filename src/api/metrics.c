/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes count, for those who watch. Only sums over the slots of the shared memory: no
 * record is read, and nothing is said about any name. */
#include <string.h>
#include <time.h>

#include "api/context.h"
#include "broker/dates.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/shared.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4"

static const struct {
	const char *name, *help;
	enum slot_counter counter;
} counters[] = {
	{ "leasehold_requests_total", "Requests that were answered.", COUNT_REQUESTS },
	{ "leasehold_credentials_issued_total", "Credentials that were issued.", COUNT_ISSUED },
	{ "leasehold_revocations_total",
	  "Revocations after which nothing was left, sweeps for lost calls among them.",
	  COUNT_REVOKED },
	{ "leasehold_renewals_total", "Leases that were renewed.", COUNT_RENEWED },
	{ "leasehold_cloud_calls_total", "Calls to clouds, repetitions among them.",
	  COUNT_CLOUD_CALLS },
	{ "leasehold_cloud_errors_total", "Calls to clouds that did not succeed.",
	  COUNT_CLOUD_ERRORS },
	{ "leasehold_cloud_dates_off_total",
	  "Answers of clouds whose date was more than five minutes off.", COUNT_DATES_OFF },
};

#define COUNTERS   (sizeof(counters) / sizeof(counters[0]))
#define IDENTITIES "leasehold_identity_requests_total"

enum gauge { GAUGE_STARTED, GAUGE_PROCESSES, GAUGE_BUSY, GAUGE_CLOCK, GAUGES };

static const struct {
	const char *name, *help;
} gauges[GAUGES] = {
	[GAUGE_STARTED] = { "leasehold_start_time_seconds",
			    "When the server was started, in seconds since 1970." },
	[GAUGE_PROCESSES] = { "leasehold_processes",
			      "Workers and revoker that are alive, without the master." },
	[GAUGE_BUSY] = { "leasehold_requests_in_flight", "Requests in hand, with this one." },
	[GAUGE_CLOCK] = { "leasehold_clock_disagrees",
			  "1 while the clouds disagree with this machine's clock; nothing expires "
			  "then." },
};

static void read_gauges(const struct shared *shared, uint64_t values[GAUGES])
{
	values[GAUGE_STARTED] = (uint64_t)shared->started;
	values[GAUGE_PROCESSES] = values[GAUGE_BUSY] = 0;
	values[GAUGE_CLOCK] = dates_disagree(shared);
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		const struct slot *slot = &shared->slots[i];

		if (atomic_load(&slot->pid) <= 0)
			continue;
		values[GAUGE_PROCESSES]++;
		values[GAUGE_BUSY] += atomic_load(&slot->deadline) != 0;
	}
}

static uint64_t identity_requests(const struct shared *shared, unsigned method)
{
	return shared_sum(shared, (enum slot_counter)(COUNT_IDENTITIES + method));
}

/* ---- As text ---- */

static void add_head(struct buf *text, const char *name, const char *type, const char *help)
{
	buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int write_text(struct context *context, const struct shared *shared)
{
	struct buf text = BUF_INIT;
	uint64_t values[GAUGES];
	int ret;

	for (size_t i = 0; i < COUNTERS; i++) {
		add_head(&text, counters[i].name, "counter", counters[i].help);
		buf_printf(&text, "%s %ju\n", counters[i].name,
			   (uintmax_t)shared_sum(shared, counters[i].counter));
	}
	add_head(&text, IDENTITIES, "counter", "Requests that were served as an identity.");
	for (unsigned i = 0; i < IDENTITY_METHODS; i++)
		buf_printf(&text, "%s{method=\"%s\"} %ju\n", IDENTITIES,
			   identity_method_name((enum identity_method)i),
			   (uintmax_t)identity_requests(shared, i));
	read_gauges(shared, values);
	for (size_t i = 0; i < GAUGES; i++) {
		add_head(&text, gauges[i].name, "gauge", gauges[i].help);
		buf_printf(&text, "%s %ju\n", gauges[i].name, (uintmax_t)values[i]);
	}
	ret = buf_error(&text);
	if (!ret)
		outcome_text(&context->outcome, &text, PROMETHEUS_TYPE);
	buf_free(&text);
	return ret;
}

/* ---- As JSON ---- */

/* labels is taken; NULL is lost memory, as it is in the array then. */
static json_t *counter_json(const char *name, json_t *labels, uint64_t value)
{
	return json_pack("{s:s, s:I, s:I, s:o}", "Name", name, "Count", (json_int_t)value, "Sum",
			 (json_int_t)value, "Labels", labels);
}

static json_t *counters_json(const struct shared *shared)
{
	json_t *list = json_array();
	int ret = list ? 0 : -1;

	for (size_t i = 0; !ret && i < COUNTERS; i++)
		ret = json_array_append_new(list,
					    counter_json(counters[i].name, json_object(),
							 shared_sum(shared, counters[i].counter)));
	for (unsigned i = 0; !ret && i < IDENTITY_METHODS; i++) {
		const char *method = identity_method_name((enum identity_method)i);

		ret = json_array_append_new(list, counter_json(IDENTITIES,
							       json_pack("{s:s}", "method", method),
							       identity_requests(shared, i)));
	}
	if (!ret)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *gauges_json(const struct shared *shared)
{
	json_t *list = json_array();
	uint64_t values[GAUGES];
	int ret = list ? 0 : -1;

	read_gauges(shared, values);
	for (size_t i = 0; !ret && i < GAUGES; i++)
		ret = json_array_append_new(list,
					    json_pack("{s:s, s:I, s:{}}", "Name", gauges[i].name,
						      "Value", (json_int_t)values[i], "Labels"));
	if (!ret)
		return list;
	json_decref(list);
	return NULL;
}

/* "2026-01-02 03:04:05 +0000 UTC", as Go prints a time. */
static void print_time(char *out, size_t size)
{
	time_t now = (time_t)clock_now();
	struct tm parts = { 0 };

	gmtime_r(&now, &parts);
	strftime(out, size, "%Y-%m-%d %H:%M:%S +0000 UTC", &parts);
}

static int write_json(struct context *context, const struct shared *shared)
{
	char now[48];

	print_time(now, sizeof(now));
	return outcome_bare(&context->outcome, 200,
			    json_pack("{s:s, s:o, s:[], s:o, s:[]}", "Timestamp", now, "Gauges",
				      gauges_json(shared), "Points", "Counters",
				      counters_json(shared), "Samples"));
}

/* ---- Which of them ---- */

/* Scrapers list what they can read, the best first; whatever they know by name is our text. */
static bool accepts_text(const char *accept)
{
	return strstr(accept, "application/openmetrics-text") || strstr(accept, "text/plain") ||
	       strstr(accept, "prometheus/telemetry");
}

int metrics_read(struct context *context)
{
	const char *format = json_get_text(context->fields, "format");
	const struct shared *shared = broker_shared(context->broker);

	if (!strcmp(format, "prometheus") ||
	    (!format[0] && accepts_text(context->request->raw->accept)))
		return write_text(context, shared);
	if (format[0])
		return outcome_error(&context->outcome, 400,
				     "format: is \"prometheus\", or absent for JSON");
	return write_json(context, shared);
}
