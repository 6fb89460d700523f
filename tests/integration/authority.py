# SPDX-License-Identifier: Apache-2.0
"""An authority of a test's own, and a client that shows its certificates."""
import http.client
import json
import os
import ssl
import subprocess

from client import Reply


class Authority:
    """Files NAME.crt and NAME.key in a folder; ca.crt is the authority itself."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.sign_itself("ca", "/CN=ca")

    def sign_itself(self, name, subject):
        self._openssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj", subject,
                      "-keyout", name + ".key", "-out", name + ".crt")

    def issue(self, name, subject, extensions="", signer="ca", days=2):
        """subject: as in /O=Example/CN=x, the name's last part last.

        extensions: lines as in openssl's configuration. days: 0 ends it this second."""
        self._openssl("req", *NEW_KEY, "-subj", subject, "-keyout", name + ".key",
                      "-out", name + ".csr")
        with open(self.path(name + ".ext"), "w", encoding="utf-8") as out:
            out.write(extensions)
        self._openssl("x509", "-req", "-in", name + ".csr", "-CA", signer + ".crt",
                      "-CAkey", signer + ".key", "-CAcreateserial", "-days", str(days),
                      "-extfile", name + ".ext", "-out", name + ".crt")

    def revoke(self, *names, signer="ca"):
        """Writes SIGNER.crl, which holds these alone."""
        own = ("ca", "-config", "ca.cnf", "-cert", signer + ".crt", "-keyfile", signer + ".key")
        with open(self.path("ca.cnf"), "w", encoding="utf-8") as out:
            out.write(LIST)
        open(self.path("index"), "w", encoding="utf-8").close()
        for name in names:
            self._openssl(*own, "-revoke", name + ".crt")
        self._openssl(*own, "-gencrl", "-crldays", "2", "-out", signer + ".crl")

    def path(self, name):
        return os.path.join(self.folder, name)

    def pem(self, *names):
        """The text of certificates."""
        text = ""
        for name in names:
            with open(self.path(name + ".crt"), encoding="utf-8") as file:
                text += file.read()
        return text

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True,
                       timeout=60)


LIST = """
[ca]
default_ca = own
[own]
database = index
default_md = sha256
"""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class TlsClient:
    """Asks one port; certificate: path without .crt and .key. The server may be anybody."""

    def __init__(self, port, certificate=None, name=None, source="127.0.0.1"):
        """name: what the client calls the server when it connects, none without.

        source: the client's own address."""
        self.port, self.name, self.source = port, name, source
        self.session = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            self.context.load_cert_chain(certificate + ".crt", certificate + ".key")

    def ask(self, method, path, body=None, headers=None, keep_session=False):
        """keep_session: the next one goes on with this TLS session."""
        connection = _Connection("127.0.0.1", self.port, timeout=30, context=self.context,
                                 source_address=(self.source, 0))
        connection.called, connection.session = self.name, self.session
        if isinstance(body, dict):
            body = json.dumps(body)
        try:
            connection.request(method, path, body, headers or {})
            reply = Reply(connection.getresponse())
            self.session = connection.sock.session if keep_session else None
            return reply
        finally:
            connection.close()


class _Connection(http.client.HTTPSConnection):
    """Its own names for the server: the one in the handshake may be another than in Host."""
    called = session = None

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.called,
                                              session=self.session)
