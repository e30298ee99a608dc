"""The load generator of `make bench` counts what it sends: it submits to its own sink, and to servers that misbehave."""

import asyncio
import os
import re
import smtplib
import socket
import threading

import pytest
from aiosmtpd.controller import Controller

from contrib.house.bench.load import Load
from contrib.house.bench.report import Report, number
from contrib.house.waiting import HouseError

from conftest import ROOT

BUILD = os.path.abspath(os.environ.get("MTAGW_BUILD") or os.path.join(ROOT, "build"))
PEOPLE = [("", "", f"penulis{n}@client.example", [f"a{n}@sink.example", f"b{n}@sink.example"]) for n in range(3)]


@pytest.fixture(name="load")
def load_fixture():
    """One generator; a build without it (make all) has none."""
    if not os.path.exists(os.path.join(BUILD, "tests", "load", "load")):
        pytest.skip("tests/load is not built (make bench, make test)")
    with Load(BUILD) as load:
        yield load


def server(script):
    """A server that says the lines of script in turn, one for each line it reads (the first at once), then closes; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as s, s.makefile("rb") as lines:
            s.sendall(script[0])
            for reply in script[1:]:
                lines.readline()
                s.sendall(reply)
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@pytest.mark.parametrize("sessions, per, connections", [(1, 0, 1), (4, 0, 4), (2, 3, 7), (5, 1, 20)])
def test_each_message_arrives_once(load, sessions, per, connections):
    """All are answered and in the sink, none twice; so many connections as messages a connection make necessary."""
    told = load.round(PEOPLE, port=load.sink, sessions=sessions, per=per, total=20, sink=True, limit=20)
    assert (told["answered"], told["arrived"], told["doubled"], told["failed"]) == (20, 20, 0, 0)
    assert connections <= told["connections"] <= connections + sessions
    assert 0 < told["accept_ms"]["p50"] <= told["accept_ms"]["p99"] <= told["accept_ms"]["max"] < 20000
    assert load.count() == {"taken": 20, "strange": 0, "doubled": 0}


def test_large_file(load):
    """A message larger than any buffer arrives whole, its mark is found, the sample is the message."""
    sample = load.sample()
    told = load.round(PEOPLE, port=load.sink, total=2, size=3_000_000, file=True, sink=True, limit=20)
    assert told["arrived"] == 2
    with open(sample, "rb") as f:
        text = f.read()
    assert 3_000_000 < len(text) < 3_010_000 and text.endswith(b"--\r\n") and b"Subject: Ukur XQ" in text


class Twist:
    """A relay between the load and its sink: what gives, for each message, those that go on (envelope as it came)."""

    def __init__(self, load, what):
        self.load, self.what, self.seen = load, what, 0

    async def handle_DATA(self, _server, _session, envelope):
        """Hands on before it answers."""
        def hand_on():
            with smtplib.SMTP("127.0.0.1", self.load.sink, timeout=10) as sink:
                for data in self.what(self.seen, envelope.original_content):
                    sink.sendmail(envelope.mail_from, envelope.rcpt_tos, data)
        await asyncio.get_running_loop().run_in_executor(None, hand_on)
        self.seen += 1
        return "250 2.0.0 taken"


@pytest.fixture(name="relay")
def relay_fixture(load):
    """relay(what): its port."""
    running = []

    def start(what):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        running.append(Controller(Twist(load, what), hostname="127.0.0.1", port=port))
        running[-1].start()
        return port
    yield start
    for controller in running:
        controller.stop()


def mark_of(message):
    """(number of the round, index) of a message of the load."""
    return tuple(map(int, re.search(rb"\r\nSubject: Ukur XQ(\d+)x(\d+)Z\r\n", message).groups()))


def test_letters_of_a_signature_are_no_mark(load, relay):
    """What looks like a mark before Subject, of this round or another, does not count: each message is known by its own."""
    def signed(n, message):
        number, index = mark_of(message)
        like = f"XQ7x3Z XQ{number}x{(index + 1) % 20}Z"
        return [f"DKIM-Signature: v=1; b={like}\r\n {like}\r\n\tUkur {like}\r\nX-Subject: Ukur {like}\r\n".encode() + message]
    told = load.round(PEOPLE, port=relay(signed), sessions=3, total=20, sink=True, limit=20)
    assert (told["answered"], told["arrived"], told["doubled"], told["strange"], told["missing"]) == (20, 20, 0, 0, [])


def test_mark_across_reads(load):
    """A header that comes byte by byte, or behind a long signature, is read the same."""
    with socket.create_connection(("127.0.0.1", load.sink)) as s, s.makefile("rb") as lines:
        def say(data, code):
            for n in range(0, len(data), 7):
                s.sendall(data[n:n + 7])
            assert lines.readline().startswith(code)
        lines.readline()
        say(b"MAIL FROM:<a@b.example>\r\n", b"250")
        say(b"DATA\r\n", b"354")
        say(b"X: " + b"a" * 70000 + b"\r\nSubject: Ukur XQ1x1Z\r\n\r\nisi\r\n.\r\n", b"250")
    assert load.count() == {"taken": 1, "strange": 1, "doubled": 0}


def test_a_missing_message_is_named(load, relay):
    """One is lost after its 250, one comes twice, one quotes the lost one's header in its body: told apart and named."""
    lost = []

    def bad(n, message):
        head, _, body = message.partition(b"\r\n\r\n")
        if n == 0:
            lost.append(head)
            return []
        if n == 1:
            return [message, message]
        notice = b"From: <x@y.example>\r\nSubject: Gagal\r\n\r\n" + lost[0] + b"\r\n\r\n" + body
        return [message, notice] if n == 2 else [message]
    with pytest.raises(HouseError, match="5 answered, 0 failed, 4 in the sink, 1 doubled, 1 strangers: the time of the round is over; "
                                         r"missing: XQ\d+x0Z$"):
        load.round(PEOPLE, port=relay(bad), total=5, sink=True, limit=1)
    assert load.count() == {"taken": 6, "strange": 1, "doubled": 1}


