"""Mails signed by dkimpy, whole and tampered with, and the zone with their keys: `dkim_cases.py DIR`.

Writes DIR/zone and DIR/<case>.eml; what is expected of each case stands in test_verify_dkim.c.
"""

import base64
import os
import subprocess
import sys

import dkim
import nacl.encoding
import nacl.signing

FOLDER = sys.argv[1]
MAIL = (b"From: Kantor <surat@pelabuhan.example>\r\nTo: surat.diskominfo@dumai.example\r\nSubject: Balasan\r\n"
        b"Date: Tue, 24 Nov 2026 08:00:00 +0700\r\nMessage-ID: <1@pelabuhan.example>\r\n"
        b"Content-Type: text/plain\r\n\r\nDengan hormat,\r\n\r\nkami setuju.\r\n")
FIELDS = [b"from", b"to", b"subject", b"date", b"message-id", b"content-type"]
ZONE = []


def rsa_key(name, bits):
    """A PEM and its record published as name._domainkey of all domains used here."""
    pem = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, check=True,
                         capture_output=True).stdout
    return pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


def publish(name, domain, record):
    """A TXT record in strings of at most 255 bytes."""
    strings = " ".join(f'"{record[i:i + 250]}"' for i in range(0, len(record), 250))
    ZONE.append(f"{name}._domainkey.{domain}. TXT {strings}")


def write(name, data):
    """One case."""
    with open(os.path.join(FOLDER, f"{name}.eml"), "wb") as f:
        f.write(data)


def sign(mail=MAIL, selector=b"r", domain=b"pelabuhan.example", key=None, fields=tuple(FIELDS), **more):
    """The mail with a signature before it."""
    return dkim.sign(mail, selector, domain, key or RSA, include_headers=list(fields), **more) + mail


RSA, RECORD = rsa_key("r", 2048)
SMALL, SMALL_RECORD = rsa_key("small", 768)
OTHER, OTHER_RECORD = rsa_key("other", 2048)
ED = nacl.signing.SigningKey.generate()
ED_RECORD = "v=DKIM1; k=ed25519; p=" + ED.verify_key.encode(encoder=nacl.encoding.Base64Encoder).decode()

publish("r", "pelabuhan.example", RECORD)
publish("e", "pelabuhan.example", ED_RECORD)
publish("small", "pelabuhan.example", SMALL_RECORD)
publish("wrong", "pelabuhan.example", OTHER_RECORD)
publish("test", "pelabuhan.example", RECORD.replace("k=rsa", "k=rsa; t=y"))
publish("revoked", "pelabuhan.example", "v=DKIM1; k=rsa; p=")
publish("twice", "pelabuhan.example", RECORD)
publish("twice", "pelabuhan.example", OTHER_RECORD)
publish("long", "pelabuhan.example", RECORD + "; n=" + "x" * 1500)
publish("notes", "pelabuhan.example", RECORD)
publish("notes", "pelabuhan.example", "for the selector of the year")
publish("r", "mail.pelabuhan.example", RECORD)
publish("r", "asing.example", RECORD)
publish("r", "go.id", RECORD)
publish("r", "dinas.riau.go.id", RECORD)

write("none", MAIL)
write("pass", sign())
write("ed25519", sign(selector=b"e", key=base64.b64encode(ED.encode()), signature_algorithm=b"ed25519-sha256"))
write("both", sign(sign(), selector=b"e", key=base64.b64encode(ED.encode()), signature_algorithm=b"ed25519-sha256"))
write("body", sign().replace(b"kami setuju", b"kami tidak setuju"))
write("subject", sign().replace(b"Subject: Balasan", b"Subject: Tagihan"))
write("no-key", sign(selector=b"absent"))
write("wrong-key", sign(selector=b"wrong"))
write("revoked", sign(selector=b"revoked"))
write("two-keys", sign(selector=b"twice"))
write("long-key", sign(selector=b"long"))
write("notes", sign(selector=b"notes"))
write("test-key", sign(selector=b"test"))
write("small-key", sign(selector=b"small", key=SMALL))
write("sha1", sign(signature_algorithm=b"rsa-sha1"))
write("other-domain", sign(domain=b"asing.example"))
write("subdomain", sign(domain=b"mail.pelabuhan.example"))
# A public suffix signs for nobody below it.
write("suffix", sign(MAIL.replace(b"surat@pelabuhan.example", b"surat@dinas.riau.go.id"), domain=b"go.id"))
write("go-id", sign(MAIL.replace(b"surat@pelabuhan.example", b"surat@bidang.dinas.riau.go.id"),
                    domain=b"dinas.riau.go.id"))
