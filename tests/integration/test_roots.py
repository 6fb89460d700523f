# SPDX-License-Identifier: Apache-2.0
"""Where the server's own cloud credentials come from: config, environment, login, metadata."""
import os

import pytest

from conform.engines import ALICLOUD
from harness import Server, wait_until
from lending import SESSION

OLD = ("ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_ACCESS_KEY_STS_TOKEN")
NEW = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
       "ALIBABA_CLOUD_SECURITY_TOKEN")
SWEEPS = '  sweep_after = ["1s", "3s", "16m"]\n'


class Bare:
    """A server whose mount "ali" has roles and no config; the environment may come later."""

    def __init__(self, metadata=False, environment=None):
        # One worker: each keeps root keys of its own.
        self.server = Server(work_workers=1, environment=environment)
        self.metadata = metadata

    def __enter__(self):
        # The simulator's ports are known only once it runs, hence the configuration in two steps.
        server = self.server.__enter__()
        if self.metadata:
            self.point_at_metadata()
            server.restart()
        assert server.api("POST", "sys/mounts/ali", {"type": "alicloud"}).status == 204
        assert server.api("POST", "ali/role/user", ALICLOUD.user_role).status == 204
        assert server.api("POST", "ali/role/session", SESSION).status == 204
        return self

    def __exit__(self, *_):
        self.server.stop()

    def point_at_metadata(self):
        path = self.server.path("leasehold.hcl")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace('metadata_endpoint = ""', 'metadata_endpoint = "%s"'
                                    % self.server.sim.metadata_endpoint))

    def restart(self, **environment):
        self.server.environment = environment
        self.server.restart()

    def issue(self, role="user"):
        return self.server.api("GET", "ali/creds/" + role)

    def key_of_issue(self):
        """Issues, revokes, and tells which root key the cloud saw."""
        reply = self.issue()
        assert reply.status == 200, reply
        key = self.server.sim.calls("CreateUser")[-1]["key"]
        gone = self.server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]})
        assert gone.status == 204, gone
        return key

    def session(self, **wish):
        return self.server.sim.edit("session", role="instance", **wish)


def test_with_none_a_request_is_told_what_is_missing(leasehold):
    with Bare() as bare:
        reply = bare.issue()
        assert reply.status == 400, reply
        assert "no credentials are configured" in reply.errors[0], reply
        for word in ("configuration", "environment", "metadata"):
            assert word in reply.errors[0], reply


@pytest.mark.parametrize("names", [OLD, NEW], ids=["old", "new"])
def test_the_environment_is_used_with_and_without_a_token(leasehold, names):
    with Bare() as bare:
        key, secret = bare.server.sim.root_key
        bare.restart(**{names[0]: key, names[1]: secret})
        assert bare.key_of_issue() == key
        session = bare.session()
        bare.restart(**dict(zip(names, (session["id"], session["secret"], session["token"]))))
        assert bare.key_of_issue() == session["id"]
        # The stored config wins, and its end is seen at the next use.
        bare.server.api("POST", "ali/config", {"access_key": key, "secret_key": secret})
        assert bare.key_of_issue() == key
        assert bare.server.api("DELETE", "ali/config").status == 204
        assert bare.key_of_issue() == session["id"]


def test_the_account_of_a_lasting_key_alone_is_written_down(leasehold):
    """A record for each temporary key that ever was would make the store grow for ever."""
    with Bare() as bare:
        key, secret = bare.server.sim.root_key
        session = bare.session()
        for environment, asked in (
                ((key, secret), 0), ((session["id"], session["secret"], session["token"]), 1)):
            environment = dict(zip(NEW, environment))
            bare.restart(**environment)
            assert bare.key_of_issue() == environment[NEW[0]]
            before = bare.server.sim.count("GetCallerIdentity")
            bare.restart(**environment)
            reply = bare.issue()
            assert reply.status == 200, reply
            assert bare.server.sim.count("GetCallerIdentity") == before + asked
            bare.server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]})


def test_a_change_of_the_config_is_seen_at_the_next_use_of_every_worker(leasehold):
    with Bare() as bare:
        sim = bare.server.sim
        for number in range(4):
            key = ("LTAIchange%d" % number, "sim-change-%d" % number)
            sim.edit("add_key", user="leasehold-root", id=key[0], secret=key[1], keep=True)
            config = {"access_key": key[0], "secret_key": key[1]}
            assert bare.server.api("POST", "ali/config", config).status == 204
            assert bare.key_of_issue() == key[0]


def test_a_secret_that_was_mended_is_seen_at_the_next_use(leasehold):
    with Bare() as bare:
        key, secret = bare.server.sim.root_key
        for wrong in (True, False):
            config = {"access_key": key, "secret_key": "wrong" if wrong else secret}
            assert bare.server.api("POST", "ali/config", config).status == 204
            reply = bare.issue()
            assert reply.status == (400 if wrong else 200), reply
        assert bare.server.api("PUT", "sys/leases/revoke-prefix/ali").status == 204


def test_a_dead_temporary_key_of_the_environment_is_said(leasehold):
    with Bare() as bare:
        session = bare.session(seconds=-10)
        bare.restart(**dict(zip(NEW, (session["id"], session["secret"], session["token"]))))
        reply = bare.issue()
        assert reply.status == 400 and "temporary root credentials" in reply.errors[0], reply
        assert session["token"] not in str(reply.raw) and session["secret"] not in str(reply.raw)


