"""Real and broken mail of the corpus, whole, through the running house: taken in or refused in clear words, kept byte for
byte, laid before a person, and nobody falls over it. (How each is built, as the corpus tells it: tests/unit/mail/test_mime_corpus.c.)

`MTAGW_CORPUS`, else ../shared/corpus; skipped where that is absent. Nothing of it is copied here.
"""

import collections
import glob
import hashlib
import os
import re

import pytest

from contrib.house.letters import rows
from contrib.house.waiting import wait_for
from contrib.house.wire import Wire

CORPUS = os.environ.get("MTAGW_CORPUS") or os.path.join(os.path.dirname(__file__), "../../../shared/corpus")
MAILS = sorted(glob.glob(os.path.join(CORPUS, "mime", "*", "*.msg")))
# of an agency whose list no other test reads
REGISTRY, CLERK = "surat.dinkes@dumai.example", "kasubbag-umum.dinkes"
LINE_MAX = 2048  # line_length_limit
PREFIX = f"berkas-{os.getpid()}-"  # of the envelope senders, one for each file


def bytes_of(path):
    """The mail as it travels: lines end with CRLF, and mbox's `From ` line is no part of it."""
    with open(path, "rb") as f:
        data = f.read()
    if data.startswith(b"From "):
        data = data.partition(b"\n")[2]
    return re.sub(rb"\r?\n", b"\r\n", data)


def lawful(data):
    """Whether SMTP allows these lines."""
    lines = data.split(b"\r\n")
    return not any(b"\r" in line or b"\n" in line or b"\0" in line or len(line) + 2 > LINE_MAX for line in lines)


def send(wire, sender, data):
    """One message; its answer."""
    assert wire.say(f"MAIL FROM:<{sender}>")[0] == 250
    assert wire.say(f"RCPT TO:<{REGISTRY}>")[0] == 250
    assert wire.say("DATA")[0] == 354
    end = b"" if data.endswith(b"\r\n") else b"\r\n"
    wire.send(re.sub(rb"(?m)^\.", b"..", data) + end + b".\r\n")
    return wire.reply()


def stored(house):
    """{envelope sender: (sha256, bytes)} of what the database holds from these senders."""
    text = house.postgres.sql(
        "select m.sender, encode(b.sha256, 'hex'), encode(coalesce(b.bytes, (select string_agg(c.bytes, ''::bytea order by c.n) "
        "from mail.body_chunk c where c.body_id = b.id)), 'hex') from mail.message m join mail.body b on b.id = m.body_id "
        f"where m.sender like '{PREFIX}%'", "mtagw")
    return {sender: (digest, bytes.fromhex(data)) for sender, digest, data in (line.split() for line in text.splitlines())}


@pytest.fixture(name="sent", scope="module")
def fixture_sent(house):
    """{file: (sender, bytes, answer)}: each from a sender of its own, all over one connection."""
    if not MAILS:
        pytest.skip(f"no corpus at {CORPUS}/mime")
    made = {}
    with Wire(house.ports["mx"]) as wire:
        assert wire.say("EHLO outside.example")[0] == 250
        for n, path in enumerate(MAILS):
            sender, data = f"{PREFIX}{n}@warga.example", bytes_of(path)
            made[path] = (sender, data, send(wire, sender, data))
    return made


def test_taken_or_refused_in_clear_words(sent):
    codes = collections.Counter()
    for path, (_, data, (code, text)) in sent.items():
        codes[code] += 1
        if lawful(data):
            assert code == 250 or re.match(r"5\.6\.\d \S", text), (path, code, text)
        else:
            assert code == 550 and re.match(r"5\.5\.2 .*line \d+ of the message", text), (path, code, text)
    print(f"{len(sent)} messages: {dict(codes)}")
    print("\n".join(f"{os.path.basename(p)}: {c} {t}" for p, (_, _, (c, t)) in sent.items() if c != 250))
    assert codes[250] > 0.8 * len(sent)


def test_kept_byte_for_byte(house, sent):
    kept = stored(house)
    assert set(kept) == {sender for sender, _, (code, _) in sent.values() if code == 250}
    for path, (sender, data, _) in sent.items():
        if sender not in kept:
            continue
        digest, got = kept[sender]
        assert hashlib.sha256(got).hexdigest() == digest, path
        assert got.startswith(b"Received: from outside.example "), path
        whole = data if data.endswith(b"\r\n") else data + b"\r\n"
        body = whole.partition(b"\r\n\r\n")[2]
        assert got.endswith(body), f"{path}: the body is another one"
        # of the header block nothing goes but the one field that is the last server's (RFC 5321 4.4)
        block = re.sub(rb"(?mi)^Return-Path:.*\r\n(?:[ \t].*\r\n)*", b"", whole[:len(whole) - len(body)])
        assert got.endswith(block + body), f"{path}: the header block below our field is another one"
    print(f"{len(kept)} messages kept with the bytes they came with")


@pytest.mark.usefixtures("sent")
def test_all_are_worked_off(house, office):
    def states():
        found = house.postgres.sql(f"select state from mail.message where sender like '{PREFIX}%'", "mtagw").split()
        return None if "received" in found else found
    counts = collections.Counter(wait_for(states, "the corpus is worked off", 120, office.logs[:1]))
    print(f"after the router: {dict(counts)}")
    assert set(counts) == {"routed"}
    assert not rows(office.ctl("queue", "list", "--state", "quarantined"))
    with open(house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        assert re.findall(r".*(?:killed by|died|signal=\d+).*", f.read()) == []


def test_originals_are_laid_before_the_clerk(house, office, sent):
    """With the bytes they came with; but what a program wrote is noted and bothers nobody."""
    noted = set(house.postgres.sql("select m.sender from mail.message m join audit.exchange x on x.message_id = m.id "
                                   "where x.event = 'AutomaticNoted'", "mtagw").split())
    kept = stored(house)
    wanted = {p: kept[sender][1] for p, (sender, _, _) in sent.items() if sender in kept and sender not in noted}

    def missing():
        with house.mailbox(CLERK) as box:
            raws = [m.raw for _, m in box.messages(office.WAITING)]
        return [p for p, data in wanted.items() if not any(data in raw for raw in raws)]
    wait_for(lambda: not missing(), "every original in the clerk's folder", 60, office.logs[:1], pause=1)
    print(f"{len(wanted)} lie before the clerk, {len(noted)} are noted as a program's")
    assert len(wanted) > 0.9 * len(kept)
