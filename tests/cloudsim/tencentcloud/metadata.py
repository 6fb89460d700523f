# SPDX-License-Identifier: Apache-2.0
"""The instance metadata service of CVM: no token, other names for the same things."""
from .. import metadata


class Metadata(metadata.Metadata):
    path = "/latest/meta-data/cam/security-credentials/"

    def shape(self, session):
        return {"TmpSecretId": session.key.id, "TmpSecretKey": session.key.secret,
                "ExpiredTime": int(session.expires),
                "Expiration": self.cloud.clock.iso(session.expires), "Token": session.token,
                "Code": "Success"}
