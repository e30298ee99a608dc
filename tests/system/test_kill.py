"""Two heads send at once while router and sender are killed: no number lost or used twice, no letter delivered twice.

A house of its own, so that the kills meet nobody else. What is true is read from the ledger, from `mtagwctl`, and from
the files the outside peer keeps. MTAGW_KILL_LETTERS: letters of each head; they have no PDF: half a second of a core each would be most of
the run, and test_crash.py and test_faults.py kill while PDFs are made.
"""

import collections
import email
import email.policy
import os
import re
import signal
import threading
import time

import pytest

from contrib.house.faults import FaultHouse
from contrib.house.letters import COMPANY, TYPED, mail, rows
from contrib.house.process import start_time
from contrib.house.tree import children, program
from contrib.house.waiting import HouseError, wait_for

HEADS = {"DISKOMINFO": "kadis.diskominfo", "DINKES": "kadis.dinkes"}
LETTERS = int(os.environ.get("MTAGW_KILL_LETTERS", "200"))
KILLS = 5
HUNG = 3
DOTTED = "select id from mail.delivery where state = 'claimed' and dot_at is not null"
DRAIN_SECS = 900  # a busy machine of two cores, and back-off of the parent between the kills
DOMAIN = COMPANY[1].partition("@")[2]


@pytest.fixture(name="kill_house", scope="module")
def fixture_kill_house():
    """The house; claims of a dead process are free again after the shortest lease. What the peer does not answer waits for its kill."""
    made = FaultHouse("test-kill", sender_timeout_secs="300")
    try:
        made.start()
        yield made
    finally:
        made.stop()


class Killer:
    """Kills the roles under this house's parent, and writes down what was open at each death."""

    def __init__(self, house):
        self.house = house
        self.parent = next(p.pid for n, p, *_ in house.processes.running if n == "mtagw")
        self.open = set()  # deliveries with a dot and no answer when their sender died
        self.told = []

    def pids(self, role):
        """Processes of a role, the first is the parent's child."""
        return [p for p in children(self.parent) if program(p).startswith(f"mtagw-{role}")]

    def sql(self, text):
        """Rows of the database as lists of text."""
        return [line.split("\t") for line in self.house.postgres.sql(text, "mtagw").splitlines()]

    def kill(self, what):
        """Both roles, all their processes, at once; looks at what they leave when their database sessions are gone too."""
        # Held meanwhile: it starts them again after a second, and a busy machine looks later than that.
        os.kill(self.parent, signal.SIGSTOP)
        try:
            self.kill_held(what)
        finally:
            os.kill(self.parent, signal.SIGCONT)

    def kill_held(self, what):
        """The killing and looking of kill."""
        victims = [(p, start_time(p)) for role in ("sender", "router") for p in self.pids(role)]
        for pid, _ in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_for(lambda: all(start_time(p) != s for p, s in victims), "the killed are gone", 60)
        gone = "select count(*) from pg_stat_activity where usename in ('mtagw_sender', 'mtagw_router')"
        wait_for(lambda: self.sql(gone) == [["0"]], "the sessions of the killed are gone", 60)
        dotted = [r[0] for r in self.sql(DOTTED)]
        claimed = self.sql("select (select count(*) from mail.work where state = 'claimed'), "
                           "(select count(*) from mail.delivery where state = 'claimed')")[0]
        self.open.update(dotted)
        self.told.append((what, len(victims), *claimed, len(dotted), self.arrived()))

    def arrived(self):
        """Messages the peer has kept so far."""
        folder = os.path.join(self.house.peer.folder, DOMAIN, "new")
        return sum(n.endswith(".json") for n in os.listdir(folder))

    def count(self, text):
        """One number of the database."""
        return int(self.sql(text)[0][0])

    def rounds(self, total):
        """Three kills while letters are decided and numbered, one while they leave, one with letters nobody answers."""
        ledger = "select count(*) from office.number_ledger"
        for part in (0.1, 0.35, 0.6):
            self.kill_when(lambda p=part: self.count(ledger) >= p * total, f"{part:.0%} numbered")
        mark = self.arrived() + total // 20
        self.kill_when(lambda: self.arrived() >= mark, f"{mark} arrived")
        self.house.peer.order(f"{DOMAIN} hang")
        self.kill_when(lambda: self.house.peer.held(DOMAIN) >= HUNG, f"{HUNG} held unanswered")
        self.house.peer.order(f"{DOMAIN} normal")

    def kill_when(self, condition, what):
        """Waits until both roles run and the condition holds; kills."""
        wait_for(lambda: condition() and self.pids("router") and self.pids("sender"), f"{what}, before a kill", DRAIN_SECS,
                 [self.house.log("mtagw")], pause=0.01)
        self.kill(what)


