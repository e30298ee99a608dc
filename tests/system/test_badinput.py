"""Bad input over SMTP: a clear answer that names what and where, nothing lost, the server alive.

smtplib cannot say these things, so a plain socket does.
"""

import base64
import re
import ssl

import pytest

from contrib.house.letters import TYPED, mail, reply, rows
from contrib.house.mailbox import text_of, trust
from contrib.house.wire import Wire, login_wire

IKP = "kabid-ikp.diskominfo@dumai.example"
HEAD = "kadis.diskominfo@dumai.example"
ME = "kabid-aplikasi.diskominfo@dumai.example"
CLERK = "surat.diskominfo@dumai.example"
OUTSIDER = "humas@pelabuhan.example"


@pytest.fixture
def mx(office):
    """A greeted session on the MX."""
    with Wire(office.house.ports["mx"]) as wire:
        assert wire.say("EHLO outside.example")[0] == 250
        yield wire


@pytest.fixture
def login(office):
    """An authenticated session on submission."""
    with login_wire(office.house, ME) as wire:
        yield wire


def envelope(wire, sender, rcpt, data=True):
    """MAIL, RCPT, DATA up to 354."""
    assert wire.say(f"MAIL FROM:<{sender}>")[0] == 250
    assert wire.say(f"RCPT TO:<{rcpt}>")[0] == 250
    if data:
        assert wire.say("DATA")[0] == 354


def head(subject, sender=OUTSIDER, rcpt=CLERK, more=""):
    """A header block."""
    return (f"From: {sender}\r\nTo: {rcpt}\r\nSubject: {subject}\r\nDate: Tue, 24 Nov 2026 09:00:00 +0700\r\n"
            f"Message-ID: <{re.sub('[^a-z0-9]', '', subject.lower())}@outside.example>\r\n{more}\r\n").encode()


def still_works(office):
    """After whatever it was, the next mail goes through; and no subject given here was delivered."""
    sent = mail("kabid-aplikasi.diskominfo", [IKP], office.subject("Sesudah"), "masih hidup\n")
    office.house.submit("kabid-aplikasi.diskominfo", sent)
    office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == sent["Subject"], "the mail after")


def not_delivered(office, subject):
    """No clerk has it, once a later mail to the same clerk has come."""
    after = mail(OUTSIDER, [CLERK], office.subject("Penanda"), "x\n")
    office.house.from_outside(OUTSIDER, [CLERK], after)
    shown, _ = office.listed(after["Subject"])
    assert subject not in text_of(shown)
    office.house.submit(office.CLERK, reply(office.CLERK, shown, "BUKAN SURAT SEMUA\n"))


def refused(answer, code="5"):
    """An answer of the class, with an enhanced code and words."""
    assert str(answer[0]).startswith(code), answer
    assert re.match(rf"{code}\.\d+\.\d+ \S", answer[1]), answer


# ---------------------------------------------------------------------- line ends and end of data

@pytest.mark.parametrize("label,body", [
    ("bare LF in the body", b"satu\ndua\r\n"),
    ("bare CR in the body", b"satu\rdua\r\n"),
    ("bare LF in the header", b"X-A: b\nX-C: d\r\n\r\nisi\r\n"),
    ("CR CR LF", b"satu\r\r\ndua\r\n"),
])
def test_bare_line_ends_are_refused(office, mx, label, body):
    subject = office.subject("Akhir baris")
    envelope(mx, OUTSIDER, CLERK)
    start = head(subject)
    mx.send((start[:-2] if b"header" in label.encode() else start) + body + b".\r\n")
    refused(mx.reply())
    not_delivered(office, subject)


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n"])
def test_smuggled_end_of_data_ends_nothing(office, mx, end):
    first, second = office.subject("Luar"), office.subject("Selundupan")
    envelope(mx, OUTSIDER, CLERK)
    mx.send(head(first) + b"isi" + end + b"MAIL FROM:<sekda@dumai.example>\r\nRCPT TO:<" + CLERK.encode() +
            b">\r\nDATA\r\n" + head(second, "sekda@dumai.example") + b"palsu\r\n.\r\n")
    refused(mx.reply())
    not_delivered(office, second)
    still_works(office)


