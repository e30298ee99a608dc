"""Ordinary mail inside the house is a pesan: delivered, told, never numbered or sealed."""

import email.policy

from contrib.house.letters import mail, number_in
from contrib.house.mailbox import text_of

IKP = "kabid-ikp.diskominfo@dumai.example"


def test_pesan_is_delivered_as_it_was_written(office):
    sent = mail("kabid-aplikasi.diskominfo", [IKP], office.subject("Pesan"), "Rapat dipindah.\n",
                [("a.txt", "text/plain", b"isi\r\n")])
    office.house.submit("kabid-aplikasi.diskominfo", sent)
    got = office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == sent["Subject"], "the pesan")
    assert got.get_content_type() == "multipart/mixed"
    assert "Rapat dipindah." in text_of(got)
    assert got["Message-ID"] == sent["Message-ID"]
    assert got["DKIM-Signature"] is None
    assert not number_in(text_of(got))
    assert office.letters(sent["Subject"]) == []


def test_several_recipients_get_one_each(office):
    to = [IKP, "sekretaris.diskominfo@dumai.example", "kadis.dinkes@dumai.example"]
    sent = mail("kabid-aplikasi.diskominfo", to, office.subject("Pesan"), "Untuk semua.\n")
    office.house.submit("kabid-aplikasi.diskominfo", sent)
    for login in to:
        office.see(login.partition("@")[0], lambda m: m["Subject"] == sent["Subject"], "the pesan")
        with office.house.mailbox(login.partition("@")[0]) as box:
            assert sum(m["Subject"] == sent["Subject"] for _, m in box.messages()) == 1


def test_blind_copy_is_delivered_and_not_shown(office):
    sent = mail("kabid-aplikasi.diskominfo", [IKP], office.subject("Pesan"), "Tembusan buta.\n")
    sent["Bcc"] = "sekretaris.diskominfo@dumai.example"
    office.house.submit("kabid-aplikasi.diskominfo", sent.as_bytes(policy=email.policy.SMTP),
                        [IKP, "sekretaris.diskominfo@dumai.example"])
    for login in ("kabid-ikp.diskominfo", "sekretaris.diskominfo"):
        got = office.see(login, lambda m: m["Subject"] == sent["Subject"], "the pesan")
        assert got["Bcc"] is None
        assert b"sekretaris.diskominfo" not in got.raw.partition(b"\r\n\r\n")[0].partition(b"\r\nFrom:")[2]


def test_missing_date_and_message_id_are_made(office):
    subject = office.subject("Pesan")
    office.house.submit("kabid-aplikasi.diskominfo",
                        f"From: kabid-aplikasi.diskominfo@dumai.example\r\nTo: {IKP}\r\nSubject: {subject}\r\n\r\nisi\r\n"
                        .encode(), [IKP])
    got = office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == subject, "the pesan")
    assert got["Date"] and got["Message-ID"].endswith("dumai.example>")


def test_implicit_tls_port(office):
    sent = mail("kabid-aplikasi.diskominfo", [IKP], office.subject("Pesan"), "Lewat 465.\n")
    office.house.submit("kabid-aplikasi.diskominfo", sent, port="submissions")
    office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == sent["Subject"], "the pesan")


def test_sent_twice_by_a_client_that_lost_the_answer_is_one(office):
    sent = mail("kabid-aplikasi.diskominfo", [IKP], office.subject("Pesan"), "Sekali saja.\n")
    for _ in range(2):
        office.house.submit("kabid-aplikasi.diskominfo", sent)
    after = mail("kabid-aplikasi.diskominfo", [IKP], office.subject("Sesudah"), "Penanda.\n")
    office.house.submit("kabid-aplikasi.diskominfo", after)
    office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == after["Subject"], "the mail after")
    with office.house.mailbox("kabid-ikp.diskominfo") as box:
        assert sum(m["Subject"] == sent["Subject"] for _, m in box.messages()) == 1
