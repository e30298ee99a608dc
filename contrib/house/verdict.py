"""What the outside thinks of a letter: DKIM by dkimpy, OpenPGP by gpg. None of it is code of mtagw."""

import email
import email.policy
import json
import os
import re
import subprocess
import sys
import tempfile

import dkim

from .process import clean_env


def read_records(path):
    """The peer's DNS: lines `name<blank>TXT value`."""
    records = {}
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                name, _, value = line.strip().partition(" ")
                if name and not name.startswith("#"):
                    records[name.rstrip(".").lower()] = value.strip()
    except FileNotFoundError:
        pass
    return records


def check_dkim(message, records):
    """A verdict for each DKIM-Signature: [{selector, domain, algorithm, result, headers}], in order of the fields."""
    def lookup(name, timeout=5):
        name = name.decode("ascii") if isinstance(name, bytes) else name
        return records.get(name.rstrip(".").lower(), "").encode("ascii")

    verdicts = []
    fields = [v for n, v in dkim.rfc822_parse(message)[0] if n.lower() == b"dkim-signature"]
    for i, field in enumerate(fields):
        try:
            tags = {k.decode(): v.decode() for k, v in dkim.parse_tag_value(field).items()}
        except (dkim.DKIMException, ValueError) as e:
            verdicts.append({"result": "fail", "why": str(e)})
            continue
        verdict = {"selector": tags.get("s"), "domain": tags.get("d"), "algorithm": tags.get("a"),
                   "headers": re.sub(r"\s+", "", tags.get("h", "")).lower().split(":")}
        try:
            good = dkim.DKIM(message, minkey=1024).verify(idx=i, dnsfunc=lookup)
            verdict["result"] = "pass" if good else "fail"
        except Exception as e:  # a verifier for tests says what it saw, whatever it is
            verdict.update(result="fail", why=f"{type(e).__name__}: {e}")
        verdicts.append(verdict)
    return verdicts


def split_signed(message):
    """(exact bytes of the signed part, signature bytes) of a multipart/signed message; None when it is none.

    RFC 3156 section 5: the signed bytes end before the CRLF that belongs to the next delimiter.
    """
    head = email.message_from_bytes(message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=email.policy.compat32)
    if head.get_content_type() != "multipart/signed":
        return None
    boundary = head.get_boundary()
    if not boundary:
        return None
    mark = b"\r\n--" + boundary.encode("ascii", "replace")
    parts = (b"\r\n" + message.partition(b"\r\n\r\n")[2]).split(mark)
    if len(parts) != 4 or not parts[3].startswith(b"--"):
        return None
    signed = parts[1].partition(b"\r\n")[2]
    second = email.message_from_bytes(parts[2].partition(b"\r\n")[2])
    if second.get_content_type() != "application/pgp-signature":
        return None
    return signed, second.get_payload(decode=True)


def protected_match(message, signed):
    """Whether the header fields protected inside (RFC 9788) say what the outer ones say: {field: bool}."""
    outer = email.message_from_bytes(message, policy=email.policy.default)
    inner = email.message_from_bytes(signed, policy=email.policy.default)
    return {n.lower(): str(inner[n]) == str(outer[n])
            for n in ("From", "To", "Cc", "Subject", "Date", "Message-ID") if n in inner}


class Gpg:
    """gpg with a public keyring of its own."""

    def __init__(self, home, keys):
        self.home, self.keys, self.seen = home, keys, {}
        os.makedirs(home, mode=0o700, exist_ok=True)

    def _gpg(self, *args):
        return subprocess.run(["gpg", "--homedir", self.home, "--batch", "--no-tty", "--no-autostart",
                               "--no-auto-key-retrieve", "--trust-model", "always", "--status-fd", "1", *args],
                              capture_output=True, env=clean_env(HOME=self.home), timeout=60, check=False)

    def take_keys(self):
        """Imports public keys laid into the folder since the last time."""
        for name in sorted(os.listdir(self.keys)) if os.path.isdir(self.keys) else []:
            path = os.path.join(self.keys, name)
            stamp = os.stat(path).st_mtime_ns
            if name.endswith(".asc") and self.seen.get(name) != stamp:
                self._gpg("--import", path)
                self.seen[name] = stamp

    def check(self, message):
        """{result: good|bad|none, fingerprint, uid, status, protected}. Good: GOODSIG and VALIDSIG, nothing else wrong.

        Not the exit status: gpg gives 0 for an expired and for a revoked key too.
        """
        split = split_signed(message)
        if not split or not split[1]:
            return {"result": "none"}
        self.take_keys()
        with tempfile.NamedTemporaryFile(dir=self.home) as data, tempfile.NamedTemporaryFile(dir=self.home) as sig:
            data.write(split[0])
            data.flush()
            sig.write(split[1])
            sig.flush()
            out = self._gpg("--verify", sig.name, data.name)
        status = [line.split(" ", 2)[1:] for line in out.stdout.decode("utf-8", "replace").splitlines()
                  if line.startswith("[GNUPG:] ")]
        said = {s[0]: (s[1] if len(s) > 1 else "") for s in status}
        good = ("GOODSIG" in said and "VALIDSIG" in said and
                not {"EXPKEYSIG", "REVKEYSIG", "EXPSIG", "BADSIG", "ERRSIG", "FAILURE"} & said.keys())
        return {"result": "good" if good else "bad", "fingerprint": said.get("VALIDSIG", "").partition(" ")[0],
                "uid": said.get("GOODSIG", "").partition(" ")[2], "status": sorted(said),
                "protected": protected_match(message, split[0])}


if __name__ == "__main__":  # verdict.py MESSAGE DNS-FILE KEYS-FOLDER GNUPGHOME
    with open(sys.argv[1], "rb") as file:
        letter = file.read()
    print(json.dumps({"dkim": check_dkim(letter, read_records(sys.argv[2])),
                      "openpgp": Gpg(sys.argv[4], sys.argv[3]).check(letter)}, indent=1))
