"""Router, sender and smtpd killed at each of their named crash points (mtagw/README.md): before and after every commit.

A house of its own whose roles find MTAGW_CRASH in their environment. The points before a commit are armed together under one load
of letters of all kinds, those after it under another, each for one death; the long form (`make faults`) arms one at a time. Each
load is counted like those of test_faults.py: all that an undisturbed one brings about, once.
"""

import os
import threading
import time

import pytest

from contrib.house import faults as f
from contrib.house.letters import TYPED, mail
from contrib.house.load import Client, item, written
from contrib.house.waiting import HouseError, wait_for

KINDS = ("route", "number", "finish", "render", "register", "present", "list", "failure", "remind", "wait", "quarantine")
BEFORE = ["router-after-claim", *(f"router-{k}-before-commit" for k in KINDS), "sender-after-claim",
          "sender-smtp-reply-before-commit", "sender-lmtp-reply-before-commit", "smtpd-before-commit"]
AFTER = [*(f"router-{k}-after-commit" for k in KINDS), "router-handover-after-commit", "sender-smtp-dot-after-commit",
         "sender-lmtp-dot-after-commit", "sender-smtp-reply-after-commit", "sender-lmtp-reply-after-commit", "smtpd-after-commit"]
LONG = int(os.environ.get("MTAGW_FAULT_LETTERS", "0")) >= 200
LETTERS = 40
PROVINCE = ("Kepala Dinas Kominfo Provinsi Riau", "kadis@riau.example")
LIMIT = 240
AGAIN = 10  # seconds


class CrashHouse(f.FaultHouse):
    """Roles that die where a file says so; one connection to the company, so that one death leaves one delivery open."""

    def _copy_programs(self):
        libexec = super()._copy_programs()
        self.points = os.path.join(self.state, "crash")
        os.mkdir(self.points)
        os.chmod(self.points, 0o777)
        for role in ("router", "sender", "smtpd"):
            self.put(f"limits-{role}", f"MTAGW_CRASH='{self.points}'\nexport MTAGW_CRASH\n")
        return libexec

    def arm(self, points):
        """One death at each."""
        for point in points:
            with open(os.path.join(self.points, point), "w", encoding="ascii"):
                pass

    def armed(self):
        """Points where nobody has died yet."""
        return sorted(os.listdir(self.points))

    def deaths(self, point):
        """How often the log tells of one."""
        return f.grep_count(self.log("mtagw"), f"crash-point name={point}\n")


class Walk:
    """Loads and the points they met."""

    def __init__(self, house):
        self.house, self.run = house, f.Runs(house, LETTERS, 1)
        self.rows, self.order, self.again, self.mails = {}, 0, 0, 0

    def strike(self, points):
        """All points are armed while letters wait; what does not come by itself is brought about."""
        def strike(run):
            self.house.arm(points)
            if any("quarantine" in p for p in points):
                run.sql("update mail.work set tries = 3, alone = 2 where id = (select min(id) from mail.work where kind = 'route' "
                        "and state = 'waiting')")
            if any("-failure-" in p for p in points):
                self.refused(run)
            self.again = time.monotonic() + AGAIN
            if any("-list-" in p for p in points):
                self.listed(run)
            if any("-remind-" in p for p in points):
                self.remind(run)
            for role in ("router", "sender"):
                run.hold([role], f.signal.SIGCONT)
            try:
                wait_for(lambda: self.struck(run, points), f"a death at each of {points}", LIMIT, [self.house.log("mtagw")],
                         pause=0.1)
            finally:
                self.house.peer.order(f"{PROVINCE[1].partition('@')[2]} normal")
        return strike

    def refused(self, run):
        """A letter that is not counted, to a server that will not have it."""
        self.house.peer.order(f"{PROVINCE[1].partition('@')[2]} refuse-rcpt 550 5.1.1 tidak dikenal")
        subject = f"Ditolak {run.count}"
        Client(self.house).deliver(written(self.house, "out", subject, f.HEAD, mail(f.HEAD, [TYPED, PROVINCE], subject, "Isi.\n")),
                                   threading.Event())

    def listed(self, run):
        """A stranger's mail that is not counted."""
        self.mails += 1
        Client(self.house).deliver(item(self.house, "stranger", f"PROMO {run.count} {self.mails}", "", run.pool), threading.Event())

    def struck(self, run, points):
        """Whether all have had their death; a stage is put back when its PDF helper is gone."""
        left = self.house.armed()
        # One letter alone fails, one mail is listed: where their commit was also another stage's, the death was that one's.
        if left and all("-failure-" in p or "-list-" in p for p in left) and time.monotonic() > self.again:
            self.again = time.monotonic() + AGAIN
            if any("-failure-" in p for p in left):
                self.refused(run)
            if any("-list-" in p for p in left):
                self.listed(run)
        if any("-wait-" in p for p in left):
            for pid in [c for d in run.house.pids("pdfd")[:1] for c in f.children(d)]:
                f.signal_to(pid, f.signal.SIGKILL)
        return not left

    def remind(self, run):
        """An order of before is due soon."""
        self.order = run.sql("select min(id) from office.disposition where state = 'sent' and reminded_at is null")[0][0]
        now = "extract(epoch from now()) * 1000"
        run.sql(f"update office.disposition set due_at = {now} + 3600000, created_at = {now} - 30 * 86400000::bigint where id = "
                f"{self.order}; insert into mail.work (id, kind, ref, next_at) values ({run.count}, 'remind', {self.order}, 0)")

    def result(self, point):
        """The count of the load under which this point was met."""
        if isinstance(self.rows.get(point), Exception):
            raise self.rows[point]
        if point not in self.rows:
            points = [point] if LONG else BEFORE if point in BEFORE else AFTER
            try:
                row = self.run.fault(f"{len(points)} crash points" if len(points) > 1 else point, self.strike(points))
            except (AssertionError, HouseError) as e:
                self.rows.update({p: HouseError(f"{e}\nleft: {self.house.armed()}") for p in points})
                raise self.rows[point] from e
            row.deaths = {p: self.house.deaths(p) for p in points}
            if self.order:
                row.reminded = self.run.sql("select count(*) from audit.detail d join audit.exchange x on x.id = d.exchange_id where "
                                            f"x.event = 'DispositionReminded' and x.letter_id = (select letter_id from "
                                            f"office.disposition where id = {self.order})")[0][0]
            print("\n" + " | ".join(row.cells()) + "\n" + "\n".join(row.words))
            self.rows.update({p: row for p in points})
        return self.rows[point]


@pytest.fixture(name="walk", scope="module")
def fixture_walk():
    """The house and what was seen in it."""
    house = CrashHouse("test-crash", router_batch="4", sender_destination_concurrency="1")
    try:
        house.start()
        yield Walk(house)
    finally:
        house.stop()


@pytest.mark.parametrize("point", BEFORE + AFTER)
def test_a_death_at(walk, point):
    row = walk.result(point)
    assert row.deaths[point] == 1
    wrong = [w for w in row.words if not w.startswith("quarantined: ") and "not open at the fault" not in w and
             "deliveries uncertain" not in w]
    assert not wrong, "\n".join(wrong)
    assert (row.answered, row.lost, row.twice, row.gaps, row.trail) == (LETTERS, 0, 0, 0, 0)
    assert row.arrived + row.uncertain >= LETTERS
    assert row.uncertain <= sum(p.startswith("sender-") for p in row.deaths), "a death of the sender leaves one delivery open"
    assert row.hand <= sum("-quarantine-" in p for p in row.deaths), "set aside, though nobody asked for it"
