"""People of the outside world who write to the house: their domains with SPF, DKIM and DMARC in a private zone, mail
signed by dkimpy and, where wanted, by gpg. None of it is code of mtagw, and no name server is asked by anyone.

    house.outside.send("direktur@pelabuhan.example", [to], message)              from its own address, DKIM-signed
    house.outside.send(..., dkim_domain=None, ip="127.0.9.9")                    forged: no signature, a foreign address
    house.outside.send(..., pgp=True)                                            PGP/MIME too, by a key the house knows
"""

import base64
import email.generator
import email.policy
import email.utils
import io
import os
import smtplib

import dkim

from .people import DOMAIN
from .process import as_user, clean_env, run

# Domain: the address its server sends from (all of 127.0.0.0/8 is loopback) and what DMARC should do with forgeries.
DOMAINS = {
    "pelabuhan.example": ("127.0.1.1", "reject"),
    "riau.example": ("127.0.1.2", "quarantine"),
    "warga.example": ("127.0.1.3", "none"),
}
SELECTOR = "k1"
FIELDS = [b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"reply-to",
          b"mime-version", b"content-type", b"content-transfer-encoding"]


def txt(name, value):
    """A TXT record in strings of at most 250 bytes."""
    return f"{name}. TXT " + " ".join(f'"{value[i:i + 250]}"' for i in range(0, len(value), 250))


class Outside:
    """folder: keys and zone; gnupg: home of the writers' secret keys (short path); port: the house's MX, once known."""

    def __init__(self, folder, gnupg, correspondents, verify_uid=None):
        self.folder, self.gnupg, self.correspondents, self.verify_uid = folder, gnupg, correspondents, verify_uid
        self.zone = os.path.join(folder, "zone")
        self.port = None
        self.keys = {}
        self.pgp = set()

    def make(self):
        """Makes the DKIM keys and writes the zone; other names than those do not exist for the house."""
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        lines = [txt(DOMAIN, "v=spf1 -all"), txt(f"_dmarc.{DOMAIN}", "v=DMARC1; p=reject")]
        for domain, (ip, policy) in DOMAINS.items():
            pem = run(["openssl", "genrsa", "-traditional", "2048"], f"DKIM key of {domain}").stdout
            public = run(["openssl", "rsa", "-pubout"], f"DKIM key of {domain}", input_text=pem).stdout
            self.keys[domain] = pem.encode()
            record = "v=DKIM1; k=rsa; p=" + "".join(public.split("\n")[1:-2])
            lines += [txt(domain, f"v=spf1 ip4:{ip} -all"), txt(f"{SELECTOR}._domainkey.{domain}", record),
                      txt(f"_dmarc.{domain}", f"v=DMARC1; p={policy}"),
                      f"{domain}. MX 10 mx.{domain}.", f"mx.{domain}. A {ip}"]
        with open(self.zone, "w", encoding="ascii") as f:
            f.write("# names of the played outside; mtagw-verify answers from here\n" + "\n".join(lines) + "\n")
        os.chmod(self.zone, 0o644)
        return self

    def bytes_of(self, message):
        """The message as it travels; what every client writes is added where it lacks."""
        if isinstance(message, bytes):
            return message
        if "Date" not in message:
            message["Date"] = email.utils.formatdate(localtime=True)
        if "Message-ID" not in message:
            message["Message-ID"] = email.utils.make_msgid(domain="pelabuhan.example")
        out = io.BytesIO()
        email.generator.BytesGenerator(out, policy=email.policy.SMTP.clone(cte_type="7bit")).flatten(message)
        return out.getvalue()

    def dkim_signed(self, message, domain):
        """With a DKIM-Signature of one of the domains before it."""
        return dkim.sign(message, SELECTOR.encode(), domain.encode(), self.keys[domain],
                         canonicalize=(b"relaxed", b"relaxed"), include_headers=FIELDS) + message

    def send(self, sender, rcpts, message, dkim_domain="", ip=None, pgp=False, envelope=None):
        """Hands the message to the house's MX. dkim_domain "": the sender's, None: unsigned. ip: the address it comes
        from, the domain's own by default. pgp: signed by the sender's key. envelope: another envelope sender."""
        domain = sender.rpartition("@")[2]
        data = self.bytes_of(message)
        if pgp:
            data = self.pgp_signed(data, sender)
        if dkim_domain is not None:
            data = self.dkim_signed(data, dkim_domain or domain)
        source = ip or DOMAINS.get(domain, ("127.0.9.9",))[0]
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname=f"mx.{domain}", timeout=60,
                          source_address=(source, 0)) as s:
            return s.sendmail(sender if envelope is None else envelope, rcpts, data)

    # ------------------------------------------------------------------ OpenPGP

    def _gpg(self, *args, home=None, uid=None, input_text=None):
        home = home or self.gnupg
        return run([*as_user(uid), "gpg", "--homedir", home, "--batch", "--no-tty", "--quiet", *args],
                   f"gpg {args[0]}", input_text=input_text, env=clean_env(HOME=home))

    def pgp_key(self, address, known=True):
        """Makes the address a key; known: its public half goes among the house's correspondents."""
        if address not in self.pgp:
            os.makedirs(self.gnupg, mode=0o700, exist_ok=True)
            self._gpg("--passphrase", "", "--quick-generate-key", f"Penulis <{address}>", "ed25519", "sign", "0")
            self.pgp.add(address)
        if known:
            self._gpg("--import", home=self.correspondents, uid=self.verify_uid,
                      input_text=self._gpg("--armor", "--export", f"<{address}>").stdout)

    def pgp_signed(self, message, address):
        """The message as multipart/signed (RFC 3156); its content part is signed as it stands."""
        if address not in self.pgp:
            self.pgp_key(address)
        head, _, body = message.partition(b"\r\n\r\n")
        fields, content = [], []
        for line in head.replace(b"\r\n ", b"\n ").replace(b"\r\n\t", b"\n\t").split(b"\r\n"):
            (content if line.lower().startswith(b"content-") else fields).append(line.replace(b"\n", b"\r\n"))
        part = b"\r\n".join(content or [b"Content-Type: text/plain"]) + b"\r\n\r\n" + body
        path = os.path.join(self.gnupg, "part")
        with open(path, "wb") as f:
            f.write(part)
        signature = self._gpg("--local-user", f"<{address}>", "--digest-algo", "SHA256", "--armor", "--output", "-",
                              "--detach-sign", path).stdout.replace("\n", "\r\n").encode()
        mark = base64.b32encode(os.urandom(10))
        return b"\r\n".join(fields) + (
            b"\r\nContent-Type: multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\";\r\n"
            b" boundary=\"" + mark + b"\"\r\n\r\n--" + mark + b"\r\n" + part + b"\r\n--" + mark +
            b"\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n" + signature +
            b"\r\n--" + mark + b"--\r\n")

    def stop(self):
        """Ends the agent of the writers' keys, if one was started."""
        if self.pgp:
            run(["gpgconf", "--homedir", self.gnupg, "--kill", "gpg-agent"], "gpgconf", check=False,
                env=clean_env(HOME=self.gnupg))
