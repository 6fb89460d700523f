# SPDX-License-Identifier: Apache-2.0
"""README says nothing that is not so: its files exist, and it knows every key."""
import json
import os
import re
import subprocess

from nginx import FILES, TOP


def readme():
    with open(os.path.join(TOP, "README"), encoding="utf-8") as file:
        return file.read()


def test_the_files_it_names_exist():
    for name in re.findall(r"leasehold-\w+\.conf(?:\.example)?", readme()):
        assert os.path.exists(os.path.join(FILES, name)), name
    for name in re.findall(r"^    (src/\w+/|tests/)", readme(), re.MULTILINE):
        assert os.path.isdir(os.path.join(TOP, name)), name
    for name in ("demo", "check", "conf/leasehold.hcl", "COPYING"):
        assert os.path.exists(os.path.join(TOP, name)), name


def test_it_explains_every_key_of_the_configuration():
    with open(os.path.join(TOP, "conf", "leasehold.hcl"), encoding="utf-8") as file:
        keys = set(re.findall(r"^\s*(?:# )?(\w+)\s+= ", file.read(), re.MULTILINE))
    text = readme()
    assert len(keys) > 15
    assert not [key for key in sorted(keys) if key not in text]


def test_the_json_that_its_commands_send_can_be_read():
    bodies = [json.loads(body) for body in re.findall(r" -d '(.*?)'", readme(), re.DOTALL)]
    assert len(bodies) > 4
    documents = [json.loads(body["inline_policies"]) for body in bodies if "inline_policies" in body]
    assert documents and all(isinstance(policies, list) for policies in documents)


def test_its_policy_grants_what_it_says(leasehold, tmp_path):
    policy = tmp_path / "backup.hcl"
    found = re.search(r"^    # backup.hcl\n(.*?)\n\n", readme(), re.DOTALL | re.MULTILINE)
    policy.write_text(found[1], encoding="utf-8")
    done = subprocess.run(
        [leasehold, "policy", "check", "-policy", str(policy), "alicloud/creds/backup",
         "alicloud/role/", "alicloud/role/x", "alicloud/role/backup-x", "alicloud/config"],
        capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if not line.startswith(" ")] == [
        "alicloud/creds/backup: read", "alicloud/role/: list, read",
        "alicloud/role/x: list, read", "alicloud/role/backup-x: create, read, update",
        "alicloud/config: deny"], done
