"""What EHLO announces: each extension does what its RFC says, and opens no way around the limits."""

import re
import socket
import struct

import pytest

from contrib.house.instance import BALANCER
from contrib.house.letters import mail
from contrib.house.mailbox import lines_of, text_of
from contrib.house.waiting import wait_for
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


# ---------------------------------------------------------------------- DSN

HEAD = "kadis.diskominfo@dumai.example"
DOMAIN = "pelabuhan.example"


def reported(subject, recipient):
    """What a report about this mail and recipient is known by."""
    def want(message):
        fields = [p for p in message.walk() if p.get_content_type() == "message/delivery-status"]
        return bool(fields) and subject in (message["Subject"] or "") and recipient in str(fields[0])
    return want


def submit(house, sender, options, rcpts, whole):
    """A mail with parameters: rcpts are (address, parameters)."""
    with login_wire(house, sender) as wire:
        assert wire.say("EHLO client.example")[0] == 250
        assert wire.say(f"MAIL FROM:<{sender}>{options}")[0] == 250
        for address, more in rcpts:
            assert wire.say(f"RCPT TO:<{address}>{more}")[0] == 250, (address, more)
        assert bdat(wire, whole, " LAST")[0] == 250


def test_dsn_is_for_submission(mx, login):
    assert "DSN" in login.say("EHLO client.example")[1].split("\n")
    assert "DSN" not in mx.say("EHLO outside.example")[1].split("\n")
    assert mx.say(f"MAIL FROM:<{OUTSIDER}> RET=HDRS")[0] == 555


@pytest.mark.parametrize("command,code", [
    ("MAIL FROM:<{me}> RET=HALF", 501), ("MAIL FROM:<{me}> ENVID=a+0D+0Ab", 501), ("MAIL FROM:<{me}> RET=FULL RET=HDRS", 501),
    ("MAIL FROM:<{me}> NOTIFY=NEVER", 555), ("MAIL FROM:<{me}> RET=HDRS ENVID=QQ+2B1", 250),
])
def test_dsn_parameters_of_mail(login, command, code):
    assert login.say(command.format(me=ME))[0] == code


def test_success_is_told_of_a_mailbox_inside(office):
    """Asked for one of two recipients: one report, with the words of the envelope in it."""
    subject, other = office.subject("Sampai"), "kabid-statistik.diskominfo@dumai.example"
    if other not in office.house.passwords:
        other = HEAD
    submit(office.house, ME, " RET=HDRS ENVID=QQ+2B31", [(IKP, " NOTIFY=SUCCESS ORCPT=rfc822;Ikp+2Bx@dumai.example"),
                                                       (other, "")], letter(subject, ME, f"{IKP}, {other}"))
    told = office.see("kabid-aplikasi.diskominfo", reported(subject, IKP), "the report")
    status = str([p for p in told.walk() if p.get_content_type() == "message/delivery-status"][0])
    assert "Original-Envelope-Id: QQ+31" in status
    assert "Original-Recipient: rfc822;Ikp+x@dumai.example" in status
    assert "Action: delivered" in status and "Status: 2." in status
    assert IKP in text_of(told)
    office.see(other.split("@", maxsplit=1)[0], lambda m: m["Subject"] == subject, "the mail to the other")
    assert not office.has("kabid-aplikasi.diskominfo", reported(subject, other))


@pytest.mark.parametrize("notify,told", [("", True), (" NOTIFY=FAILURE,DELAY", True), (" NOTIFY=NEVER", False),
                                         (" NOTIFY=SUCCESS", False)])
def test_failure_is_told_as_asked(office, notify, told):
    """The writer may not want to hear of it; the registry clerk hears of it in any case."""
    subject, company = office.subject("Gagal"), f"tidak.ada.{len(notify)}@{DOMAIN}"
    office.peer.order(f"{DOMAIN} refuse-rcpt 550 5.1.1 tidak dikenal")
    whole = letter(subject, HEAD, f"surat-biasa@dumai.example, {company}", b"Isi surat.\r\n")
    submit(office.house, HEAD, "", [("surat-biasa@dumai.example", ""), (company, notify)], whole)
    office.see(office.CLERK, reported(subject, company), "the clerk's notice")
    if told:
        office.see("kadis.diskominfo", reported(subject, company), "the writer's notice")
    else:
        wait_for(lambda: not office.queue(HEAD), "nothing more is on its way to the writer", 60, office.logs[:1])
        assert not office.has("kadis.diskominfo", reported(subject, company))
    row = office.letters(subject)[0]
    assert [x for x in office.exchanges(row) if x["event"] == "FailureNotified"]


