# SPDX-License-Identifier: Apache-2.0
"""Certificates: one CA that clients trust, and server certificates that are right or wrong.

The one idea: the wrong ones differ from the right one in exactly one point each (name, issuer or
validity), so that a client which accepts one of them has skipped exactly that check.
"""
import os
import ssl
import subprocess

KINDS = ("good", "name", "ca", "expired")


def _openssl(folder, *args):
    subprocess.run(("openssl",) + args, cwd=folder, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _authority(folder, name, subject):
    _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", name + ".key", "-out", name + ".pem", "-days", "30",
             "-subj", "/CN=" + subject,
             "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def _server(folder, name, authority, names, expired=False):
    with open(os.path.join(folder, name + ".ext"), "w", encoding="ascii") as out:
        out.write("subjectAltName=%s\nextendedKeyUsage=serverAuth\n"
                  "basicConstraints=critical,CA:FALSE\n" % names)
    _openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=cloud simulator")
    _openssl(folder, "x509", "-req", "-in", name + ".csr", "-CA", authority + ".pem",
             "-CAkey", authority + ".key", "-CAcreateserial", "-extfile", name + ".ext",
             "-out", name + ".pem", "-days", "-1" if expired else "30")


def _context(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(os.path.join(folder, name + ".pem"),
                            os.path.join(folder, name + ".key"))
    return context


def make(folder):
    """Writes everything into folder; returns (path of the trusted CA, SSL context by kind)."""
    ours = "DNS:localhost,IP:127.0.0.1"
    _authority(folder, "ca", "cloud simulator CA")
    _authority(folder, "other-ca", "some other CA")
    _server(folder, "good", "ca", ours)
    _server(folder, "name", "ca", "DNS:elsewhere.invalid")
    _server(folder, "ca-other", "other-ca", ours)
    _server(folder, "expired", "ca", ours, expired=True)
    files = {"good": "good", "name": "name", "ca": "ca-other", "expired": "expired"}
    return (os.path.join(folder, "ca.pem"),
            {kind: _context(folder, files[kind]) for kind in KINDS})
