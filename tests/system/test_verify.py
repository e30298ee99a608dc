"""What the running house says of mail from outside: signed by dkimpy and gpg, forged, or a worker's end."""

import os
import signal
import subprocess
from email.message import EmailMessage

import pytest

AUTHOR = "direktur@pelabuhan.example"
IP = "127.0.1.1"


@pytest.fixture(name="judge")
def fixture_judge(house, tmp_path):
    def judge(data, *options, json_out=True):
        path = tmp_path / "mail.eml"
        path.write_bytes(data)
        os.chmod(path, 0o644)
        return house.ctl("verify", str(path), *options, json_out=json_out)
    return judge


def letter(house, sender=AUTHOR):
    """A plain mail from outside, as bytes."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Direktur <{sender}>", "surat.diskominfo@dumai.example", "Balasan"
    message.set_content("Dengan hormat,\nkami setuju.\n")
    return house.outside.bytes_of(message)


def envelope(ip=IP, sender=AUTHOR):
    return "--peer", ip, "--helo", "mx.pelabuhan.example", "--sender", sender


def test_genuine(house, judge):
    data = house.outside.dkim_signed(letter(house), "pelabuhan.example")
    said = judge(data, *envelope())
    assert (said["level"], said["spf"], said["dmarc"]) == ("proven", "pass", "pass")
    assert [(d["result"], d["aligned"]) for d in said["dkim"]] == [("pass", True)]
    table = judge(data, *envelope(), json_out=False).stdout
    assert "proven" in table and "pelabuhan.example aligned" in table


def test_forged(house, judge):
    data = letter(house)
    said = judge(data, *envelope("127.0.9.9"))
    assert (said["level"], said["spf"], said["dmarc"], said["dmarc_policy"]) == ("failed", "fail", "fail", "reject")
    # Signed, but by somebody else.
    said = judge(house.outside.dkim_signed(data, "warga.example"), *envelope("127.0.1.3", "x@warga.example"))
    assert (said["level"], said["spf"], said["dkim"][0]["result"]) == ("failed", "pass", "pass")
    assert not said["dkim"][0]["aligned"]
    # Changed on its way.
    data = house.outside.dkim_signed(data, "pelabuhan.example").replace(b"kami setuju", b"kami menolak")
    assert judge(data)["level"] == "failed"
    # As if it came from the house itself.
    own = letter(house, "kadis.diskominfo@dumai.example")
    assert judge(own, *envelope("127.0.9.9", "kadis.diskominfo@dumai.example"))["level"] == "failed"


def test_signed_by_its_author(house, judge):
    data = house.outside.pgp_signed(letter(house), AUTHOR)
    said = judge(house.outside.dkim_signed(data, "pelabuhan.example"))
    assert said["level"] == "signed"
    assert [(s["kind"], s["result"]) for s in said["signatures"]] == [("openpgp", "good")]
    assert judge(data.replace(b"kami setuju", b"kami menolak"))["level"] == "failed"
    other = house.outside.pgp_signed(letter(house, "lain@pelabuhan.example"), AUTHOR)
    assert judge(other)["signatures"][0]["result"] == "stranger"


def test_the_outside_sends(house):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = AUTHOR, "surat.diskominfo@dumai.example", "Balasan lewat SMTP"
    message.set_content("Dengan hormat,\nkami setuju.\n")
    assert house.outside.send(AUTHOR, ["surat.diskominfo@dumai.example"], message, pgp=True) == {}


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def test_killed_workers_are_replaced(house, judge):
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    role = [int(line.split()[0]) for line in found.splitlines()
            if f"{house.libexec}/mtagw-verify -c {house.conf}" in line]
    # each worker has a child too, the process that asks for names
    parent = [p for p in role if any(set(children(c)) & set(role) for c in children(p))]
    assert len(parent) == 1
    for worker in children(parent[0]):
        os.kill(worker, signal.SIGKILL)
    assert judge(letter(house))["from_domain"] == "pelabuhan.example"


def test_a_role_without_keys_and_database(house):
    if os.geteuid() != 0:
        pytest.skip("all roles share a user when not started by root")
    for secret in ("secrets/router", "secrets/token", "dkim", "gnupg"):
        path = os.path.join(house.state, secret)
        if os.path.exists(path):
            done = subprocess.run(["setpriv", f"--reuid={house.uid('verify')}", f"--regid={house.uid('verify')}",
                                   "--clear-groups", "ls" if os.path.isdir(path) else "cat", path],
                                  capture_output=True, check=False)
            assert done.returncode != 0, path
