# SPDX-License-Identifier: Apache-2.0
"""The one table that a run prints."""
import statistics


class Table:
    HEAD = ("figure", "target", "plugins", "measured", "verdict")

    def __init__(self):
        self.rows = []

    def add(self, figure, target, measured, kept, plugins=""):
        """kept: whether the target is kept; None where there is none, or nothing was measured."""
        verdict = {True: "kept", False: "MISSED", None: ""}[kept]
        self.rows.append((figure, target, plugins, measured, verdict))

    def __str__(self):
        lines = [self.HEAD, ("---",) * len(self.HEAD), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percentile(values, part):
    """The smallest value that `part` of all (0.9: nine tenths) do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * part // 1) - 1)]


def median(values):
    return statistics.median(values)


def rate(value):
    return "%.1fk/s" % (value / 1000) if value >= 1000 else "%.0f/s" % value


def mebibytes(value):
    return "%.1f MiB" % (value / 1048576)
