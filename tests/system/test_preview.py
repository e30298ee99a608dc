"""Untyped mail to the outside comes back as a preview; its reply decides."""

import email
import email.policy
import email.utils
import os
import signal

import pytest

from contrib.house.letters import COMPANY, answers, mail, reply
from contrib.house.mailbox import files_of, text_of
from contrib.house.tree import children, program


HEAD = "kadis.diskominfo"
DELIVERED = ("delivered", "dispatched", "closed")


def shown(office, login=HEAD, text="Mohon data.\n", files=()):
    """An untyped mail to the outside and the preview of it."""
    sent = mail(login, [COMPANY], office.subject("Pratinjau"), text, files)
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


def held_answers(office, *messages):
    """Submits them while no router is at work, so that one of them takes all at once."""
    parent = next(row[1].pid for row in office.house.processes.running if row[0] == "mtagw")
    routers = [p for p in children(parent) if program(p).startswith("mtagw-router")]
    routers += [c for p in routers for c in children(p)]
    for pid in routers:
        os.kill(pid, signal.SIGSTOP)
    try:
        for message in messages:
            office.house.submit(HEAD, message)
    finally:
        for pid in routers:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("words", [("OK", "BATAL"), ("OK", "PESAN"), ("BATAL", "OK")])
def test_of_two_answers_at_once_one_counts(office, words):
    sent, preview = shown(office)
    held_answers(office, *[reply(HEAD, preview, word + "\n") for word in words])
    office.outside(office.confirmed(HEAD, office.send_letter()))
    rows = [r for r in office.exchanges(office.letters(sent["Subject"])[0]) if r["event"] == "PromptAnswered"]
    assert len([r for r in rows if r["outcome"] in ("ok", "pesan", "batal")]) == 1, rows
    assert office.outside_count(sent["Subject"]) <= 1


def test_the_answers_own_files_stay_out(office, law):
    law("seal.xml", 'pdf="yes"', 'pdf="no"')
    sent, preview = shown(office, text="".join(f"Baris {n} dari surat yang panjang.\n" for n in range(60)),
                          files=[("asli.txt", "application/octet-stream", b"LAMPIRAN-ASLI-" * 40)])
    answer = mail(HEAD, [preview["Reply-To"]], "Re: " + preview["Subject"], "OK\n",
                  [("logo.txt", "application/octet-stream", b"LOGO-BALASAN-" * 40)], in_reply_to=preview["Message-ID"])
    office.house.submit(HEAD, answer)
    about, message = office.outside(office.letter(sent["Subject"], DELIVERED)["number"])
    assert about["openpgp"]["result"] == "good" and all(d["result"] == "pass" for d in about["dkim"])
    files = files_of(email.message_from_bytes(message, policy=email.policy.default))
    assert files["asli.txt"] == b"LAMPIRAN-ASLI-" * 40 and "logo.txt" not in files


def test_ok_makes_it_under_the_law_of_its_day(office, law):
    sent, preview = shown(office)
    law("seal.xml", 'pdf="yes"', 'pdf="no"')
    office.house.submit(HEAD, reply(HEAD, preview, "OK\n"))
    letter = office.letter(sent["Subject"], DELIVERED)
    office.outside(letter["number"])
    made = [r for r in office.exchanges(letter) if r["event"] in ("PromptAnswered", "Numbered", "SealedAndDkimSigned")]
    assert len(made) == 3 and len({r["policy_version"] for r in made}) == 1, made


def test_cleared_under_another_law_before_an_upgrade(office, law):
    """A row that no router writes any more: cleared in one commit, to be numbered in the next. Its own law wants a PDF, today's none."""
    sent, _ = shown(office)
    letter = office.letters(sent["Subject"])[0]
    law("seal.xml", 'pdf="yes"', 'pdf="no"')
    office.house.postgres.sql(f"update office.letter set state = 'cleared' where id = {letter['id']}; "
                              f"insert into mail.work (id, kind, ref, next_at) values ({letter['id']} + 1000000, 'number', {letter['id']}, 0)",
                              "mtagw")
    about, message = office.outside(office.letter(sent["Subject"], DELIVERED)["number"])
    assert about["openpgp"]["result"] == "good"
    assert any(n.endswith(".pdf") for n in files_of(email.message_from_bytes(message, policy=email.policy.default)))


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
