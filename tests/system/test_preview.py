"""Untyped mail to the outside comes back as a preview; its reply decides."""

import email.utils

import pytest

from contrib.house.letters import COMPANY, answers, mail, reply
from contrib.house.mailbox import text_of


def shown(office, login="kadis.diskominfo", text="Mohon data.\n"):
    """An untyped mail to the outside and the preview of it."""
    sent = mail(login, [COMPANY], office.subject("Pratinjau"), text)
    office.house.submit(login, sent)
    preview = office.see(login, lambda m: (m["Subject"] or "").startswith("[") and answers(m, sent), "the preview")
    return sent, preview


def test_preview_has_its_token_and_nobody_got_it(office):
    sent, preview = shown(office)
    address = email.utils.parseaddr(preview["Reply-To"])[1]
    assert address.startswith("ttd+") and address.endswith("@dumai.example")
    assert len(address.partition("@")[0]) <= 64
    assert "Mohon data." in text_of(preview)
    assert office.outside_count(sent["Subject"]) == 0


@pytest.mark.parametrize("word", ["OK", "ok", "OK\n\n> Mohon data.\n> 1"])
def test_ok_sends_it_as_a_letter(office, word):
    sent, preview = shown(office)
    office.house.submit("kadis.diskominfo", reply("kadis.diskominfo", preview, word + "\n"))
    letter = office.letter(sent["Subject"], ("delivered", "dispatched", "closed"))
    about, _ = office.outside(letter["number"])
    assert about["openpgp"]["result"] == "good"


def test_batal_drops_it(office):
    sent, preview = shown(office)
    office.house.submit("kadis.diskominfo", reply("kadis.diskominfo", preview, "BATAL\n"))
    office.see("kadis.diskominfo", lambda m: m["Message-ID"] != preview["Message-ID"] and
               sent["Subject"] in (m["Subject"] or ""), "the answer to BATAL")
    assert office.outside_count(sent["Subject"]) == 0
    assert all(not r.get("number") for r in office.letters(sent["Subject"]))


def test_pesan_sends_it_plain_or_is_refused_by_rule(office):
    sent, preview = shown(office)
    office.house.submit("kadis.diskominfo", reply("kadis.diskominfo", preview, "PESAN\n"))
    about, message = office.outside(sent["Subject"])
    assert about["openpgp"]["result"] == "none"
    assert sorted(d["algorithm"] for d in about["dkim"] if d["result"] == "pass") == ["ed25519-sha256", "rsa-sha256"]
    assert b"Mohon data." in message


@pytest.mark.parametrize("word", ["OK nanti saya baca", "baik", "KIRIM"])
def test_anything_else_is_asked_back(office, word):
    sent, preview = shown(office)
    office.house.submit("kadis.diskominfo", reply("kadis.diskominfo", preview, word + "\n"))
    asked = office.see("kadis.diskominfo", lambda m: m["Message-ID"] != preview["Message-ID"] and
                       sent["Subject"] in (m["Subject"] or "") , "the question back")
    assert "OK" in text_of(asked)
    assert office.outside_count(sent["Subject"]) == 0


def test_ok_from_another_login_does_nothing(office):
    sent, preview = shown(office)
    office.house.submit("kabid-aplikasi.diskominfo", reply("kabid-aplikasi.diskominfo", preview, "OK\n"))
    office.see("kabid-aplikasi.diskominfo", lambda m: "Re: " in (m["Subject"] or "") or sent["Subject"] in
               (m["Subject"] or ""), "an answer to the wrong login")
    assert office.outside_count(sent["Subject"]) == 0
    # The right one still can.
    office.house.submit("kadis.diskominfo", reply("kadis.diskominfo", preview, "OK\n"))
    office.outside(office.letter(sent["Subject"], ("delivered", "dispatched", "closed"))["number"])


def test_second_ok_makes_no_second_letter(office):
    sent, preview = shown(office)
    for _ in range(2):
        office.house.submit("kadis.diskominfo", reply("kadis.diskominfo", preview, "OK\n"))
    number = office.letter(sent["Subject"], ("delivered", "dispatched", "closed"))["number"]
    office.outside(number)
    after = office.send_letter()
    office.outside(office.confirmed("kadis.diskominfo", after))
    assert office.outside_count(number) == 1
    assert len(office.letters(sent["Subject"])) == 1


def test_forged_token_is_refused_or_ignored(office):
    sent, preview = shown(office)
    local, _, domain = email.utils.parseaddr(preview["Reply-To"])[1].partition("@")
    forged = local[:-1] + ("a" if local[-1] != "a" else "b")
    message = mail("kadis.diskominfo", [f"{forged}@{domain}"], "Re: x", "OK\n")
    try:
        office.house.submit("kadis.diskominfo", message)
    except Exception as e:  # a refusal at RCPT is as good
        assert "550" in str(e)
    after = office.send_letter()
    office.outside(office.confirmed("kadis.diskominfo", after))
    assert office.outside_count(sent["Subject"]) == 0
