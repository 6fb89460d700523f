# SPDX-License-Identifier: Apache-2.0
"""Clients of Vault, unmodified: hvac, and the `bao` or `vault` command line where it is there."""
import json
import os
import shutil
import subprocess

import pytest

from lending import INLINE, REMOTE, whoami


COMMAND = shutil.which("bao") or shutil.which("vault")


@pytest.fixture(name="hvac")
def hvac_client(server):
    module = pytest.importorskip("hvac", reason="hvac is not installed")
    return module.Client(url="http://127.0.0.1:%d" % server.nginx.port, token=server.root_token)


@pytest.fixture(name="path")
def free_path(server):
    yield "client"
    server.api("DELETE", "sys/mounts/client")


def test_hvac_sees_a_server_that_is_ready(hvac, server):
    assert hvac.sys.read_health_status(method="GET")["sealed"] is False
    assert hvac.sys.is_initialized() and not hvac.sys.is_sealed()
    assert hvac.is_authenticated()
    assert not type(hvac)(url=hvac.url, token="hvs.unknown").is_authenticated()


def test_hvac_lends_and_gives_back(hvac, server, path):
    key, secret = server.sim.root_key
    hvac.sys.enable_secrets_engine("alicloud", path=path, description="d",
                                   config={"default_lease_ttl": "1h"})
    assert path + "/" in hvac.sys.list_mounted_secrets_engines()["data"]
    hvac.write_data(path + "/config", data={"access_key": key, "secret_key": secret})
    assert hvac.read(path + "/config")["data"] == {"access_key": key}
    assert hvac.read(path + "/role/r") is None and hvac.list(path + "/role") is None
    hvac.write_data(path + "/role/r", data={"inline_policies": json.dumps(INLINE),
                                            "remote_policies": REMOTE})
    assert hvac.list(path + "/role")["data"]["keys"] == ["r"]
    assert hvac.read(path + "/role/r")["data"]["remote_policies"][0]["type"] == "System"

    lent = hvac.read(path + "/creds/r")
    assert lent["lease_duration"] == 3600 and whoami(server, lent["data"]).status == 200
    assert hvac.sys.read_lease(lent["lease_id"])["data"]["id"] == lent["lease_id"]
    assert hvac.sys.list_leases(path + "/creds/r")["data"]["keys"]
    assert 55 <= hvac.sys.renew_lease(lent["lease_id"], increment=60)["lease_duration"] <= 60
    hvac.sys.revoke_lease(lent["lease_id"])
    assert whoami(server, lent["data"]).status != 200

    second = hvac.read(path + "/creds/r")
    hvac.sys.tune_mount_configuration(path, default_lease_ttl="2h")
    assert hvac.sys.read_mount_configuration(path)["data"]["default_lease_ttl"] == 7200
    hvac.sys.revoke_prefix(path + "/creds")
    assert whoami(server, second["data"]).status != 200
    hvac.delete(path + "/role/r")
    hvac.sys.disable_secrets_engine(path)
    assert server.sim.leftovers() == []


def test_hvac_wraps_and_opens(hvac, server):
    exceptions = pytest.importorskip("hvac.exceptions")
    first, second, third = (hvac.sys.wrap({"s": "x"}, ttl=60)["wrap_info"]["token"]
                            for _ in range(3))
    assert hvac.sys.unwrap(first)["data"] == {"s": "x"}
    with pytest.raises(exceptions.InvalidRequest):
        hvac.sys.unwrap(first)
    assert type(hvac)(url=hvac.url, token=second).sys.unwrap()["data"] == {"s": "x"}
    made = hvac.auth.token.create(policies=["default"], ttl="1h", wrap_ttl="60s")["wrap_info"]
    auth = hvac.sys.unwrap(made["token"])["auth"]
    assert auth["accessor"] == made["wrapped_accessor"]
    assert type(hvac)(url=hvac.url, token=auth["client_token"]).is_authenticated()
    again = hvac.write_data("sys/wrapping/rewrap", data={"token": third})["wrap_info"]["token"]
    assert hvac.write_data("sys/wrapping/lookup", data={"token": again})["data"]["creation_ttl"] == 60
    hvac.auth.token.revoke(auth["client_token"])


def test_hvac_raises_what_it_knows(hvac, path):
    exceptions = pytest.importorskip("hvac.exceptions")
    with pytest.raises(exceptions.InvalidRequest):
        hvac.sys.enable_secrets_engine("nonesuch", path=path)
    with pytest.raises(exceptions.InvalidRequest):
        hvac.sys.read_lease("no/such")
    with pytest.raises(exceptions.InvalidPath):
        hvac.write_data("nowhere/x", data={"a": 1})
    with pytest.raises(exceptions.Forbidden):
        type(hvac)(url=hvac.url, token="hvs.unknown").sys.list_mounted_secrets_engines()


@pytest.mark.skipif(not COMMAND, reason="neither bao nor vault is installed")
def test_the_command_line_lends_and_gives_back(server, path):
    def run(*arguments, token=server.root_token):
        done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False,
                              env={**os.environ, "VAULT_TOKEN": token,
                                   "BAO_TOKEN": token, "VAULT_FORMAT": "json",
                                   "VAULT_ADDR": "http://127.0.0.1:%d" % server.nginx.port,
                                   "BAO_ADDR": "http://127.0.0.1:%d" % server.nginx.port})
        assert done.returncode == 0, done.stderr
        return done.stdout
    key, secret = server.sim.root_key
    run("secrets", "enable", "-path=" + path, "alicloud")
    run("write", path + "/config", "access_key=" + key, "secret_key=" + secret)
    run("write", path + "/role/r", "remote_policies=" + REMOTE[0])
    assert "r" in run("list", "-format=json", path + "/role")
    lent = json.loads(run("read", "-format=json", path + "/creds/r"))
    assert whoami(server, lent["data"]).status == 200
    run("lease", "renew", "-increment=60", lent["lease_id"])
    wrapped = json.loads(run("read", "-format=json", "-wrap-ttl=60s", path + "/creds/r"))
    opened = json.loads(run("unwrap", "-format=json", wrapped["wrap_info"]["token"]))
    assert whoami(server, opened["data"]).status == 200
    wrapped = json.loads(run("token", "create", "-format=json", "-ttl=1h", "-wrap-ttl=60s"))
    opened = json.loads(run("unwrap", "-format=json", token=wrapped["wrap_info"]["token"]))
    run("write", "-force", "auth/token/renew-self", token=opened["auth"]["client_token"])
    run("lease", "revoke", lent["lease_id"])
    run("secrets", "disable", path)
    assert server.sim.leftovers() == []
