"""Peers that want to do harm: slow ones, many at once, one that takes all it can get, one that guesses passwords. Each is
bounded and told of once, and whoever behaves is served meanwhile.

A house of its own with small limits; every peer has an address of its own (all of 127.0.0.0/8 is loopback).
"""

import base64
import os
import re
import select
import socket
import threading
import time

import pytest

from contrib.house.bench.load import Load
from contrib.house.instance import Instance
from contrib.house.waiting import wait_for
from contrib.house.wire import Wire

GOOD, SLOW, FLOOD, HOG, GUESSER, WITNESS = (f"127.0.5.{n}" for n in range(1, 7))
TIMEOUT, PER_PEER, SESSIONS, RATE, AUTH_TRIES = 5, 20, 50, 300, 1
LIMITS = {"smtpd_timeout_secs": TIMEOUT, "smtpd_sessions_per_peer": PER_PEER, "smtpd_sessions_max": SESSIONS,
          "smtpd_connection_rate_limit": RATE, "auth_failures_max": AUTH_TRIES}
ME, CLERK = "kadis.diskominfo@dumai.example", "surat.diskominfo@dumai.example"
FLOOD_RATE, FLOOD_SECS, FLOOD_PEERS = 5000, 3, 8
SERVED_SECS = 20  # a whole session of a peer that behaves; a fraction of one on a machine of its own
CUT_SECS = 4 * TIMEOUT


