# SPDX-License-Identifier: Apache-2.0
"""The cloud's clock, which may be wrong on purpose.

The one idea: `skew` moves the whole cloud (signature windows, dates, expiries), `date_skew` only
the Date header; everything else that waits uses the monotonic clock and cannot be moved.
"""
import time
from datetime import datetime, timezone
from email.utils import formatdate


class Clock:
    def __init__(self):
        self.skew = self.date_skew = 0.0
        self.started = time.monotonic()
        self._date = (0, "")

    def now(self):
        return time.time() + self.skew

    def ms(self):
        """Milliseconds since the simulator started."""
        return (time.monotonic() - self.started) * 1000.0

    def http_date(self):
        second = int(self.now() + self.date_skew)
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]

    def iso(self, moment=None):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                             time.gmtime(self.now() if moment is None else moment))


def parse_iso(text):
    """Seconds since 1970 of yyyy-MM-ddTHH:mm:ssZ; ValueError for any other form."""
    if len(text) != 20:
        raise ValueError(text)
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    return moment.replace(tzinfo=timezone.utc).timestamp()