def test_open_loop_keeps_its_schedule(load):
    """So many a second are sent, not as many as the server could take; latency counts from the schedule."""
    told = load.round(PEOPLE, port=load.sink, sessions=3, total=50, rate=100, sink=True, limit=20)
    assert told["answered"] == 50 and told["seconds"] >= 0.48


def test_alone_waits_for_the_sink(load):
    """One at a time: the time in the sink is there for each."""
    told = load.round(PEOPLE, port=load.sink, total=10, sink=True, alone=True, limit=20)
    assert told["arrived"] == 10 and told["sink_ms"]["p50"] >= 0


def test_idle_sessions(load):
    """They are held until released, and a round after that works."""
    assert load.hold(PEOPLE, port=load.sink, sessions=150, ips=3, limit=20) == 150
    load.release()
    assert load.round(PEOPLE, port=load.sink, total=3, sink=True, limit=20)["arrived"] == 3


@pytest.mark.parametrize("script, words", [
    ([b"554 go away\r\n"], "wanted 220, the server said 554 go away"),
    ([b"220 hello\r\n", b"250 good\r\n", b"451 later\r\n"], "wanted 250, the server said 451 later"),
    ([b"220 hello\r\n", b"250-good\r\n250 SIZE 9\r\n"], "the server closed the connection"),
])
def test_faults_are_told(load, script, words):
    """A refused or lost message is no result."""
    with pytest.raises(HouseError, match=words):
        load.round(PEOPLE, port=server(script), total=1, limit=20)


def test_report(tmp_path):
    """Medians decide; a figure that was not taken counts as short."""
    report = Report(str(tmp_path / "report.md"))
    report.ratio("fast", [30, 10, 20], [10, 10, 10], ">=2")
    report.ratio("slow", [10, 30, 12], [10, 10, 10], ">=2", "messages/s")
    report.bound("small", 39.9, "<40", "KiB")
    report.missing("none", "no peer")
    report.beside("steady", [30, 20, 40], [20, 20, 20], "<=2", "ms")
    with pytest.raises(HouseError, match="does not keep this rate"):
        report.beside("late", [1500], [1200], "<=2", "ms")
    report.write([])
    assert report.short == ["slow", "none"]
    text = (tmp_path / "report.md").read_text()
    assert "| slow | 12.0 | 10.0 | 1.20 | >=2 | messages/s | short |" in text and "short: slow, none" in text
    assert [number(x) for x in (1234.5, 12.34, 1.234, 0.01234)] == ["1234", "12.3", "1.23", "0.0123"]