@pytest.mark.parametrize("port", ["mx", "submission"])
def test_plain_text_before_starttls_is_thrown_away(office, port):
    with Wire(office.house.ports[port]) as wire:
        wire.say("EHLO outside.example")
        wire.send(b"STARTTLS\r\nEHLO injected.example\r\nMAIL FROM:<sekda@dumai.example>\r\n")
        code, _ = wire.reply()
        if code != 220:  # pipelining after STARTTLS refused outright is as good
            assert code // 100 == 5
            return
        try:
            wire.sock = trust(office.house.certs["ca"]).wrap_socket(wire.sock, server_hostname="localhost")
        except (ssl.SSLError, ConnectionError):
            return  # the injected bytes were taken for a broken handshake
        wire.send(b"NOOP\r\n")
        assert wire.reply()[0] in (250, 503)
        # Nothing of what was injected stands: RCPT without our own MAIL is out of order.
        assert wire.say(f"RCPT TO:<{CLERK}>")[0] == 503


def test_command_line_too_long(mx):
    mx.send(b"MAIL FROM:<" + b"a" * 20000 + b"@x.example>\r\n")
    refused(mx.reply())


def test_message_line_too_long(office, mx):
    subject = office.subject("Baris panjang")
    envelope(mx, OUTSIDER, CLERK)
    mx.send(head(subject) + b"x" * 200000 + b"\r\n.\r\n")
    refused(mx.reply())
    not_delivered(office, subject)


def test_ten_megabytes_without_line_end(office):
    with Wire(office.house.ports["mx"]) as wire:
        wire.say("EHLO outside.example")
        envelope(wire, OUTSIDER, CLERK)
        wire.send(head("Tanpa akhir"))
        for _ in range(160):
            wire.send(b"y" * 65536)
        wire.send(b"\r\n.\r\n")
        code, _ = wire.reply()
        assert code == 0 or code // 100 in (4, 5)
    with Wire(office.house.ports["mx"]) as wire:
        for _ in range(160):
            wire.send(b"z" * 65536)
        assert wire.closed()
    still_works(office)


def test_nul_byte(office, mx):
    subject = office.subject("Nol")
    envelope(mx, OUTSIDER, CLERK)
    mx.send(head(subject) + b"sa\0tu\r\n.\r\n")
    refused(mx.reply())
    not_delivered(office, subject)


def test_nul_byte_in_a_command(mx):
    mx.send(b"MAIL FROM:<a\0b@x.example>\r\n")
    refused(mx.reply())


# ---------------------------------------------------------------------- shape of the message

def many_parts(count):
    """A multipart of so many parts."""
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + part * count + b"--b--\r\n"


def nested(depth):
    """multipart in multipart in ..."""
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(depth))
    closed = b"".join(b"\r\n--b%d--\r\n" % i for i in reversed(range(depth)))
    return b"MIME-Version: 1.0\r\n" + opened + b"Content-Type: text/plain\r\n\r\nx" + closed


