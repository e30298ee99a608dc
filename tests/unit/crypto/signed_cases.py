"""Mails signed by gpg and by gpgsm's like, whole and tampered with: `signed_cases.py DIR`.

The writers' secret keys live in DIR/writers, what the house knows of them in DIR/correspondents. Writes DIR/<case>.eml;
what is expected of each case stands in test_verify_signed.c.
"""

import base64
import os
import subprocess
import sys

FOLDER = sys.argv[1]
WRITERS, KNOWN = os.path.join(FOLDER, "writers"), os.path.join(FOLDER, "correspondents")
AUTHOR = "surat@pelabuhan.example"
HEAD = f"From: Kantor <{AUTHOR}>\r\nTo: surat.diskominfo@dumai.example\r\nSubject: Balasan\r\nMIME-Version: 1.0\r\n"
PART = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDengan hormat=20\r\nkami setuju.\r\n"


def gpg(*args, home=WRITERS, data=None):
    """Runs gpg; its output."""
    return subprocess.run(["gpg", "--homedir", home, "--batch", "--no-tty", "--quiet", "--passphrase", "",
                           "--pinentry-mode", "loopback", *args], check=True, input=data, capture_output=True).stdout


def openssl(*args, data=None):
    """Runs openssl in the folder; its output."""
    return subprocess.run(["openssl", *args], check=True, input=data, capture_output=True, cwd=FOLDER).stdout


def write(name, text):
    """One case."""
    with open(os.path.join(FOLDER, f"{name}.eml"), "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())


def key(uid, expires="0", *more):
    """Makes a key; its fingerprint."""
    gpg(*more, "--quick-generate-key", uid, "ed25519", "sign", expires)
    listed = gpg("--with-colons", "--list-keys", uid).decode()
    return [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr")][0]


def signature(part, who, *more):
    """An armored detached signature with CRLF lines."""
    out = gpg("--local-user", who, "--digest-algo", "SHA256", *more, "--armor", "--detach-sign", data=part.encode())
    return out.decode().replace("\n", "\r\n")


def signed(part, sig, protocol="application/pgp-signature", kind="application/pgp-signature", mark="b1", more=""):
    """A multipart/signed, headers and all."""
    return (f"Content-Type: multipart/signed; micalg=pgp-sha256; protocol=\"{protocol}\"; boundary=\"{mark}\"\r\n\r\n"
            f"preamble\r\n--{mark}\r\n{part}\r\n--{mark}\r\nContent-Type: {kind}\r\n\r\n{sig}\r\n{more}--{mark}--\r\n")


def mixed(*parts, kind="mixed"):
    """A multipart of parts that have their headers."""
    return f"Content-Type: multipart/{kind}; boundary=\"m1\"\r\n\r\n" + "".join(
        f"--m1\r\n{p}\r\n" for p in parts) + "--m1--\r\n"


for home in (WRITERS, KNOWN):
    os.makedirs(home, mode=0o700)
good = key(f"Kantor <{AUTHOR}>")
other = key("Orang Lain <lain@pelabuhan.example>")
unknown = key(f"Palsu <{AUTHOR}>")
AGO = ("--faked-system-time", "20200101T000000")
old = key(f"Lama <{AUTHOR}>", "1d", *AGO)
long_ago = key(f"Dahulu <{AUTHOR}>", "0", *AGO)
gone = key(f"Dicabut <{AUTHOR}>")

whole = signed(PART, signature(PART, good))
write("good", HEAD + whole)
write("good-upper", HEAD.replace(AUTHOR, "Surat@Pelabuhan.example") + whole)
write("bad", HEAD + whole.replace("setuju", "tidak setuju"))
write("bad-space", HEAD + whole.replace("hormat=20", "hormat"))
write("stranger", HEAD + signed(PART, signature(PART, other)))
write("no-key", HEAD + signed(PART, signature(PART, unknown)))
write("revoked", HEAD + signed(PART, signature(PART, gone)))
write("expired", HEAD + signed(PART, signature(PART, old, *AGO)))
write("sig-expired", HEAD + signed(PART, signature(PART, long_ago, *AGO, "--default-sig-expire", "1d")))
write("sha1", HEAD + signed(PART, signature(PART, good, "--digest-algo", "SHA1")))
write("two-from", HEAD.replace("From:", "From: a@b.example\r\nFrom:", 1) + whole)
# Only a piece of what the reader sees.
text = "Content-Type: text/plain\r\n\r\nTransfer ke rekening lain.\r\n"
write("second-part", HEAD + mixed(text, whole))
write("footer", HEAD + mixed(whole, text))
write("alternative", HEAD + mixed(text, whole, kind="alternative"))
write("wrapped", HEAD + mixed(whole))
write("three-parts", HEAD + signed(PART, signature(PART, good), more="--b1\r\n" + text + "\r\n"))
write("swapped", HEAD + signed(signature(PART, good), PART))
write("one-part", HEAD + "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b1\r\n\r\n"
      f"--b1\r\n{PART}\r\n--b1--\r\n")
write("empty-signature", HEAD + signed(PART, ""))
write("junk", HEAD + signed(PART, "bukan tanda tangan"))
write("large", HEAD + signed(PART, "A" * 76 + "\r\n" + ("A" * 76 + "\r\n") * 4000))
write("forwarded", HEAD + mixed(text, "Content-Type: message/rfc822\r\n\r\n" + HEAD + whole))
# A signature that holds a content of its own, beside a content that nobody signed.
inner = gpg("--local-user", good, "--armor", "--sign", data=PART.encode()).decode().replace("\n", "\r\n")
write("opaque-beside", HEAD + signed(text, inner))
write("opaque-empty", HEAD + signed("", inner))
clear = gpg("--local-user", good, "--clearsign", data=b"kami setuju\n").decode().replace("\n", "\r\n")
write("clear-beside", HEAD + signed(text, clear))
# Header fields protected inside.
inside = "Subject: Balasan\r\n" + PART.replace("utf-8", "utf-8; protected-headers=v1")
write("protected", HEAD + signed(inside, signature(inside, good)))
write("protected-other", HEAD.replace("Balasan", "Tagihan") + signed(inside, signature(inside, good)))
write("protected-twice", HEAD + "Subject: Tagihan\r\n" + signed(inside, signature(inside, good)))
# Two signatures in one block.
both = gpg("--local-user", good, "--local-user", other, "--armor", "--detach-sign", data=PART.encode()).decode()
write("two-signers", HEAD + signed(PART, both.replace("\n", "\r\n")))

for who in (good, other, old, long_ago, gone):
    gpg("--import", home=KNOWN, data=gpg("--export", who))
with open(os.path.join(WRITERS, "openpgp-revocs.d", f"{gone}.rev"), encoding="utf-8") as f:
    gpg("--import", home=KNOWN, data=f.read().replace(":-----BEGIN", "-----BEGIN").encode())

# S/MIME: an authority that is trusted, and one that is not.
openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
        "-subj", "/CN=Uji CA", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")
for name, address in (("author", AUTHOR), ("visitor", "tamu@riau.example")):
    with open(os.path.join(FOLDER, "ext"), "w", encoding="ascii") as f:
        f.write(f"subjectAltName=email:{address}\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
            f"/CN={name}")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial",
            "7" if name == "author" else "8", "-days", "30", "-extfile", "ext", "-out", f"{name}.pem")
openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "self.key", "-out", "self.pem", "-days", "30",
        "-subj", "/CN=Palsu", "-addext", f"subjectAltName=email:{AUTHOR}")
