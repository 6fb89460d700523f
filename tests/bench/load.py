# SPDX-License-Identifier: Apache-2.0
"""Load from wrk: one thread, sixteen kept connections."""
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 16


def installed():
    return shutil.which("wrk") is not None


def wrk(url, token, seconds, script=None, arguments=(), connections=CONNECTIONS):
    """Returns (requests a second, what wrk says); every answer must be a success, or be judged by
    the script, which then says so in a line "unexpected: n"."""
    command = ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--latency",
               "--timeout", "70s", "-H", "X-Vault-Token: " + token]
    if script:
        command += ["-s", os.path.join(HERE, script)]
    done = subprocess.run([*command, url, "--", *arguments], check=False, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    text = done.stdout
    found = re.search(r"^Requests/sec: +([\d.]+)", text, re.M)
    if done.returncode or not found or "Socket errors" in text or _unexpected(text):
        raise AssertionError("wrk %s:\n%s%s" % (url, text, done.stderr))
    return float(found[1]), text


def _unexpected(text):
    judged = re.search(r"^unexpected: (\d+)", text, re.M)
    return judged[1] != "0" if judged else "Non-2xx" in text


def latency(text, part):
    """One of the latencies that wrk told, such as "99%"."""
    return re.search(r"^ +%s +(\S+)" % part, text, re.M)[1]