def send_all(house, login, failed):
    """All letters of one head over one authenticated session."""
    try:
        with house.smtp(login) as session:
            for n in range(LETTERS):
                sent = mail(login, [TYPED, COMPANY], f"Uji {login} {n:03d}", f"Surat ke-{n} dari {login}.\n")
                session.send_message(sent, from_addr=house.address(login))
    except Exception as e:  # told by the test, a thread has no other way
        failed.append(f"{login}: {type(e).__name__}: {e}")


def at_peer(house):
    """What the peer keeps: {subject: [about, ...]}."""
    found = collections.defaultdict(list)
    for _, about, message in house.peer.messages(DOMAIN):
        head = email.message_from_bytes(message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=email.policy.default)
        found[str(head["Subject"])].append(about)
    return found


def drained(killer):
    """Whether nothing waits but what a person has to look at."""
    return killer.sql("select (select count(*) from office.letter), (select count(*) from mail.work where state <> "
                      "'quarantined'), (select count(*) from mail.delivery where state <> 'uncertain')") == \
        [[str(len(HEADS) * LETTERS), "0", "0"]]


def table(killer, uncertain, got, seconds):
    """What happened, for a person."""
    lines = [f"{len(HEADS)} x {LETTERS} letters, {KILLS} kills, {seconds:.0f} s",
             f"kill  {'when':<20}  processes  work claimed  deliveries claimed  of these dotted  arrived before"]
    lines += [f"{n:4d}  {t:<20}  {v:9d}  {w:>12}  {d:>18}  {o:15d}  {a:14d}"
              for n, (t, v, w, d, o, a) in enumerate(killer.told, 1)]
    lines.append("agency       numbers  first  last  arrived once  twice  uncertain outside  uncertain inside")
    for agency, login in HEADS.items():
        used = [int(r[0]) for r in killer.sql(f"select n from office.number_ledger where series = "
                                              f"'surat/{agency}' order by n")]
        mine = [r for r in uncertain if r[3] == agency]
        counts = collections.Counter(len(a) for s, a in got.items() if s.startswith(f"Uji {login} "))
        outside = sum(r[1] == "smtp" for r in mine)
        lines.append(f"{agency:11s}  {len(used):7d}  {used[0]:5d}  {used[-1]:4d}  {counts[1]:12d}  "
                     f"{sum(c for n, c in counts.items() if n > 1):5d}  {outside:17d}  {len(mine) - outside:16d}")
    return "\n".join(lines)


def play(house):
    """Sends, kills, waits until all has drained. Returns the killer and how long it took."""
    killer, failed, begun = Killer(house), [], time.monotonic()
    threads = [threading.Thread(target=send_all, args=(house, login, failed)) for login in HEADS.values()]
    for thread in threads:
        thread.start()
    try:
        killer.rounds(len(HEADS) * LETTERS)
    finally:
        for thread in threads:
            thread.join(DRAIN_SECS)
    assert not failed, f"a letter was not taken in: {failed}"
    try:
        wait_for(lambda: drained(killer), "all letters drained", DRAIN_SECS, [house.log("mtagw")], pause=0.5)
    except HouseError as e:
        left = killer.sql("select 'work', kind, state, tries, alone, waits, reason from mail.work union all "
                          "select 'delivery', route, state, attempts, 0, 0, last_text from mail.delivery limit 40")
        raise HouseError(f"{e}\nleft: {left}") from e
    return killer, time.monotonic() - begun


