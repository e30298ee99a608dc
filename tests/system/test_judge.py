"""The outside judge is judged: it must say no where no is right, else its yes is worth nothing. Needs no house."""

import base64
import os
import sys

import dkim
import nacl.signing
import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from contrib.house.process import clean_env, run  # noqa: E402
from contrib.house.verdict import Gpg, check_dkim, split_signed  # noqa: E402

BODY = b"Content-Type: text/plain\r\nSubject: Hal\r\n\r\nIsi surat.\r\n\r\n"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A DKIM pair and an OpenPGP key of our own, made here."""
    folder = tmp_path_factory.mktemp("keys")
    rsa = folder / "rsa.pem"
    run(["openssl", "genrsa", "-traditional", "-out", str(rsa), "2048"], "openssl")
    public = run(["openssl", "rsa", "-in", str(rsa), "-pubout", "-outform", "PEM"], "openssl").stdout
    seed = nacl.signing.SigningKey.generate()
    records = {
        "r._domainkey.kota.example": "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1]),
        "e._domainkey.kota.example": "v=DKIM1; k=ed25519; p=" + base64.b64encode(seed.verify_key.encode()).decode(),
    }
    private = {"r": rsa.read_bytes(), "e": base64.b64encode(seed.encode())}
    home = folder / "g"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--passphrase", ""]
    env = clean_env(HOME=str(home))
    public_folder = folder / "public"
    public_folder.mkdir()
    for who, expire in (("baik", "0"), ("lewat", "seconds=1")):
        run([*gpg, *(["--faked-system-time", "20200101T000000"] if who == "lewat" else []), "--quick-gen-key",
             f"{who}@kota.example", "ed25519", "sign", expire], "gpg", env=env)
        (public_folder / f"{who}.asc").write_text(
            run([*gpg, "--armor", "--export", f"{who}@kota.example"], "gpg", env=env).stdout)
    yield records, private, gpg, env, public_folder
    run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], "gpgconf", env=env, check=False)


def letter(keys, tmp_path, who="baik", body=BODY, more=()):
    """A multipart/signed letter."""
    _, _, gpg, env, _ = keys
    (tmp_path / "part").write_bytes(body)
    signature = run([*gpg, *more, "--armor", "--local-user", f"{who}@kota.example", "--output", "-", "--detach-sign",
                     str(tmp_path / "part")], "gpg", env=env).stdout.replace("\n", "\r\n").encode()
    return (b"From: baik@kota.example\r\nTo: b@luar.example\r\nSubject: Hal\r\nMessage-ID: <1@kota.example>\r\n"
            b"Date: Tue, 24 Nov 2026 09:00:00 +0700\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed;\r\n"
            b' micalg=pgp-sha256; protocol="application/pgp-signature"; boundary="=_b"\r\n\r\n'
            b"Ini surat bersegel.\r\n--=_b\r\n" + body + b"\r\n--=_b\r\nContent-Type: application/pgp-signature\r\n\r\n" +
            signature + b"\r\n--=_b--\r\n")


def signed(keys, message):
    """With both DKIM signatures on top."""
    _, private, *_ = keys
    rsa = dkim.sign(message, b"r", b"kota.example", private["r"], canonicalize=(b"relaxed", b"relaxed"))
    ed = dkim.sign(message, b"e", b"kota.example", private["e"], canonicalize=(b"relaxed", b"relaxed"),
                   signature_algorithm=b"ed25519-sha256")
    return rsa + ed + message


def test_both_dkim_algorithms_pass(keys, tmp_path):
    verdicts = check_dkim(signed(keys, letter(keys, tmp_path)), keys[0])
    assert [(v["algorithm"], v["result"]) for v in verdicts] == [("rsa-sha256", "pass"), ("ed25519-sha256", "pass")]


@pytest.mark.parametrize("old,new", [(b"Isi surat", b"Isi suraT"), (b"Subject: Hal\r\nMessage", b"Subject: Lain\r\nMessage")])
def test_dkim_sees_a_change(keys, tmp_path, old, new):
    message = signed(keys, letter(keys, tmp_path))
    assert message.count(old) == 1
    assert [v["result"] for v in check_dkim(message.replace(old, new), keys[0])] == ["fail", "fail"]


def test_dkim_without_record_fails(keys, tmp_path):
    assert [v["result"] for v in check_dkim(signed(keys, letter(keys, tmp_path)), {})] == ["fail", "fail"]
    assert check_dkim(letter(keys, tmp_path), keys[0]) == []


def test_openpgp_good_and_exact_bytes(keys, tmp_path):
    message = letter(keys, tmp_path)
    assert split_signed(message)[0] == BODY
    verdict = Gpg(str(tmp_path / "v"), str(keys[4])).check(message)
    assert verdict["result"] == "good" and verdict["uid"] == "baik@kota.example" and len(verdict["fingerprint"]) == 40
    assert verdict["protected"] == {"subject": True}


@pytest.mark.parametrize("old,new", [(b"Isi surat", b"Isi suraT"), (b"surat.\r\n\r\n\r\n", b"surat.\r\n\r\n")])
def test_openpgp_sees_a_change(keys, tmp_path, old, new):
    message = letter(keys, tmp_path)
    assert message.count(old) == 1
    assert Gpg(str(tmp_path / "v"), str(keys[4])).check(message.replace(old, new))["result"] == "bad"


def test_openpgp_of_an_expired_or_unknown_key_is_bad(keys, tmp_path):
    expired = letter(keys, tmp_path, "lewat", more=("--faked-system-time", "20200101T000000"))
    assert Gpg(str(tmp_path / "v"), str(keys[4])).check(expired)["result"] == "bad"
    nobody = tmp_path / "none"
    nobody.mkdir()
    assert Gpg(str(tmp_path / "w"), str(nobody)).check(letter(keys, tmp_path))["result"] == "bad"


def test_outer_subject_that_differs_is_told(keys, tmp_path):
    message = letter(keys, tmp_path).replace(b"Subject: Hal\r\nMessage", b"Subject: Lain\r\nMessage")
    assert Gpg(str(tmp_path / "v"), str(keys[4])).check(message)["protected"] == {"subject": False}


def test_unsigned_is_none(keys, tmp_path):
    assert Gpg(str(tmp_path / "v"), str(keys[4])).check(BODY)["result"] == "none"
