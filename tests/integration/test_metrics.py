# SPDX-License-Identifier: Apache-2.0
"""What the server counts, as scrapers read it."""
import re

import pytest

from harness import wait_until
from lending import issue, make_role

PATH = "sys/metrics"
SCRAPER = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def scrape(server, **headers):
    """{name, with its labels: value} of the text."""
    reply = server.api("GET", PATH + "?format=prometheus", headers=headers)
    assert reply.status == 200, reply
    return dict((name, int(value)) for name, value in
                re.findall(r"^([^#\s]+) (\d+)$", reply.raw.decode(), re.MULTILINE))


def test_what_is_done_is_counted_once(server, mount):
    make_role(server, mount)
    before = scrape(server)
    lease = issue(server, mount)["lease_id"]
    assert server.api("PUT", "sys/leases/renew", {"lease_id": lease}).status == 200
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": lease}).status == 204
    after = scrape(server)
    for name in ("credentials_issued", "renewals", "revocations"):
        name = "leasehold_%s_total" % name
        assert after[name] == before[name] + 1, name
    # a request that is handed on is one request; the first scrape counted itself after its answer
    assert after["leasehold_requests_total"] == before["leasehold_requests_total"] + 4
    assert after["leasehold_cloud_calls_total"] >= before["leasehold_cloud_calls_total"] + 4
    assert after["leasehold_cloud_errors_total"] == before["leasehold_cloud_errors_total"]
    assert after["leasehold_requests_in_flight"] >= 1


def test_every_line_is_what_the_text_format_allows(server):
    reply = server.api("GET", PATH, headers={"Accept": SCRAPER})
    assert reply.status == 200
    assert reply.headers.get_all("Content-Type") == ["text/plain; version=0.0.4"]
    text = reply.raw.decode()
    assert text.endswith("\n")
    told = set()
    for line in text.splitlines():
        found = re.fullmatch(r'# (HELP|TYPE) (leasehold_\w+) (.+)', line)
        if found:
            told.add((found[1], found[2]))
            assert found[1] == "HELP" or found[3] in ("counter", "gauge")
            continue
        found = re.fullmatch(r'(leasehold_\w+)(\{\w+="\w+"\})? \d+', line)
        assert found and {("HELP", found[1]), ("TYPE", found[1])} <= told, line


def test_json_says_the_same(server):
    body = server.api("GET", PATH).body
    assert set(body) == {"Timestamp", "Gauges", "Points", "Counters", "Samples"}
    text = scrape(server)
    for one in body["Counters"] + body["Gauges"]:
        labels = ",".join('%s="%s"' % pair for pair in one["Labels"].items())
        assert one["Name"] + ("{%s}" % labels if labels else "") in text


@pytest.mark.parametrize("kind", ["read", "work", "revoker"])
def test_what_was_counted_stays_when_a_child_is_replaced(server, mount, kind):
    make_role(server, mount)
    lease = issue(server, mount)["lease_id"]
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": lease}).status == 204
    before = scrape(server)
    old = set(server.kill(kind))
    wait_until(lambda: len(server.pids()[kind]) == len(old) and not old & set(server.pids()[kind]))
    wait_until(lambda: server.api("GET", "sys/health").status == 200)
    after = scrape(server)
    assert all(after[name] >= value for name, value in before.items() if "_total" in name)
    wait_until(lambda: scrape(server)["leasehold_processes"] == before["leasehold_processes"])


def test_a_token_needs_a_policy_for_it(server):
    assert server.api("PUT", "sys/policies/acl/scraper", {
        "policy": 'path "sys/metrics" { capabilities = ["read"] }'}).status == 204
    scraper, other = [server.api("POST", "auth/token/create", {"policies": [name]})["auth"]
                      ["client_token"] for name in ("scraper", "default")]
    assert server.api("GET", PATH, token=scraper).status == 200
    assert server.api("GET", PATH, token=other).status == 403
    assert server.api("GET", PATH, token=None).status == 403
    for token in (scraper, other):
        assert server.api("POST", "auth/token/revoke", {"token": token}).status == 204
    assert server.api("DELETE", "sys/policies/acl/scraper").status == 204
