"""What EHLO announces: each extension does what its RFC says, and opens no way around the limits."""

import re

import pytest

from contrib.house.letters import mail
from contrib.house.mailbox import text_of
from contrib.house.wire import Wire, login_wire

IKP = "kabid-ikp.diskominfo@dumai.example"
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


def envelope(wire, sender, rcpt):
    """MAIL and RCPT."""
    assert wire.say(f"MAIL FROM:<{sender}>")[0] == 250
    assert wire.say(f"RCPT TO:<{rcpt}>")[0] == 250


def letter(subject, sender=OUTSIDER, rcpt=CLERK, text=b"isi\r\n"):
    """A whole message."""
    return (f"From: {sender}\r\nTo: {rcpt}\r\nSubject: {subject}\r\nDate: Tue, 24 Nov 2026 09:00:00 +0700\r\n"
            f"Message-ID: <{re.sub('[^a-z0-9]', '', subject.lower())}@outside.example>\r\n\r\n").encode() + text


def bdat(wire, octets, last=""):
    """A chunk and its answer."""
    wire.send(b"BDAT %d%s\r\n" % (len(octets), last.encode()) + octets)
    return wire.reply()


# ---------------------------------------------------------------------- CHUNKING

def test_chunks_make_one_mail(office, login):
    """Cut within a line end and with a lone dot in it: what arrives is what was sent."""
    subject = office.subject("Potongan")
    body = b"satu\r\n.\r\n..dua\r\n" + b"panjang " * 100 + b"\r\n" + b"x\r\n" * 40000
    whole = letter(subject, ME, IKP, body)
    assert "CHUNKING" in login.say("EHLO client.example")[1].split("\n")
    envelope(login, ME, IKP)
    at = whole.index(b"satu\r\n") + 5  # behind a CR
    for piece in (whole[:7], whole[7:at], whole[at:at + 3], whole[at + 3:at + 90000], b"", whole[at + 90000:]):
        assert bdat(login, piece)[0] == 250
    code, text = bdat(login, b"", " LAST")
    assert code == 250 and "queued" in text
    got = office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == subject, "the mail in chunks")
    assert text_of(got).replace("\r\n", "\n").rstrip("\n") == body.decode().replace("\r\n", "\n").rstrip("\n")


def test_chunks_all_at_once(office, mx):
    """Pipelined: commands and octets in one segment, two mails, the second by DATA."""
    first, second = office.subject("Beruntun"), office.subject("Susulan")
    one, two = letter(first), letter(second)
    start = f"MAIL FROM:<{OUTSIDER}>\r\nRCPT TO:<{CLERK}>\r\n".encode()
    mx.send(start + b"BDAT %d\r\n" % 20 + one[:20] + b"BDAT %d LAST\r\n" % (len(one) - 20) + one[20:] + start +
            b"DATA\r\n" + two + b".\r\n")
    assert [mx.reply()[0] for _ in range(8)] == [250, 250, 250, 250, 250, 250, 354, 250]
    assert office.taken_in(first)["Subject"] == first
    assert office.taken_in(second)["Subject"] == second


@pytest.mark.parametrize("label,state,code", [
    ("before MAIL", "", 503), ("before RCPT", "mail", 503), ("no valid recipient", "nobody", 503),
    ("after LAST", "after", 503),
])
def test_refused_chunk_eats_its_octets(office, mx, label, state, code):
    subject = office.subject("Selundupan")
    if state in ("mail", "nobody"):
        assert mx.say(f"MAIL FROM:<{OUTSIDER}>")[0] == 250
    if state == "nobody":
        assert mx.say("RCPT TO:<tidak.ada@dumai.example>")[0] == 550
    if state == "after":
        envelope(mx, OUTSIDER, CLERK)
        assert bdat(mx, letter(office.subject("Sebelum")), " LAST")[0] == 250
    octets = (f"RSET\r\nMAIL FROM:<{OUTSIDER}>\r\nRCPT TO:<{CLERK}>\r\nDATA\r\n".encode() + letter(subject) +
              b".\r\n")
    assert bdat(mx, octets, " LAST")[0] == code, label
    assert mx.say("NOOP") == (250, "2.0.0 ok")  # the very next answer: nothing in the chunk was a command
    assert not [r for r in office.letters(subject)]


def test_data_does_not_mix_with_chunks(mx):
    envelope(mx, OUTSIDER, CLERK)
    assert bdat(mx, b"Subject: x\r\n")[0] == 250
    assert mx.say("DATA")[0] == 503
    assert mx.say(f"RCPT TO:<{CLERK}>")[0] == 503
    assert mx.say("RSET")[0] == 250
    assert bdat(mx, b"Subject: x\r\n", " LAST")[0] == 503


@pytest.mark.parametrize("octets", [b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"a\r\r\n", b"x" * 3000 + b"\r\n"])
def test_chunks_are_lines_as_strict_as_data(office, mx, octets):
    subject = office.subject("Baris")
    envelope(mx, OUTSIDER, CLERK)
    assert bdat(mx, letter(subject))[0] == 250
    assert bdat(mx, octets)[0] == 550
    assert bdat(mx, b"", " LAST")[0] == 550
    assert mx.say("NOOP")[0] == 250
    assert not [r for r in office.letters(subject)]


@pytest.mark.parametrize("line", ["BDAT", "BDAT x LAST", "BDAT -1", "BDAT 0x10", "BDAT 10 LAST NOW",
                                  "BDAT 18446744073709551620 LAST"])
def test_chunk_without_a_count_ends_the_session(mx, line):
    envelope(mx, OUTSIDER, CLERK)
    assert mx.say(line)[0] == 501
    assert mx.closed()


def test_chunks_over_the_size_limit(office, mx):
    size = int(re.search(r"^SIZE (\d+)", mx.say("EHLO outside.example")[1], re.M).group(1))
    envelope(mx, OUTSIDER, CLERK)
    assert bdat(mx, letter(office.subject("Besar")))[0] == 250
    mx.send(b"BDAT %d LAST\r\n" % size)
    for _ in range(size // 65536):
        mx.send(b"y" * 65536)
    mx.send(b"y" * (size % 65536))
    code, text = mx.reply()
    assert code == 552 and text.startswith("5.3.4")
    assert mx.say("NOOP")[0] == 250
    envelope(mx, OUTSIDER, CLERK)
    assert mx.say(f"BDAT {size + 1}")[0] == 552
    assert mx.closed()


def test_binarymime_is_not_offered(mx):
    assert "BINARYMIME" not in mx.say("EHLO outside.example")[1]
    assert mx.say(f"MAIL FROM:<{OUTSIDER}> BODY=BINARYMIME")[0] == 555


def test_peer_that_leaves_within_a_chunk(office):
    with Wire(office.house.ports["mx"]) as wire:
        wire.say("EHLO outside.example")
        envelope(wire, OUTSIDER, CLERK)
        wire.send(b"BDAT 100000 LAST\r\n" + letter(office.subject("Putus")))
    sent = mail("kabid-aplikasi.diskominfo", [IKP], office.subject("Sesudah"), "masih hidup\n")
    office.house.submit("kabid-aplikasi.diskominfo", sent)
    office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == sent["Subject"], "the mail after")
