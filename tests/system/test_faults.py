"""Letters in flight, a fault, recovery, and an independent count: nothing is lost, nothing comes twice, no number is missing.

Each fault starts with letters of all kinds under way (inside and outside, replies, dispositions) on one house of its own.
MTAGW_FAULT_LETTERS=1000 is the long form (`make faults`): each fault alone, many kills; what `make test` runs is a few letters and
faults that share a run. MTAGW_FAULT_SEED moves the moments of the kills. The table is printed and stands in var/faults.md.
"""

import datetime
import os
import signal

import pytest

from contrib.house import faults as f
from contrib.house.instance import ROOT
from contrib.house.waiting import HouseError

LETTERS = int(os.environ.get("MTAGW_FAULT_LETTERS", "30"))
SEED = int(os.environ.get("MTAGW_FAULT_SEED", "2026"))
LONG = LETTERS >= 200
TABLE = os.path.join(ROOT, "var", "faults.md")
CITY = datetime.timezone(datetime.timedelta(hours=7))
YEAR = datetime.datetime.now(CITY).year
LEAP = next(y for y in range(YEAR + 2, YEAR + 10) if y % 4 == 0 and (y % 100 or y % 400 == 0))
MANY = 30  # deliveries that a bad day of the company's server meets


def to(*when):
    """A function that gives the seconds to that time of the city."""
    return lambda: round(datetime.datetime(*when, tzinfo=CITY).timestamp() - datetime.datetime.now(CITY).timestamp())


NO_SECOND = {"out", "both", "in", "pesan", "incoming"}  # prompts of another year are over
ALIVE = ()  # roles that are not held while letters come in
OTHERS = ("router", "sender")
# (fault, strike, kinds of letters or None for all, roles held while letters come in)
SHORT = [
    ("kill -9 of each role once, in random order", f.kill_any(7), None, OTHERS),
    ("kill -9 of gpg-agent, PDF helper, resolver, Dovecot",
     f.chain(f.agent(2), f.pdf_helper(1), f.resolver(2), f.dovecot(1)), None, OTHERS),
    ("PostgreSQL stopped fast, then immediate", f.chain(f.postgres(signal.SIGINT, 1), f.postgres(signal.SIGQUIT, 1)), None, OTHERS),
    ("disk of PostgreSQL full", f.full_disk, None, OTHERS),
    ("sender stopped past its lease and woken", f.asleep, None, OTHERS),
    ("few descriptors and little memory", f.limits("descriptors, memory", 3), None, OTHERS),
    ("outside peer down, 451, 450 to RCPT, 550, cut in DATA, half a reply, cut after the dot, silent after the dot",
     f.chain(f.peer_down(2), f.peer("answer 451 4.2.0 nanti", 2), f.peer("refuse-rcpt 450 4.2.0 nanti", 2),
             f.peer("answer 550 5.7.1 tidak", 2), f.peer("cut-early", 2, True), f.peer("half", 2, True), f.peer("cut", 2, True),
             f.peer("hang", 1, True)), None, OTHERS),
    ("smtpd, router, sender three times at once", f.several(3), None, OTHERS),
    ("clock forward by two hours, then back by one", f.chain(f.clock(7200), f.clock(3600)), None, OTHERS),
]
ALL = [
    ("nothing", f.chain(), None, OTHERS),
    ("kill -9 of all roles in random order, 20 times", f.kill_any(20), None, OTHERS),
    ("kill -9 of gpg-agent, 20 times", f.agent(20), None, OTHERS),
    ("kill -9 of PDF helpers, 20 times", f.pdf_helper(20), None, OTHERS),
    ("kill -9 of the resolvers, 20 times", f.resolver(20), None, OTHERS),
    ("kill -9 of Dovecot, 5 times", f.dovecot(5), None, OTHERS),
    ("PostgreSQL stopped fast, 3 times", f.postgres(signal.SIGINT, 3), None, OTHERS),
    ("PostgreSQL stopped immediate, 3 times", f.postgres(signal.SIGQUIT, 3), None, OTHERS),
    ("disk of PostgreSQL full", f.full_disk, None, OTHERS),
    ("sender stopped past its lease and woken", f.asleep, None, OTHERS),
    ("few descriptors", f.limits("descriptors", 10), None, OTHERS),
    ("little memory", f.limits("memory", 10), None, OTHERS),
    ("outside peer down", f.peer_down(MANY), None, OTHERS),
    ("outside peer answers 451", f.peer("answer 451 4.2.0 nanti", MANY), None, OTHERS),
    ("outside peer answers 450 to RCPT", f.peer("refuse-rcpt 450 4.2.0 nanti", MANY), None, OTHERS),
    ("outside peer answers 550", f.peer("answer 550 5.7.1 tidak", MANY), None, OTHERS),
    ("outside peer cuts in DATA", f.peer("cut-early", MANY, True), None, OTHERS),
    ("outside peer gives half a reply", f.peer("half", MANY, True), None, OTHERS),
    ("outside peer cuts after the final dot", f.peer("cut", MANY, True), None, OTHERS),
    ("outside peer silent after the final dot", f.peer("hang", MANY, True), None, OTHERS),
    ("smtpd, router, sender twice at once", f.several(2), None, OTHERS),
    ("smtpd, router, sender three times at once", f.several(3), None, OTHERS),
    *[(f"kill -9 of {role}, 20 times", f.kill_role(role, 20), None, ALIVE if role == "smtpd" else OTHERS)
      for role in ("router", "sender", "smtpd", "signd", "verify", "pdfd", "clerk")],
    ("clock forward by two hours", f.clock(7200), None, OTHERS),
    ("clock back by an hour", f.clock(3600), None, OTHERS),
    ("midnight of 31 December", f.midnight(to(YEAR, 12, 31, 23), to(YEAR, 12, 31, 23, 59, 50)), NO_SECOND, OTHERS),
    ("midnight to 29 February", f.midnight(to(LEAP, 2, 28, 23), to(LEAP, 2, 28, 23, 59, 50)), NO_SECOND, OTHERS),
]


@pytest.fixture(name="runs", scope="module")
def fixture_runs():
    """The house, its letters and the table, which is written whatever comes."""
    house, runs = f.FaultHouse("test-faults"), None
    try:
        house.start()
        runs = f.Runs(house, LETTERS, SEED)
        yield runs
    finally:
        house.stop()
        if runs:
            print(f"\nseed {SEED}\n{runs.table()}")


@pytest.mark.parametrize("name,strike,kinds,held", ALL if LONG else SHORT, ids=lambda v: v if isinstance(v, str) else "")
def test_nothing_is_lost(runs, name, strike, kinds, held):
    if strike is f.full_disk and not runs.house.root:
        pytest.skip("a small file system is mounted by root alone")
    try:
        row = runs.fault(name, strike, kinds, held)
    except HouseError as e:
        if "no small file system" in str(e):
            pytest.skip(str(e))
        raise
    with open(TABLE, "w", encoding="utf-8") as out:
        out.write(f"Seed {SEED}, {LETTERS} letters each.\n\n{runs.table()}\n")
    print("\n" + " | ".join(row.cells()))
    assert not row.words or all(w.startswith("quarantined: ") for w in row.words), "\n".join(row.words)
    assert (row.answered, row.lost, row.twice, row.gaps, row.trail) == (LETTERS, 0, 0, 0, 0)
    assert row.arrived + row.refused + row.uncertain >= LETTERS
    assert row.uncertain <= row.open