@pytest.fixture(name="house", scope="module")
def fixture_house():
    """A house with these limits; instead of the session's."""
    made = Instance("test-hostile", overrides={k: str(v) for k, v in LIMITS.items()}, say=lambda *_: None)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def log_lines(house, ip):
    """What the log has of a peer."""
    with open(house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        return [line for line in f if f"peer={ip} " in line]


def served(house, source=GOOD, refusable=False):
    """A whole message from a peer that behaves; how many seconds it took. refusable: None where it was told to come again."""
    began = time.monotonic()
    with Wire(house.ports["mx"], limit=SERVED_SECS, source=source) as wire:
        if refusable and wire.greeting == (421, "4.7.0 too many sessions, try again later"):
            return None
        assert wire.greeting[0] == 220
        assert wire.say("EHLO good.example")[0] == 250
        assert wire.say("MAIL FROM:<a@warga.example>")[0] == 250
        assert wire.say(f"RCPT TO:<{CLERK}>")[0] == 250
        assert wire.say("DATA")[0] == 354
        wire.send(b"From: a@warga.example\r\nSubject: baik\r\n\r\nisi\r\n.\r\n")
        assert wire.reply()[0] == 250
    took = time.monotonic() - began
    assert took < SERVED_SECS
    return took


class Drip:
    """A connection that gets a byte now and then, until the server has had enough of it."""

    def __init__(self, port, source, first, drops):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=CUT_SECS, source_address=(source, 0))
        self.drops, self.heard, self.secs = drops, b"", None
        self.sock.sendall(first)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Sends while nothing is heard but answers; ends with the connection."""
        began, at = time.monotonic(), 0
        while time.monotonic() - began < CUT_SECS:
            if not select.select([self.sock], [], [], 0.2)[0]:
                try:
                    self.sock.sendall(self.drops[at % len(self.drops):][:1] if self.drops else b"")
                except OSError:
                    pass
                at += 1
                continue
            try:
                more = self.sock.recv(4096)
            except OSError:
                more = b""
            if not more:
                self.secs = time.monotonic() - began
                break
            self.heard += more
        self.sock.close()

    def cut(self):
        """What was heard, once the server has closed the connection in time."""
        self.thread.join(CUT_SECS + 5)
        assert self.secs is not None, f"still open after {CUT_SECS} s: {self.heard[-200:]}"
        return self.heard


def test_slow_peers_are_cut_and_others_served(house):
    head = b"EHLO slow.example\r\nMAIL FROM:<>\r\nRCPT TO:<" + CLERK.encode() + b">\r\n"
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600)  # how a TLS handshake begins
    mx, submission, submissions = (house.ports[p] for p in ("mx", "submission", "submissions"))
    drips = {
        "a command": Drip(mx, SLOW, b"", b"NOOP " + b"x" * 2000),
        "silence": Drip(mx, SLOW, b"EHLO slow.example\r\n", b""),
        "the message": Drip(mx, SLOW, head + b"DATA\r\n", b"Subject: x\r\n"),
        "a chunk": Drip(mx, SLOW, head + b"BDAT 5000 LAST\r\n", b"Subject: x\r\n"),
        "a handshake": Drip(submissions, SLOW, b"", hello),
        "a silent handshake": Drip(submissions, SLOW, b"", b""),
        "STARTTLS": Drip(submission, SLOW, b"EHLO slow.example\r\nSTARTTLS\r\n", hello),
    }
    print(f"served meanwhile in {served(house):.2f} s")
    for what, drip in drips.items():
        heard = drip.cut()
        print(f"{what}: cut after {drip.secs:.1f} s: {heard.splitlines()[-1:]}")
        assert b"\r\n250 2.0.0 queued" not in heard
        if what in ("a command", "silence", "the message", "a chunk"):
            assert heard.splitlines()[-1].startswith(b"421 4.4.2 "), what
    # one line for each connection, that tells how it ended
    wait_for(lambda: len(log_lines(house, SLOW)) >= len(drips), "the ends are logged", 10)
    assert len(log_lines(house, SLOW)) == len(drips)


def test_one_address_connects_as_fast_as_it_can(house):
    """5,000 connections: so many a minute are greeted, the rest is turned away at once; the log has one line of the rest."""
    done, times, stop = [], [], threading.Event()

    def others():
        while not stop.is_set() and len(times) < 50:
            times.append(served(house))
    witness = threading.Thread(target=others, daemon=True)
    witness.start()
    began, greeted, refused = time.monotonic(), 0, 0
    for _ in range(5000):
        s = socket.socket()
        s.bind((FLOOD, 0))
        s.settimeout(SERVED_SECS)
        s.connect(("127.0.0.1", house.ports["mx"]))
        done.append(s)
        if len(done) == 10:  # so many at a time: none hits the other limit
            for s in done:
                try:
                    word = s.recv(200)
                except ConnectionResetError:
                    word = b"421"
                greeted += word.startswith(b"220")
                refused += word.startswith(b"421")
                s.close()
            done = []
    secs = time.monotonic() - began
    stop.set()
    witness.join(60)
    print(f"5000 connections in {secs:.1f} s: {greeted} greeted, {refused} refused; others served {len(times)} times, "
          f"at most {max(times):.2f} s")
    minutes = int(secs // 60) + 1
    assert greeted <= RATE * minutes and refused == 5000 - greeted and times
    assert len([line for line in log_lines(house, FLOOD) if "session-refused" in line]) <= minutes
    assert served(house) < SERVED_SECS


def test_five_thousand_connections_a_second(house):
    """From several addresses at once: each gets the server's first word, the log a few lines, and whoever behaves is served."""
    if not os.path.exists(os.path.join(house.build, "tests", "load", "load")):
        pytest.skip("tests/load is not built (make bench, make test)")
    times, told, tries = [], {}, 0
    with Load(house.build) as load:
        flood = threading.Thread(target=lambda: told.update(load.flood(house.ports["mx"], FLOOD_RATE, FLOOD_SECS, FLOOD_PEERS)))
        began = time.monotonic()
        flood.start()
        while flood.is_alive() and tries < RATE // 2:
            tries += 1
            took = served(house, WITNESS, refusable=True)  # for moments all sessions are taken: a server tries again
            times += [took] if took else []
        flood.join()
    minutes = int((time.monotonic() - began) // 60) + 1
    print(f"{told['made']} connections at {told['rate']:.0f} a second: {told['greeted']} greeted, {told['refused']} refused, first word "
          f"after {told['word_ms']} ms; others served {len(times)} times of {tries}, at most {max(times, default=0):.2f} s")
    assert told["made"] == FLOOD_RATE * FLOOD_SECS + 1 and told["failed"] == told["dropped"] == 0
    assert told["greeted"] + told["refused"] == told["made"] and told["greeted"] <= FLOOD_PEERS * RATE * minutes
    assert times and served(house, WITNESS) < SERVED_SECS
    for n in range(1, FLOOD_PEERS + 1):
        lines = log_lines(house, f"127.1.0.{n}")
        assert 0 < len(lines) <= 4 * minutes, lines[:10]  # of each kind one, and how many more at the minute's end


def hold(house, source, count):
    """Connections of a peer that says nothing: those that were greeted, and how many were refused."""
    held, refused = [], 0
    for _ in range(count):
        wire = Wire(house.ports["mx"], limit=SERVED_SECS, source=source)
        if wire.greeting[0] == 220:
            held.append(wire)
        else:
            assert wire.greeting[0] == 421
            refused += 1
            wire.sock.close()
    return held, refused


def test_one_address_takes_all_it_can_get(house):
    held, refused = hold(house, HOG, 100)
    print(f"100 wanted: {len(held)} sessions, {refused} refused; others served in {served(house):.2f} s")
    assert len(held) == PER_PEER
    assert len([line for line in log_lines(house, HOG) if "session-refused" in line]) == 1
    for wire in held:
        wire.sock.close()


def test_when_all_sessions_are_taken_it_passes(house):
    """More addresses than there is room for: silence is not room, so it passes after the timeout."""
    held = []
    for n in range(4):
        held += hold(house, f"127.0.6.{n + 1}", PER_PEER)[0]
    assert len(held) == SESSIONS
    with Wire(house.ports["mx"], source=GOOD) as wire:
        assert wire.greeting == (421, "4.7.0 too many sessions, try again later")

    def room():
        with Wire(house.ports["mx"], source=GOOD) as wire:
            return wire.greeting[0] == 220
    wait_for(room, "room for others", CUT_SECS)
    served(house)
    for wire in held:
        wire.sock.close()


def guess(house, password="salah"):
    """An AUTH from the guesser's address: its answer, and whether the session was closed behind it."""
    plain = base64.b64encode(f"\0{ME}\0{password}".encode()).decode()
    with Wire(house.ports["submission"], source=GUESSER) as wire:
        wire.say("EHLO guesser.example")
        wire.starttls(house.certs["ca"])
        wire.say("EHLO guesser.example")
        return wire.say(f"AUTH PLAIN {plain}"), wire.reply()[0] == 421


def test_guessing_passwords_gets_slow_and_then_nothing(house):
    answers = []

    def one():
        answers.append(guess(house))
    threads = [threading.Thread(target=one) for _ in range(10 * AUTH_TRIES)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert {code for (code, _), _ in answers} == {535} and all(closed for _, closed in answers), answers
    # From now on not even the right one, however often; others log in.
    for _ in range(10):
        (code, _), closed = guess(house, house.passwords[ME])
        assert code == 454 and closed
    throttled = [line for line in log_lines(house, GUESSER) if "auth-throttled" in line]
    failed = [line for line in log_lines(house, GUESSER) if "auth-failed" in line]
    print(f"{len(answers)} guesses, {len(failed)} reached the accounts; {len(throttled)} line of the rest")
    assert len(throttled) == 1 and len(failed) == len(answers)
    assert re.search(f"peer={GUESSER} ", throttled[0])
    with house.smtp("kadis.diskominfo") as session:
        assert session.noop()[0] == 250


# ---------------------------------------------------------------------- what crashed others

FIELDS = ("From: a@pelabuhan.example\r\nTo: b@c.example\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 09:00:00 +0700\r\n"
          "Message-ID: <x@pelabuhan.example>\r\nContent-Type: text/plain\r\n")
NAMES = ["received", "from", "to", "subject", "date", "message-id", "content-type", "dkim-signature"]


def dkim(tags, canonical="relaxed/relaxed"):
    """A signature field by which libopendkim verifies, or falls over."""
    return (f"DKIM-Signature: v=1; a=rsa-sha256; c={canonical}; d=pelabuhan.example; s=k1; {tags};\r\n"
            f" bh={'A' * 43}=; b={'A' * 342}==\r\n")


# libopendkim writes behind its array where h= names each field and one more, reads behind i=, copies z= without a bound.
CRASHERS = {f"h= and {more} more, {c}": dkim("h=" + ":".join(NAMES + ["from"] * more), c)
            for more in range(5) for c in ("simple/simple", "relaxed/relaxed")}
CRASHERS["h= 1500 times"] = dkim("h=" + ":".join(["from"] * 1500).replace(":from" * 200, ":from" * 199 + ":\r\n from"))
CRASHERS["i= that ends in ="] = dkim("h=from; i==")
CRASHERS["z= of 300 fields"] = dkim("h=from; z=" + "From:a|" * 250)


def multiparts(levels):
    """Multipart in multipart: quadratic in libetpan."""
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(levels))


BOMBS = {"100,000 multiparts": multiparts(100000),
         "100,000 messages": b"Content-Type: message/rfc822\r\n\r\n" * 100000,
         "100,000 parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100000}


def send(house, data):
    """One message from the good peer's address; its answer."""
    with Wire(house.ports["mx"], limit=60, source=GOOD) as wire:
        for command in ("EHLO good.example", "MAIL FROM:<bom@warga.example>", f"RCPT TO:<{CLERK}>"):
            assert wire.say(command)[0] == 250
        assert wire.say("DATA")[0] == 354
        wire.send(data + b"\r\n.\r\n")
        return wire.reply()


def test_what_crashed_others_is_judged_or_refused(house):
    for what, field in CRASHERS.items():
        assert send(house, (field + FIELDS + "\r\nisi").encode())[0] == 250, what
    for what, rest in BOMBS.items():
        began = time.monotonic()
        code, text = send(house, b"From: a@b.example\r\nMIME-Version: 1.0\r\n" + rest)
        print(f"{what}, {len(rest) >> 10} KiB: {code} {text} in {time.monotonic() - began:.2f} s")
        assert code == 554 and re.match(r"5\.6\.0 .*(part|nest)", text), what

    def routed():
        states = house.postgres.sql("select state from mail.message where sender = 'bom@warga.example'", "mtagw").split()
        return len(states) == len(CRASHERS) and set(states) == {"routed"}
    wait_for(routed, "all are judged and routed", 60, [house.log("mtagw")])
    with open(house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        text = f.read()
    assert not re.findall(r".*(?:died|quarantin).*", text)
    assert len(re.findall(r"verify\[\d+\]: info: judged .* dkim=1 ", text)) >= len(CRASHERS)
