# SPDX-License-Identifier: Apache-2.0
"""Changes by hand that only RAM knows: versions of policies."""
from .. import edit


class Editor(edit.Editor):
    def add_version(self, account, policy):
        one = account.policies[policy]
        one.counter += 1
        one.versions.append(("v%d" % one.counter, one.document(), self.world.date()))
