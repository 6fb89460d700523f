# SPDX-License-Identifier: Apache-2.0
"""Rate quotas: at most so many calls of an action in any second, per account.

The one idea: a true sliding second, not a bucket: a client that saves up and bursts is caught.
"""
import time
from collections import defaultdict, deque


class Rate:
    def __init__(self, limits, default):
        self.limits, self.default = limits, default
        self.windows = defaultdict(deque)

    def clear(self):
        self.windows.clear()

    def limit(self, action, scale=1.0, override=None):
        return (override or {}).get(action, self.limits.get(action, self.default) * scale)

    def admit(self, account, action, scale=1.0, override=None):
        """Counts the call if it fits. Returns 0, or the milliseconds until one would fit."""
        limit = self.limit(action, scale, override)
        now = time.monotonic()
        window = self.windows[account, action]
        while window and window[0] <= now - 1.0:
            window.popleft()
        if len(window) < limit:
            window.append(now)
            return 0
        oldest = window[0] if window else now
        return max(1, int((oldest + 1.0 - now) * 1000) + 1)