# ---------------------------------------------------------------------- SMTPUTF8

BEYOND = "佐藤@例え.example"


def say(wire, command):
    """A command in UTF-8 and the code of its answer."""
    wire.send(command.encode() + b"\r\n")
    return wire.reply()


def test_smtputf8_is_announced_and_asked_for(mx, login):
    for wire, sender in ((mx, OUTSIDER), (login, ME)):
        assert "SMTPUTF8" in wire.say("EHLO client.example")[1].split("\n")
        code, text = say(wire, f"MAIL FROM:<{BEYOND}>")
        assert code == 553 and text.startswith("5.6.7")
        assert wire.say(f"MAIL FROM:<{sender}>")[0] == 250
        code, text = say(wire, f"RCPT TO:<{BEYOND}>")
        assert code == 553 and text.startswith("5.6.7")


@pytest.mark.parametrize("address", [b"k\xe9@x.example", b"k\xc0\xaf@x.example", b"k\xe2\x80\xae@x.example"])
def test_what_is_no_utf8_or_misleads_is_refused(mx, address):
    mx.send(b"MAIL FROM:<" + address + b"> SMTPUTF8\r\n")
    assert mx.reply()[0] == 501


def test_inside_addresses_are_ascii(mx, login):
    assert say(mx, f"MAIL FROM:<{BEYOND}> SMTPUTF8")[0] == 250
    assert say(mx, "RCPT TO:<surat.diskominfö@dumai.example>")[0] == 550
    assert say(login, f"MAIL FROM:<{ME}> SMTPUTF8")[0] == 250
    assert say(login, "RCPT TO:<kabid-ikp.diskominfö@dumai.example>")[0] == 550


def test_sender_beyond_ascii_is_shown(office, mx):
    """The clerk's list shows him; the original has the bytes of its header as they came."""
    subject = office.subject("Surat 佐藤")
    assert say(mx, f"MAIL FROM:<{BEYOND}> SMTPUTF8 BODY=8BITMIME")[0] == 250
    assert mx.say(f"RCPT TO:<{CLERK}>")[0] == 250
    whole = (f"From: Satō <{BEYOND}>\r\nTo: {CLERK}\r\nSubject: {subject}\r\nDate: Tue, 24 Nov 2026 09:00:00 +0700\r\n"
             f"Message-ID: <utf8.{len(subject)}@outside.example>\r\nMIME-Version: 1.0\r\n"
             "Content-Type: text/plain; charset=utf-8\r\n\r\nIsi.\r\n").encode()
    assert bdat(mx, whole, " LAST")[0] == 250
    shown, _ = office.listed(subject)
    assert BEYOND in lines_of(shown)
    original = office.taken_in(subject).as_bytes()
    assert f"From: Satō <{BEYOND}>".encode() in original.replace(b"\r\n", b"\n")
    assert f"Subject: {subject}".encode() in original
    assert b" with UTF8SMTP id " in original


