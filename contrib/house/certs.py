"""A certification authority of the house's own and a server certificate for loopback, by openssl."""

import os

from .process import run


def make(folder, hostname):
    """Makes ca.pem, server.pem, server.key in folder (names given back as a dict). Clients trust ca.pem.

    CA and leaf are two certificates: mail clients reject a self-signed one that is its own CA.
    """
    os.makedirs(folder, mode=0o755, exist_ok=True)
    at = {n: os.path.join(folder, f) for n, f in
          (("ca", "ca.pem"), ("ca_key", "ca.key"), ("cert", "server.pem"), ("key", "server.key"))}
    config = os.path.join(folder, "openssl.cnf")
    with open(config, "w", encoding="utf-8") as f:
        f.write("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=mtagw private house CA\n"
                "[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
                "subjectKeyIdentifier=hash\n"
                "[leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                "extendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\n"
                f"subjectAltName=DNS:localhost,DNS:{hostname},IP:127.0.0.1\n")
    old = os.umask(0o077)
    try:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        run(["openssl", "req", "-x509", *key, "-config", config, "-extensions", "ca", "-days", "3650",
             "-keyout", at["ca_key"], "-out", at["ca"]], "making the CA")
        request = os.path.join(folder, "server.csr")
        run(["openssl", "req", "-new", *key, "-config", config, "-subj", f"/CN={hostname}",
             "-keyout", at["key"], "-out", request], "making the server key")
        run(["openssl", "x509", "-req", "-in", request, "-CA", at["ca"], "-CAkey", at["ca_key"], "-set_serial", "1",
             "-days", "825", "-extfile", config, "-extensions", "leaf", "-out", at["cert"]], "signing the server key")
        os.unlink(request)
    finally:
        os.umask(old)
    for name in ("ca", "cert"):
        os.chmod(at[name], 0o644)
    return at
