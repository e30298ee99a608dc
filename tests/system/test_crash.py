"""A router that dies at each of its named crash points (mtagw/README.md): one number, each delivery once, nothing left.

A house of its own whose router finds MTAGW_CRASH in its environment by way of a wrapper; the point strikes once, while
its file is there. Letters that are struck leave the same trail as one that is not.
"""

import collections
import os
import re
import shlex

import pytest

from contrib.house.instance import Instance
from contrib.house.letters import COMPANY, TYPED, answers, mail, number_in, rows
from contrib.house.mailbox import text_of
from contrib.house.waiting import wait_for

WRITER, INSIDE = "kadis.diskominfo", ("Kepala Dinas Kesehatan", "kadis.dinkes@dumai.example")
DOMAIN = COMPANY[1].partition("@")[2]
LIMIT = 90
ROUTER = """#!/bin/sh
MTAGW_CRASH=$(cat {point}) MTAGW_CRASH_ONCE={once}
export MTAGW_CRASH MTAGW_CRASH_ONCE
exec {real} "$@"
"""
# The helper is asked for the letter's PDF between number and signed forms: a gate there holds the letter.
PDF = """#!/bin/sh
while [ -e {gate} ]; do sleep 0.05; done
exec {real} "$@"
"""


class CrashHouse:
    """The house with wrappers around the router and its PDF helper."""

    def __init__(self, house):
        self.house = house
        self.folder = os.path.join(house.state, "crash")
        os.makedirs(self.folder)
        os.chown(self.folder, house.uid("router"), -1)  # its workers take the file away
        self.point, self.once, self.gate = (os.path.join(self.folder, n) for n in ("point", "once", "gate"))
        self.write(self.point, "none")
        self.wrap("mtagw-router", ROUTER)
        self.wrap("mtagw-pdf", PDF)

    def wrap(self, program, text):
        """Puts a script in the place of a program of this house."""
        path = os.path.join(self.house.libexec, program)
        os.rename(path, path + ".real")
        names = {"point": self.point, "once": self.once, "gate": self.gate, "real": path + ".real"}
        self.write(path, text.format(**{k: shlex.quote(v) for k, v in names.items()}), 0o755)

    @staticmethod
    def write(path, text, mode=0o644):
        """A file that the roles can read."""
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def restart(self, point):
        """Other environment, other router."""
        self.write(self.point, point)
        assert self.house.stop_gateway() == 0
        self.house.start_gateway()

    def sql(self, text):
        """Rows of the database as lists of text."""
        return [line.split("\t") for line in self.house.postgres.sql(text, "mtagw").splitlines()]

    def deaths(self, point):
        """How often the log tells that a worker died at a point."""
        with open(self.house.log("mtagw"), encoding="utf-8", errors="replace") as f:
            return len(re.findall(rf"crash-point name={point}\b", f.read()))

    def wait(self, look, what):
        """Waits for a condition."""
        return wait_for(look, what, LIMIT, [self.house.log("mtagw")])

    def send(self, subject):
        """A letter to a company outside and to a head of another agency."""
        sent = mail(WRITER, [TYPED, COMPANY, INSIDE], subject, "Isi surat.\n")
        self.house.submit(WRITER, sent)
        return sent

    def numbers(self, subject):
        """Numbers that were given to the letter with this subject."""
        return [r[0] for r in self.sql("select n.number from office.number_ledger n join office.letter l "
                                       f"on l.id = n.letter_id where l.subject = '{subject}'")]

    def drained(self):
        """No row of work or delivery is left."""
        return self.sql("select (select count(*) from mail.work), (select count(*) from mail.delivery)") == [["0", "0"]]

    def inbox(self, login, want):
        """Messages of an inbox that want accepts."""
        with self.house.mailbox(login) as box:
            return [m for _, m in box.messages("INBOX") if want(m)]

    def trail(self, subject):
        """What the exchanges of a letter tell, as a count of (event, outcome, rule)."""
        letter = next(r for r in rows(self.house.ctl("letter", "list", json_out=True)) if r["subject"] == subject)
        steps = rows(self.house.ctl("exchange", "list", "--letter", letter["id"], json_out=True))
        return collections.Counter((s["event"], s["outcome"], s["rule"]) for s in steps)


@pytest.fixture(name="crash_house", scope="module")
def fixture_crash_house():
    """The house, with the shortest lease, and the trail of a letter that nothing struck."""
    house = Instance("test-crash", overrides={"lease_secs": "5"}, say=lambda *_: None)
    try:
        house.start()
        made = CrashHouse(house)
        made.restart("none")
        made.send("Uji tanpa gangguan")
        made.wait(lambda: made.numbers("Uji tanpa gangguan") and made.drained(), "the undisturbed letter is delivered")
        made.calm = made.trail("Uji tanpa gangguan")
        yield made
    finally:
        house.stop()


@pytest.mark.parametrize("point,when", [
    ("router-after-claim", "sent"),
    ("router-number-before-commit", "sent"),
    ("router-number-after-commit", "sent"),
    ("router-stage-after-commit", "sent"),  # T1: decided
    ("router-stage-after-commit", "numbered"),  # T3: forms and deliveries stored
    ("router-number-before-commit", "numbered"),  # the other agency's agenda number
    ("router-number-after-commit", "numbered"),
])
def test_letter_survives_a_crash(crash_house, point, when):
    subject = f"Uji {point} {when}"
    crash_house.restart(point)
    before = crash_house.deaths(point)
    arm_at_once = when == "sent"
    crash_house.write(crash_house.once if arm_at_once else crash_house.gate, "")
    sent = crash_house.send(subject)
    if not arm_at_once:
        crash_house.wait(lambda: crash_house.numbers(subject), "a number while the PDF is held")
        crash_house.write(crash_house.once, "")
        os.unlink(crash_house.gate)
    crash_house.wait(lambda: not os.path.exists(crash_house.once), "the crash")
    crash_house.wait(lambda: crash_house.numbers(subject) and crash_house.drained(), "nothing is left to do")

    assert crash_house.deaths(point) == before + 1
    (number,) = crash_house.numbers(subject)
    arrived = [about for _, about, m in crash_house.house.peer.messages(DOMAIN) if number.encode() in m.replace(b"=\r\n", b"")]
    assert len(arrived) == 1 and arrived[0]["openpgp"]["result"] == "good"
    assert len(crash_house.inbox("kadis.dinkes", lambda m: m["Subject"] == subject and number in text_of(m))) == 1
    assert len(crash_house.inbox("kadis.dinkes", lambda m: m["Subject"].startswith("[Surat masuk ") and number in text_of(m))) == 1
    assert len(crash_house.inbox(WRITER, lambda m: answers(m, sent) and number_in(text_of(m)) == number)) == 1
    assert crash_house.trail(subject) == crash_house.calm


def test_books_have_no_gap_after_the_crashes(crash_house):
    ledger = [int(r[0]) for r in crash_house.sql("select n from office.number_ledger order by n")]
    assert ledger == list(range(1, len(ledger) + 1))
    for agency, direction in (("DISKOMINFO", "outgoing"), ("DINKES", "incoming")):
        book = [int(r[0]) for r in crash_house.sql(f"select n from office.agenda_entry where agency = '{agency}' and "
                                                   f"direction = '{direction}' order by n")]
        assert book == ledger, (agency, direction)