# A second From put before or behind the signed one.
write("two-from", sign().replace(b"From: Kantor", b"From: Kepala <kepala@pelabuhan.example>\r\nFrom: Kantor", 1))
write("two-from-signed", sign(b"From: b@pelabuhan.example\r\n" + MAIL))
write("two-subject", sign().replace(b"Subject: Balasan", b"Subject: Tagihan\r\nSubject: Balasan", 1))
write("two-authors", sign(MAIL.replace(b"Kantor <surat@pelabuhan.example>",
                                       b"a@pelabuhan.example, b@pelabuhan.example")))
# l=: all of the body, then something added to it.
write("l-whole", sign(length=True))
write("l-added", sign(length=True) + b"Transfer ke rekening lain.\r\n")
write("l-nothing", sign(MAIL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", length=True,
                        canonicalize=(b"relaxed", b"relaxed")) + b"apa saja\r\n")
write("l-long", sign(length=True)[:-10])
# h= names each field of the message, and one more; in several counts.
names = [b"from", b"to", b"subject", b"date", b"message-id", b"content-type", b"dkim-signature"]
head = b"DKIM-Signature: v=1; a=rsa-sha256; c=%s; d=pelabuhan.example; s=r; h=%s;\r\n bh=%s; b=%s\r\n"
for n, canon in enumerate((b"simple/simple", b"relaxed/relaxed")):
    for more in range(0, 4):
        h = b":".join(names + [b"from"] * more)
        write(f"crash{n}{more}", head % (canon, h, b"A" * 43 + b"=", b"A" * 342 + b"==") + MAIL)
write("crash-many", head % (b"relaxed/relaxed", b":".join([b"from"] * 1500), b"A" * 43 + b"=", b"A" * 342 + b"==") + MAIL)
# What libopendkim has trouble with elsewhere: quoted-printable at the end of i=, copied fields.
write("crash-i", sign().replace(b"d=pelabuhan.example;", b"d=pelabuhan.example; i==;", 1))
write("crash-z", sign().replace(b"d=pelabuhan.example;", b"d=pelabuhan.example; z=" + b"From:a|" * 300 + b";", 1))
write("too-long", sign().replace(b"d=pelabuhan.example;", b"d=pelabuhan.example; x-" + b"a" * 9000 + b"=1;", 1))
write("malformed", b"DKIM-Signature: this is no tag list\r\n" + MAIL)
write("empty-signature", b"DKIM-Signature:\r\n" + MAIL)
write("many", (b"DKIM-Signature: v=1; a=rsa-sha256; d=asing.example; s=absent; h=from; bh=AA==; b=AA==\r\n" * 40) + sign())
write("fields", b"X-Isi: 1\r\n" * 1200 + sign())
write("no-header", b"\r\n" + MAIL)
write("empty", b"")
write("broken-header", b"ini bukan header\r\n" + sign())
write("name-trick", sign(MAIL.replace(b"Kantor <surat@pelabuhan.example>",
                                      b'"surat@dumai.example" <x@asing.example>'), domain=b"asing.example"))

with open(os.path.join(FOLDER, "zone"), "w", encoding="ascii") as f:
    f.write("\n".join(ZONE) + "\n")