def test_recipient_beyond_ascii_fails_cleanly(office):
    """Who is reachable gets the letter; the writer is told 5.6.7 of who is not."""
    beyond = "büro@münchen.example"  # of letters that the PDF can print
    subject, other = office.subject("Ke luar"), f"humas@{DOMAIN}"
    whole = (f"From: {HEAD}\r\nTo: surat-biasa@dumai.example, {other}, {beyond}\r\nSubject: {subject}\r\n\r\n"
             "Isi surat.\r\n").encode()
    with login_wire(office.house, HEAD) as wire:
        assert wire.say("EHLO client.example")[0] == 250
        assert wire.say(f"MAIL FROM:<{HEAD}> SMTPUTF8")[0] == 250
        for address in ("surat-biasa@dumai.example", other, beyond):
            assert say(wire, f"RCPT TO:<{address}>")[0] == 250
        assert bdat(wire, whole, " LAST")[0] == 250
    about, body = office.outside(subject)
    head = body.split(b"\n\n")[0].split(b"\r\n\r\n")[0]
    assert about and not [c for c in head if c > 126], "no header beyond ASCII leaves"
    told = office.see("kadis.diskominfo", lambda m: subject in (m["Subject"] or "") and "5.6.7" in m.as_string(),
                      "the notice about who could not be reached")
    assert beyond in text_of(told)


# ---------------------------------------------------------------------- PROXY

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(client, command=1):
    """A PROXY header of version 2 that tells of this client."""
    ends = socket.inet_aton(client) + socket.inet_aton("203.0.113.5") + struct.pack(">HH", 40000, 25)
    return SIGNATURE + struct.pack(">BBH", 0x20 | command, 0x11, len(ends)) + ends


def received(office, wire, subject):
    """Our Received field of a mail that is sent in this session."""
    assert wire.say("EHLO outside.example")[0] == 250
    envelope(wire, OUTSIDER, CLERK)
    assert bdat(wire, letter(subject), " LAST")[0] == 250
    return " ".join(office.taken_in(subject).get_all("Received")[0].split())


def test_listed_balancer_tells_the_client(office):
    with Wire(office.house.ports["mx"], source=BALANCER, first=header("192.0.2.77")) as wire:
        assert wire.greeting[0] == 220
        assert "([192.0.2.77])" in received(office, wire, office.subject("Lewat penyeimbang"))


def test_header_in_pieces_and_commands_behind_it(office):
    whole = header("192.0.2.78") + b"EHLO outside.example\r\n"
    with socket.create_connection(("127.0.0.1", office.house.ports["mx"]), 60, (BALANCER, 0)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(whole)):
            sock.sendall(whole[n:n + 1])
        lines = sock.makefile("rb")
        assert lines.readline().startswith(b"220 ")
        assert lines.readline().startswith(b"250-")


def test_header_before_tls(office):
    with Wire(office.house.ports["submissions"], source=BALANCER, first=header("192.0.2.79"),
              tls=office.house.certs["ca"]) as wire:
        assert wire.greeting[0] == 220
        assert "AUTH" in wire.say("EHLO client.example")[1]


def test_balancer_for_itself(office):
    with Wire(office.house.ports["mx"], source=BALANCER, first=SIGNATURE + b"\x20\0\0\0") as wire:
        assert f"([{BALANCER}])" in received(office, wire, office.subject("Pemeriksaan"))


@pytest.mark.parametrize("first", [
    b"EHLO outside.example\r\n", b"PROXY TCP4 192.0.2.7 203.0.113.5 40000 25\r\n", b"\r\n\r\nEHLO x\r\n",
    SIGNATURE + b"\x31\x11\0\x0c", SIGNATURE + b"\x21\x12\0\x0c", SIGNATURE + b"\x21\x11\xff\xff",
    SIGNATURE + b"\x21\x11\0\x04abcd",
])
def test_balancer_without_a_good_header_gets_no_word(office, first):
    with Wire(office.house.ports["mx"], source=BALANCER, first=first) as wire:
        assert wire.greeting == (0, "")


@pytest.mark.parametrize("first", [header("192.0.2.80"), b"PROXY TCP4 192.0.2.80 203.0.113.5 40000 25\r\n"])
def test_header_of_anybody_else_is_no_smtp(office, first):
    """Each of its lines is an error, and the client stays who the socket says."""
    with Wire(office.house.ports["mx"], first=first + b"\r\n") as wire:
        assert wire.greeting[0] == 220
        wire.send(b"NOOP\r\n")
        codes = []
        while 250 not in codes:
            codes.append(wire.reply()[0])
        assert codes[:-1] and set(codes[:-1]) == {500}
        assert "([127.0.0.1])" in received(office, wire, office.subject("Bukan penyeimbang"))