gpg_home = {**os.environ, "GNUPGHOME": KNOWN}
subprocess.run(["gpgsm", "--batch", "--import", os.path.join(FOLDER, "ca.pem")], check=True, env=gpg_home,
               capture_output=True)
print_ = openssl("x509", "-in", "ca.pem", "-noout", "-fingerprint", "-sha1").decode().strip().partition("=")[2]
with open(os.path.join(KNOWN, "trustlist.txt"), "w", encoding="ascii") as f:
    f.write(f"{print_} S relax\n")


def smime(part, name, *more):
    """A detached CMS signature in base64."""
    der = openssl("cms", "-sign", "-binary", "-signer", f"{name}.pem", "-inkey", f"{name}.key", "-outform", "DER", *more,
                  data=part.encode())
    return "\r\n".join(base64.encodebytes(der).decode().split("\n"))


PKCS7 = "application/pkcs7-signature"
AS = PKCS7 + "\r\nContent-Transfer-Encoding: base64"
write("smime-good", HEAD + signed(PART, smime(PART, "author"), PKCS7, AS))
write("smime-bad", HEAD + signed(PART, smime(PART, "author"), PKCS7, AS).replace("setuju", "tidak setuju"))
write("smime-stranger", HEAD + signed(PART, smime(PART, "visitor"), PKCS7, AS))
write("smime-untrusted", HEAD + signed(PART, smime(PART, "self"), PKCS7, AS))
write("smime-part", HEAD + mixed(text, signed(PART, smime(PART, "author"), PKCS7, AS)))
write("smime-opaque", HEAD + "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n" + smime(PART, "author", "-nodetach"))
write("smime-beside", HEAD + signed(text, smime(PART, "author", "-nodetach"), PKCS7, AS))
write("smime-junk", HEAD + signed(PART, "AAAA", PKCS7, AS))
write("plain", HEAD + PART)
subprocess.run(["gpgconf", "--homedir", WRITERS, "--kill", "gpg-agent"], check=False)
with open(os.path.join(FOLDER, "zone"), "w", encoding="ascii") as f:
    f.write("pelabuhan.example. TXT \"v=spf1 -all\"\n")