def test_two_heads_send_while_router_and_sender_are_killed(kill_house):
    killer, seconds = play(kill_house)
    got = at_peer(kill_house)
    uncertain = killer.sql("select d.id, d.route, d.last_text, l.agency, l.subject from mail.delivery d "
                           "join office.letter l on l.id = d.letter_id where d.state = 'uncertain'")
    print("\n" + table(killer, uncertain, got, seconds))

    assert not killer.sql("select ref, kind, reason from mail.work where state = 'quarantined'")
    letters = {r["subject"]: r for r in rows(kill_house.ctl("letter", "list", "--limit", "1000", json_out=True))}
    assert len(letters) == len(HEADS) * LETTERS
    numbers_right(killer, kill_house, letters)
    delivered_right(killer, letters, got, uncertain)
    inside_right(kill_house, letters)


def numbers_right(killer, house, letters):
    """Ledger and agenda of each agency: 1 to LETTERS, each once, none void; the letters carry just these."""
    agenda = rows(house.ctl("agenda", "list", "--limit", "1000", json_out=True))
    for agency, login in HEADS.items():
        ledger = killer.sql(f"select n, number, state from office.number_ledger where series = 'surat/{agency}' order by n")
        assert [int(r[0]) for r in ledger] == list(range(1, LETTERS + 1)), agency
        assert {r[2] for r in ledger} == {"assigned"}
        mine = [r for s, r in letters.items() if s.startswith(f"Uji {login} ")]
        assert sorted(r["number"] for r in mine) == sorted(r[1] for r in ledger), agency
        entries = [r for r in agenda if r["agency"] == agency and r["direction"] == "outgoing"]
        assert sorted(int(r["n"]) for r in entries) == list(range(1, LETTERS + 1)), agency
        assert len({r["letter"] for r in entries}) == LETTERS


def delivered_right(killer, letters, got, uncertain):
    """Each letter outside once, or uncertain with its reason; nothing uncertain that was not open at a kill."""
    doubtful = {r[4] for r in uncertain if r[1] == "smtp"}
    assert set(got) <= set(letters), "something arrived that is no letter"
    assert not [s for s, copies in got.items() if len(copies) > 1], "delivered twice"
    assert not [s for s in letters if s not in got and s not in doubtful], "lost"
    assert all(r[2] for r in uncertain), "uncertain without a reason"
    assert len([s for s in doubtful if s not in got]) >= HUNG, "what got no answer is not resent"
    assert {r[0] for r in uncertain} <= killer.open, "uncertain, though not open when its sender was killed"
    assert {r[1] for r in uncertain} == {"smtp"}, "what goes inside is settled without a person"
    for subject, (about,) in got.items():
        assert about["openpgp"]["result"] == "good", subject
        assert sorted(v["result"] for v in about["dkim"]) == ["pass", "pass"], subject


def inside_right(house, letters):
    """Each head has his confirmations, and nothing twice."""
    for login in HEADS.values():
        with house.mailbox(login) as box:
            found = [m for folder in box.folders() for _, m in box.messages(folder)]
        copies = collections.Counter(m["Message-ID"] for m in found)
        assert not [i for i, n in copies.items() if n > 1], f"twice in the mailbox of {login}"
        told = " ".join(m["Subject"] or "" for m in found)
        assert not [s for s in letters if s.startswith(f"Uji {login} ") and s not in told], f"{login} was not told"


def test_parent_tells_each_death(kill_house):
    """The log names what died and how; each kill took the parent's own two children and their workers."""
    with open(kill_house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        text = f.read()
    for role in ("router", "sender"):
        assert len(re.findall(rf"died: role={role} signal=9", text)) == KILLS
