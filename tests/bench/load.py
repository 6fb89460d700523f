# SPDX-License-Identifier: Apache-2.0
"""Load from wrk: one thread, sixteen kept connections."""
import os
import re
import shutil
import signal
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 16


def installed():
    return shutil.which("wrk") is not None


def wrk(url, token, seconds, script=None, arguments=(), headers=()):
    """Returns (requests a second, what wrk says); every answer must be a success, or be judged by
    the script, which then says so in a line "unexpected: n"."""
    command = ["wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % seconds, "--latency",
               "--timeout", "70s", "-H", "X-Vault-Token: " + token]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", os.path.join(HERE, script)]
    with subprocess.Popen([*command, url, "--", *arguments], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        text = _listen(process)
    found = re.search(r"^Requests/sec: +([\d.]+)", text, re.M)
    if process.returncode or not found or "Socket errors" in text or _unexpected(text):
        raise AssertionError("wrk %s:\n%s" % (url, text))
    return float(found[1]), text


def _listen(process):
    """All that it says. A script that has asked enough says "finished": wrk itself would only stop
    asking and sleep on to the end of its time."""
    lines = []
    try:
        for line in process.stdout:
            if line == "finished\n":
                process.send_signal(signal.SIGINT)
            lines.append(line)
    except BaseException:
        process.kill()
        raise
    process.wait()
    return "".join(lines)


def _unexpected(text):
    judged = re.search(r"^unexpected: (\d+)", text, re.M)
    return judged[1] != "0" if judged else "Non-2xx" in text


def latency(text, part):
    """One of the latencies that wrk told, such as "99%"."""
    return re.search(r"^ +%s +(\S+)" % part, text, re.M)[1]