# --- OIDC ---

def login(bare, **claims):
    """Writes a token file; returns the environment that names it."""
    minted = bare.server.sim.edit("oidc_token", **claims)
    path = bare.server.path("oidc-token")
    with open(path, "w", encoding="utf-8") as out:
        out.write(minted["token"] + "\n")
    os.chmod(path, 0o600)
    return {"ALIBABA_CLOUD_ROLE_ARN": SESSION["role_arn"],
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": minted["arn"],
            "ALIBABA_CLOUD_OIDC_TOKEN_FILE": path}


def test_a_federated_login_gives_the_key(leasehold):
    with Bare() as bare:
        bare.restart(**login(bare))
        key = bare.key_of_issue()
        assert key.startswith("STS.")
        assert bare.key_of_issue() == key, "a login is kept as long as it is good"
        assert bare.server.sim.count("AssumeRoleWithOIDC") <= 2    # the worker and the revoker


def test_an_expired_login_token_is_said_and_a_new_one_read(leasehold):
    with Bare() as bare:
        bare.restart(**login(bare, seconds=-60))
        reply = bare.issue()
        assert reply.status == 400 and "AssumeRoleWithOIDC" in reply.errors[0], reply
        assert "login token" in reply.errors[0]
        login(bare)
        assert bare.issue().status == 200, "the new token file is read"
        assert bare.server.api("PUT", "sys/leases/revoke-prefix/ali").status == 204


def test_an_unreadable_token_file_is_said(leasehold):
    with Bare() as bare:
        environment = login(bare)
        os.unlink(environment["ALIBABA_CLOUD_OIDC_TOKEN_FILE"])
        bare.restart(**environment)
        reply = bare.issue()
        assert reply.status == 400, reply
        assert "ALIBABA_CLOUD_OIDC_TOKEN_FILE" in reply.errors[0], reply


# --- metadata ---

@pytest.mark.parametrize("tokenless", [True, False])
def test_the_instance_role_gives_the_key_in_token_mode_only(leasehold, tokenless):
    with Bare(metadata=True) as bare:
        sim = bare.server.sim
        sim.configure(alicloud={"metadata": {"role": "instance", "tokenless": tokenless}})
        assert bare.key_of_issue().startswith("STS.")
        assert sim.count("PutToken") >= 1
        assert sim.count("GetRoleCredentials") <= sim.count("PutToken")


def test_a_service_that_knows_no_tokens_is_not_used(leasehold):
    with Bare(metadata=True) as bare:
        sim = bare.server.sim
        sim.configure(alicloud={"metadata": {"role": "instance", "token_service": False}})
        reply = bare.issue()
        assert reply.status == 400 and "no credentials are configured" in reply.errors[0], reply
        assert sim.count("GetRoleCredentials") == sim.count("GetRoleName") == 0


def test_an_instance_without_a_role_is_said(leasehold):
    with Bare(metadata=True) as bare:
        reply = bare.issue()
        assert reply.status == 400 and "no RAM role" in reply.errors[0], reply


def test_temporary_keys_are_fetched_anew_before_they_end(leasehold):
    """Fetched anew from 15 minutes before their end: with 10 minutes to live, at each use."""
    with Bare(metadata=True) as bare:
        bare.server.sim.configure(alicloud={"metadata": {
            "role": "instance", "seconds": 600, "rotate_seconds": 0}})
        seen = {bare.key_of_issue() for _ in range(4)}
        assert len(seen) > 1


def test_a_key_whose_refresh_fails_is_used_to_its_end(leasehold):
    with Bare(metadata=True) as bare:
        sim = bare.server.sim
        sim.configure(alicloud={"metadata": {"role": "instance", "seconds": 600}})
        for _ in range(3):
            bare.key_of_issue()     # both workers and the revoker have it
        sim.fault("error", service="metadata")
        assert bare.issue().status == 200
        sim.clear_faults()
        assert bare.server.api("PUT", "sys/leases/revoke-prefix/ali").status == 204


def test_a_metadata_service_that_has_gone_is_no_mistake_of_the_configuration(leasehold):
    with Bare(metadata=True) as bare:
        sim = bare.server.sim
        sim.configure(alicloud={"metadata": {"role": "instance", "seconds": 5}})
        wait_until(lambda: bare.issue().status == 200, 20)
        sim.configure(alicloud={"metadata": {"token_service": False}})
        reply = wait_until(lambda: (r := bare.issue()).status != 200 and r, 20)
        assert reply.status == 502, reply
        sim.configure(alicloud={"metadata": {"token_service": True, "seconds": 600}})
        wait_until(lambda: bare.server.api("PUT", "sys/leases/revoke-prefix/ali").status == 204, 30)


def test_a_key_that_has_ended_when_it_comes_is_said(leasehold):
    """By a clock that is wrong, or from a service that is; nobody asks again and again."""
    with Bare(metadata=True) as bare:
        sim = bare.server.sim
        sim.configure(alicloud={"metadata": {"role": "instance", "seconds": -60}})
        reply = bare.issue()
        assert reply.status == 400 and "has ended already" in reply.errors[0], reply
        assert sim.count("GetRoleCredentials") == 1


def test_a_metadata_service_that_hangs_is_not_waited_for(leasehold):
    with Bare(metadata=True) as bare:
        sim = bare.server.sim
        sim.fault("hang", service="metadata")
        reply = bare.issue()
        sim.clear_faults()
        assert reply.status in (502, 504), reply