def header_of(size):
    """A header block of so many bytes in fields that are fine alone."""
    field = b"X-Isi: " + b"a" * 900 + b"\r\n"
    return field * (size // len(field)) + b"\r\nisi\r\n"


def received(count):
    """So many hops."""
    return b"".join(b"Received: from a%d.example by b%d.example; Tue, 24 Nov 2026 09:00:00 +0700\r\n" % (i, i)
                    for i in range(count)) + b"\r\nisi\r\n"


@pytest.mark.parametrize("label,rest,word", [
    ("1001 parts", many_parts(1001), "part"),
    ("21 nestings", nested(21), "nest"),
    ("header of 300 KB", header_of(300 * 1024), "header"),
    ("26 Received hops", received(26), "hop|Received|loop"),
])
def test_guard_refuses_and_names_it(office, mx, label, rest, word):
    subject = office.subject("Bentuk")
    envelope(mx, OUTSIDER, CLERK)
    mx.send(head(subject)[:-2] + rest + b".\r\n")
    answer = mx.reply()
    refused(answer)
    assert re.search(word, answer[1], re.I), (label, answer)
    not_delivered(office, subject)


@pytest.mark.parametrize("label,rest", [
    ("many parts, allowed", many_parts(900)),
    ("19 nestings", nested(19)),
    ("header of 200 KB", header_of(200 * 1024)),
    ("20 Received hops", received(20)),
    ("broken base64", b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     b"!!!!not*base64====\r\n=\r\n"),
    ("unknown charset", b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=x-tidak-ada\r\n\r\nisi \xe9\r\n"),
    ("broken encoded word", b"X-A: =?x-tidak-ada?Q?=ZZ?=\r\n\r\nisi\r\n"),
    ("multipart without end", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\nisi\r\n"),
])
def test_ugly_but_lawful_reaches_the_clerk(office, mx, label, rest):
    subject = office.subject("Jelek")
    envelope(mx, OUTSIDER, CLERK)
    mx.send(head(subject)[:-2] + rest + b".\r\n")
    assert mx.reply()[0] == 250, label
    assert office.taken_in(subject)["Subject"] == subject


def test_message_over_the_size_limit(mx):
    size = re.search(r"^SIZE (\d+)", mx.say("EHLO outside.example")[1], re.M)
    assert size, "SIZE is announced"
    refused(mx.say(f"MAIL FROM:<{OUTSIDER}> SIZE={int(size.group(1)) + 1}"))


# ---------------------------------------------------------------------- who

@pytest.mark.parametrize("label,block", [
    ("no From", b"To: " + IKP.encode() + b"\r\nSubject: x\r\n\r\nisi\r\n"),
    ("two From fields", b"From: " + ME.encode() + b"\r\nFrom: " + ME.encode() + b"\r\nSubject: x\r\n\r\nisi\r\n"),
    ("From other than the login", b"From: kadis.diskominfo@dumai.example\r\nSubject: x\r\n\r\nisi\r\n"),
    ("two addresses in From", b"From: " + ME.encode() + b", sekda@dumai.example\r\nSubject: x\r\n\r\nisi\r\n"),
    ("somebody else first in From, with Sender", b"From: Sekretaris Daerah <sekda@dumai.example>, " + ME.encode() +
     b"\r\nSender: " + ME.encode() + b"\r\nSubject: x\r\n\r\nisi\r\n"),
    ("From in a comment's guise", b'From: "kabid-aplikasi.diskominfo@dumai.example" <sekda@dumai.example>\r\n\r\nisi\r\n'),
    ("a line that is no field", b"From: " + ME.encode() + b"\r\nini bukan medan\r\n\r\nisi\r\n"),
])
def test_submission_refuses(office, login, label, block):
    envelope(login, ME, IKP)
    login.send(block + b".\r\n")
    refused(login.reply())
    still_works(office)


def test_nobody_else_may_be_shown_as_the_writer(office, login):
    """Readers show the first of From: a Sender field gives no right to stand behind somebody else."""
    subject = office.subject("Dua penulis")
    envelope(login, ME, IKP)
    login.send(f"From: Sekretaris Daerah <sekda@dumai.example>, {ME}\r\nSender: {ME}\r\nSubject: {subject}\r\n\r\n"
               f"isi\r\n.\r\n".encode())
    code, text = login.reply()
    assert code == 550 and text.startswith("5.7.1 ") and "sekda@dumai.example" in text and ME in text, text
    still_works(office)
    assert not office.has("kabid-ikp.diskominfo", lambda m: m["Subject"] == subject)


def test_envelope_sender_must_be_the_login(login):
    answer = login.say("MAIL FROM:<kadis.diskominfo@dumai.example>")
    if answer[0] == 250:
        answer = login.say(f"RCPT TO:<{IKP}>")
    refused(answer)


def test_mail_without_auth_on_submission(office):
    with Wire(office.house.ports["submission"]) as wire:
        wire.say("EHLO client.example")
        assert wire.say(f"MAIL FROM:<{ME}>")[0] == 530
        assert not re.search(r"^AUTH", wire.say("EHLO client.example")[1], re.M), "AUTH is offered only under TLS"
        plain = base64.b64encode(f"\0{ME}\0x".encode()).decode()
        assert wire.say(f"AUTH PLAIN {plain}")[0] // 100 == 5


def test_wrong_password(office):
    with Wire(office.house.ports["submission"]) as wire:
        wire.say("EHLO client.example")
        wire.starttls(office.house.certs["ca"])
        wire.say("EHLO client.example")
        plain = base64.b64encode(f"\0{ME}\0salah".encode()).decode()
        code, text = wire.say(f"AUTH PLAIN {plain}")
        assert code == 535 and text.startswith("5.7.8")


@pytest.mark.parametrize("rcpt,code", [
    ("tidak.ada@dumai.example", 550), ("surat.dinas-antah@dumai.example", 550), ("kadis.tidakada@dumai.example", 550),
    ("siapa@lain.example", 550), ("postmaster@dumai.example", 250), ("abuse@dumai.example", 250),
    ("postmaster", 250), ("Surat.DISKOMINFO@Dumai.Example", 250),
])
def test_recipients_on_the_mx(mx, rcpt, code):
    mx.say(f"MAIL FROM:<{OUTSIDER}>")
    answer = mx.say(f"RCPT TO:<{rcpt}>")
    assert answer[0] == code, answer
    if code == 550:
        refused(answer)


def test_rcpt_to_nobody_on_submission(login):
    login.say(f"MAIL FROM:<{ME}>")
    refused(login.say("RCPT TO:<surat.tidakada@dumai.example>"))
    assert login.say("DATA")[0] in (503, 554)


def test_null_sender_is_taken(office, mx):
    subject = office.subject("Pemberitahuan")
    envelope(mx, "", CLERK)
    mx.send(head(subject) + b"isi\r\n.\r\n")
    assert mx.reply()[0] == 250


def test_order_of_commands(mx):
    assert mx.say(f"RCPT TO:<{CLERK}>")[0] == 503
    assert mx.say("DATA")[0] == 503
    assert mx.say("APAINI")[0] // 100 == 5
    assert mx.say("NOOP")[0] == 250
    assert mx.say("VRFY sekda")[0] in (252, 502, 550)


def test_too_many_errors_end_the_session(office):
    with Wire(office.house.ports["mx"]) as wire:
        wire.say("EHLO outside.example")
        codes = []
        for _ in range(200):
            codes.append(wire.say("APAINI")[0])
            if codes[-1] in (421, 0):
                break
        assert codes[-1] in (421, 0), codes[-3:]
    still_works(office)


def test_foreign_verdicts_and_gateway_fields_are_stripped(office, mx):
    subject = office.subject("Vonis palsu")
    envelope(mx, OUTSIDER, CLERK)
    mx.send(head(subject, more="Authentication-Results: mx.dumai.example; dkim=pass\r\nMtagw-Letter: 1\r\n"
                 "Authentication-Results: other.example; spf=pass\r\n") + b"isi\r\n.\r\n")
    assert mx.reply()[0] == 250
    got = office.taken_in(subject)
    assert not any("mx.dumai.example" in v and "dkim=pass" in v for v in got.get_all("Authentication-Results", []))
    assert got["Mtagw-Letter"] is None
    assert "isi" in text_of(got)


def test_our_own_domain_on_the_mx_has_no_authority(office, mx):
    """From says a head of ours, the port says anybody: it waits as mail from outside, with a warning, and is no letter."""
    subject = office.subject("Atas nama kita")
    assert mx.say(f"MAIL FROM:<{HEAD}>")[0] == 250
    refused(mx.say(f"RCPT TO:<{TYPED}>"))
    assert mx.say(f"RCPT TO:<{CLERK}>")[0] == 250
    assert mx.say("DATA")[0] == 354
    mx.send(head(subject, HEAD, more="Mtagw-Position: kadis.diskominfo\r\nReceived: by mx.dumai.example (mtagw) with ESMTPSA "
                 "id palsu; Tue, 24 Nov 2026 09:00:00 +0700\r\n") + b"Jenis: surat biasa\r\n\r\nBayarlah.\r\n.\r\n")
    assert mx.reply()[0] == 250
    shown, _ = office.listed(subject)
    assert "PERINGATAN" in text_of(shown)
    got = office.taken_in(subject)
    ours = [" ".join(r.split()) for r in got.get_all("Received")]
    assert " with ESMTP id " in ours[0] and "id palsu" in ours[-1], "what came with it stands below what we wrote"
    assert got["Mtagw-Position"] is None
    assert [r["direction"] for r in office.letters(subject)] == ["incoming"]


# ---------------------------------------------------------------------- letters that cannot be read whole

def letter_bytes(subject, rest):
    """A typed letter of the head, its content as given."""
    return (f"From: {HEAD}\r\nTo: surat-biasa@dumai.example, {OUTSIDER}\r\nSubject: ".encode() + subject +
            b"\r\nMIME-Version: 1.0\r\n" + rest)


def mixed(part):
    """Text and one file."""
    return (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nIsi surat.\r\n--b\r\n" + part +
            b"\r\n--b--\r\n")


ENCRYPTED = (b"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n"
             b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
             b"--b\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n--b--\r\n")


@pytest.mark.parametrize("label,rest,words", [
    ("unknown charset", b"Content-Type: text/plain; charset=x-tidak-ada\r\n\r\nIsi \xe9.\r\n", '"x-tidak-ada"'),
    ("no charset", b"\r\nIsi \xe9\xe8.\r\n", "tidak menyebut kumpulan huruf"),
    ("another charset than it says", b"Content-Type: text/plain; charset=utf-8\r\n\r\nIsi \xe9.\r\n", "charset: utf-8"),
    ("broken base64", b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nSX!!NpLg\r\n", "rusak"),
    ("broken enclosure", mixed(b"Content-Type: application/pdf; name=peta.pdf\r\nContent-Transfer-Encoding: base64\r\n"
                               b"\r\nAAA!"), "Lampiran peta.pdf rusak"),
    ("winmail.dat", mixed(b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx"), "Lampiran winmail.dat"),
    ("encrypted with PGP", ENCRYPTED, "terenkripsi"),
    ("encrypted with S/MIME", b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
     b"Content-Transfer-Encoding: base64\r\n\r\nMIAG\r\n", "terenkripsi"),
    ("closed S/MIME signature", b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
     b"Content-Transfer-Encoding: base64\r\n\r\nMIAG\r\n", "clear-signed"),
])
def test_unreadable_letter_is_asked_back_unnumbered(office, label, rest, words):
    subject = office.subject("Tak terbaca")
    office.house.submit(HEAD, letter_bytes(subject.encode(), rest), ["surat-biasa@dumai.example", OUTSIDER])
    told = office.see("kadis.diskominfo", lambda m: subject in (m["Subject"] or ""), f"the notice about {label}")
    assert words in text_of(told), text_of(told)
    assert "Belum ada nomor yang dipakai" in text_of(told)
    assert not office.letters(subject)
    assert not office.outside_count(subject)


def test_unreadable_subject_is_asked_back(office):
    subject = office.subject("Rusak")
    office.house.submit(HEAD, letter_bytes(b"=?x-tidak-ada?Q?=E9?= " + subject.encode(), b"\r\nIsi.\r\n"),
                        ["surat-biasa@dumai.example", OUTSIDER])
    told = office.see("kadis.diskominfo", lambda m: subject in (m["Subject"] or ""), "the notice about the subject")
    assert "hal (subjek)" in text_of(told)
    assert not [r for r in rows(office.ctl("letter", "list")) if subject in r["subject"]]


def test_pesan_inside_goes_as_it_is(office):
    """What is no letter is nobody's to judge: it arrives with the bytes it was sent with."""
    subject = office.subject("Pesan aneh")
    body = b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx\r\n"
    office.house.submit(ME, f"From: {ME}\r\nTo: {IKP}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n".encode() + body,
                        [IKP])
    got = office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == subject, "the pesan")
    assert got.get_content_type() == "application/ms-tnef"
