# SPDX-License-Identifier: Apache-2.0
"""Where the root key comes from when the mount has none: the chain of Tencent Cloud's tools."""
import os

from commands import root_only
from conform.engines import TENCENTCLOUD
from harness import Server, wait_until

OWN = "policy_name:existing-policy,scope:Local"


class Bare:
    """A server whose mount "ten" has a role and no config; the environment may come later."""

    def __init__(self, metadata=False, **of_server):
        # One worker: each keeps root keys of its own.
        self.server = Server(work_workers=1, cloud=TENCENTCLOUD, **of_server)
        self.metadata = metadata

    def __enter__(self):
        server = self.server.__enter__()
        self.sim = server.sim
        if self.metadata:
            path = server.path("leasehold.hcl")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace('metadata_endpoint = ""', 'metadata_endpoint = "%s"'
                                        % self.sim.metadata_endpoint))
            server.restart()
        assert server.api("POST", "sys/mounts/ten", {"type": "tencentcloud"}).status == 204
        assert server.api("POST", "ten/role/user", {"remote_policies": [OWN]}).status == 204
        return self

    def __exit__(self, *_):
        self.server.stop()

    def restart(self, **environment):
        self.server.environment = environment
        self.server.restart()

    def issue(self):
        return self.server.api("GET", "ten/creds/user")

    def key_of_issue(self):
        """Issues, revokes, and tells which root key the cloud saw."""
        reply = self.issue()
        assert reply.status == 200, reply
        key = self.sim.calls("AddUser")[-1]["key"]
        gone = self.server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]})
        assert gone.status == 204, gone
        return key

    def profile(self, text, mode=0o600, place=".tencentcloud/credentials"):
        """Writes the file of the cloud's tools; returns the environment that leads to it."""
        path = self.server.path(place)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)
        return path


PROFILE = "[default]\nsecret_id = %s\nsecret_key = %s\n"
TOKENS = ("TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN")


@root_only
def test_home_is_that_of_the_user_whom_the_server_becomes(leasehold):
    """Root's is closed to it: that must not keep it from whatever comes next in the chain."""
    with Bare(user="nobody", group="nogroup") as bare:
        home = bare.server.path("home-of-root")
        bare.profile(PROFILE % bare.sim.root_key, place="home-of-root/.tencentcloud/credentials")
        os.chmod(home, 0o700)
        bare.restart(HOME=home)
        reply = bare.issue()
        assert reply.status == 400 and "no credentials are configured" in reply.errors[0], reply


def test_the_environment_is_used_with_every_name_of_a_token(leasehold):
    with Bare() as bare:
        key, secret = bare.sim.root_key
        bare.restart(TENCENTCLOUD_SECRET_ID=key, TENCENTCLOUD_SECRET_KEY=secret)
        assert bare.key_of_issue() == key
        for name in TOKENS:
            session = bare.sim.edit("session", role="instance")
            bare.restart(TENCENTCLOUD_SECRET_ID=session["id"],
                         TENCENTCLOUD_SECRET_KEY=session["secret"], **{name: session["token"]})
            assert bare.key_of_issue() == session["id"]
        # The stored config wins, and its end is seen at the next use.
        bare.server.api("POST", "ten/config", TENCENTCLOUD.config((key, secret)))
        assert bare.key_of_issue() == key
        assert bare.server.api("DELETE", "ten/config").status == 204
        assert bare.key_of_issue() == session["id"]


def test_the_profile_file_is_used_behind_the_environment(leasehold):
    with Bare() as bare:
        key, secret = bare.sim.root_key
        bare.profile(PROFILE % (key, secret))
        bare.restart(HOME=bare.server.folder)
        assert bare.key_of_issue() == key
        other = bare.profile(PROFILE % ("AKIDother", secret), place="other/file")
        bare.restart(HOME=bare.server.folder, TENCENTCLOUD_CREDENTIALS_FILE=other)
        reply = bare.issue()
        assert reply.status == 400 and "SecretIdNotFound" in reply.errors[0], reply
        # A change of it is seen at the next use.
        bare.profile(PROFILE % (key, secret), place="other/file")
        wait_until(lambda: bare.issue().status == 200, 15, "the new key is read")
        assert bare.server.api("PUT", "sys/leases/revoke-prefix/ten").status == 204


def test_a_profile_file_that_others_may_read_is_refused(leasehold):
    with Bare() as bare:
        key, secret = bare.sim.root_key
        path = bare.profile(PROFILE % (key, secret), mode=0o644)
        bare.restart(TENCENTCLOUD_CREDENTIALS_FILE=path)
        reply = bare.issue()
        assert reply.status == 400 and path in reply.errors[0], reply
        assert secret not in str(reply.raw)


def test_a_profile_file_without_a_key_is_said(leasehold):
    with Bare() as bare:
        path = bare.profile("[work]\nsecret_id = a\nsecret_key = b\n")
        bare.restart(TENCENTCLOUD_CREDENTIALS_FILE=path)
        reply = bare.issue()
        assert reply.status == 400 and "[default]" in reply.errors[0], reply


def test_a_federated_login_gives_the_key(leasehold):
    with Bare() as bare:
        minted = bare.sim.edit("oidc_token")
        path = bare.profile(minted["token"] + "\n", place="oidc/token")
        role = TENCENTCLOUD.session_role["role_arn"]
        bare.restart(TKE_ROLE_ARN=role, TKE_PROVIDER_ID=minted["arn"],
                     TKE_WEB_IDENTITY_TOKEN_FILE=path)
        root = bare.sim.root_key[0]
        key = bare.key_of_issue()
        assert key != root and bare.key_of_issue() == key
        assert bare.sim.count("AssumeRoleWithWebIdentity") <= 2    # the worker and the revoker


def test_a_login_token_that_is_over_is_said(leasehold):
    with Bare() as bare:
        minted = bare.sim.edit("oidc_token", seconds=-60)
        path = bare.profile(minted["token"], place="oidc/token")
        bare.restart(TKE_ROLE_ARN=TENCENTCLOUD.session_role["role_arn"],
                     TKE_PROVIDER_ID=minted["arn"], TKE_WEB_IDENTITY_TOKEN_FILE=path)
        reply = bare.issue()
        assert reply.status == 400 and "login token" in reply.errors[0], reply
        assert minted["token"] not in str(reply.raw)


def test_the_instance_role_gives_the_key(leasehold):
    with Bare(metadata=True) as bare:
        reply = bare.issue()
        assert reply.status == 400 and "no CAM role" in reply.errors[0], reply
        bare.sim.configure(tencentcloud={"metadata": {
            "role": "instance", "seconds": 600, "rotate_seconds": 0}})
        bare.restart()
        # Fetched anew from 15 minutes before their end: with 10 minutes to live, at each use.
        assert len({bare.key_of_issue() for _ in range(4)}) > 1


def test_with_none_a_request_is_told_what_is_missing(leasehold):
    with Bare() as bare:
        reply = bare.issue()
        assert reply.status == 400, reply
        assert "no credentials are configured" in reply.errors[0], reply
