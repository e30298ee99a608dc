"""Faults under a mixed load, and the table of what they left: each starts with letters in flight and ends when nothing waits.

    with FaultHouse("faults") as house:
        run = Runs(house, letters=60, seed=1)
        row = run.fault("gpg-agent killed", strikes.agent)
"""

import os
import random
import re
import resource
import shlex
import shutil
import signal
import tempfile
import time

from .count import OPEN, OPEN_INSIDE, Calm, Reader, Row, books, judge, told
from .instance import ROOT, Instance
from .load import HEAD, IKP, LETTERS_OF_ALL_KINDS, Load, Pool, make
from .people import DOMAIN
from .process import as_user, end_pid, start_time
from .process import run as run_command
from .tree import children, program
from .waiting import HouseError, wait_for

DRAIN_SECS = 1500
LEASE_SECS = 5
BOUNDED = ("smtpd", "router", "sender", "verify", "signd")
# Before the role: bounds of its resources, and (smtpd, whose sockets only the parent has) more of its kind.
WRAPPER = """#!/bin/sh
. {limits}
i=1
while [ $i -lt "$(cat {count})" ]; do
	{real} "$@" &
	echo $! >> {pids}
	i=$((i + 1))
done
exec {real} "$@"
"""


class FaultHouse(Instance):
    """The private house with short leases; PDFs are made of the sekda's letters alone; smtpd can be started several times."""

    # The sekda's registry clerk, whom the house has no account for: a mailbox that is not there is asked for for seconds.
    more_accounts = (f"kasubbag-tu.setda@{DOMAIN}",)

    def __init__(self, name, build=None, **overrides):
        self.policies = os.path.join(ROOT, "var", f"{name}-policies")
        shutil.rmtree(self.policies, ignore_errors=True)
        shutil.copytree(os.path.join(ROOT, "policies"), self.policies)
        path = os.path.join(self.policies, "seal.xml")
        with open(path, encoding="utf-8") as f:
            parts = re.split(r"(?m)^(?=  <seal )", f.read())
        outside = next(p for p in parts if 'form="outside"' in p)
        few = outside.replace('id="', 'id="setda-').replace('form="outside"', 'form="outside" agency="SETDA"')
        parts[parts.index(outside)] = few + outside.replace('pdf="yes"', 'pdf="no"')
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(parts))
        wanted = {"policies_dir": self.policies, "lease_secs": str(LEASE_SECS), "sender_timeout_secs": "4", "restart_max_secs": "1",
                  "smtpd_sessions_per_peer": "200", "auth_failures_max": "1000"}
        super().__init__(name, build=build, overrides={**wanted, **overrides}, say=lambda *_: None)

    def _make_accounts(self):
        super()._make_accounts()
        for address in self.more_accounts:
            self.ctl("account", "add", address, "--password-stdin", "--name", "Pejabat Contoh 12", "--nip", "197909092004031000",
                     "--rank", "Penata", "--grade", "III/c", input_text=self.new_password() + "\n")

    def _start_dovecot(self):
        super()._start_dovecot()
        self.dovecot.make_homes(self.more_accounts)

    def _copy_programs(self):
        libexec = super()._copy_programs()
        self.smtpd_pids = os.path.join(self.state, "smtpd-pids")
        self.put("smtpd-pids", "", 0o666)
        self.times(1)
        self.put("one", "1\n")
        for role in BOUNDED:
            self.put(f"limits-{role}", "")
            real = os.path.join(libexec, f"mtagw-{role}")
            os.rename(real, real + ".real")
            names = {"limits": f"limits-{role}", "count": "smtpd-count" if role == "smtpd" else "one", "pids": "smtpd-pids"}
            with open(real, "w", encoding="ascii") as f:
                f.write(WRAPPER.format(real=shlex.quote(real + ".real"), **{
                    k: shlex.quote(os.path.join(self.state, v)) for k, v in names.items()}))
            os.chmod(real, 0o755)
        return libexec

    def put(self, name, content, mode=0o644):
        """A file that the wrappers read."""
        path = os.path.join(self.state, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(content)
        os.chmod(path, mode)

    def times(self, count):
        """How many smtpd the next start makes."""
        self.put("smtpd-count", f"{count}\n")

    def restart(self):
        """The gateway ends in order and starts again."""
        status = self.stop_gateway()
        if status != 0:
            raise HouseError(f"the gateway ended with status {status}")
        self.start_gateway()

    def end_more_smtpds(self):
        """Ends those beside the parent's."""
        with open(self.smtpd_pids, "r+", encoding="ascii") as f:
            for pid in map(int, f.read().split()):
                started = start_time(pid)
                if started is not None and program(pid).startswith("mtagw-smtpd"):
                    end_pid(pid, started, 30)
            f.truncate(0)

    def parent(self):
        """Pid of the running parent."""
        return next(p.pid for n, p, *_ in self.processes.running if n == "mtagw")

    def pids(self, role):
        """Processes of a role, the first is the parent's child; the PDF helpers are pdfd's."""
        if role == "pdfd":
            first = [p for p in children(self.parent()) if program(p) == "mtagw-pdfd"]
            return first + [c for p in first[:1] for c in children(p)]
        return [p for p in children(self.parent()) if program(p).startswith(f"mtagw-{role}")]

    def stop(self):
        """Also what a fault left stopped or started beside."""
        if self.lock is not None:
            if any(n == "mtagw" for n, *_ in self.processes.running):
                for pid in children(self.parent()) + [self.parent()]:
                    signal_to(pid, signal.SIGCONT)
            self.end_more_smtpds()
        super().stop()
        shutil.rmtree(self.policies, ignore_errors=True)


def signal_to(pid, signo):
    """A signal to a process that may be gone."""
    try:
        os.kill(pid, signo)
        return True
    except ProcessLookupError:
        return False


class Runs:
    """Loads and faults on one house, one after another; rows is the table."""

    def __init__(self, house, letters, seed):
        self.house, self.letters, self.seed = house, letters, seed
        self.random = random.Random(seed)
        self.reader, self.calm, self.pool = Reader(house), Calm(), Pool()
        self.rows, self.count, self.open = [], 0, set()
        self.clock_true = True
        self.held_open = 0  # deliveries that the peer left without an answer
        for domain in house.peer_ports:
            house.peer.order(f"{domain} unchecked")
        for n in range(3):  # the second has what answers and orders need, the third what reports need
            self.learn(n)

    # ------------------------------------------------------------------ what is true now

    def sql(self, text):
        """Rows of the database."""
        return self.reader.sql(text)

    def drained(self):
        """Whether nothing waits but what a person has to look at, or what has its day later."""
        return self.sql("select (select count(*) from mail.work where state <> 'quarantined' and kind <> 'remind'), "
                        "(select count(*) from mail.delivery where state <> 'uncertain')") == [["0", "0"]]

    def wait_drained(self):
        """Waits for that."""
        try:
            wait_for(self.drained, "everything done", DRAIN_SECS, [self.house.log("mtagw")], pause=0.2)
        except HouseError as e:
            left = self.sql("select 'work', kind, state, tries, alone, waits, reason, count(*) from mail.work group by 1, 2, 3, 4, "
                            "5, 6, 7 union all select 'delivery', route, state, attempts, 0, 0, last_text, count(*) from "
                            "mail.delivery group by 1, 2, 3, 4, 5, 6, 7 limit 40")
            raise HouseError(f"{e}\nleft: {left}") from e

    def note_open(self):
        """Notes the SMTP deliveries whose dot is out and whose answer is not written down."""
        self.open.update(r[0] for r in self.sql(OPEN))

    def fill_pool(self):
        """What answers, orders and reports of the next run can be made to; each is used once."""
        letters, mails = self.reader.peer[self.pool_from[0]:], self.reader.mails[self.pool_from[1]:]
        self.pool.letters += [m[:3] for m in letters if m[0] in self.of_head and m[1]]
        for login, _, subject, to, thread in mails:
            about = re.search(r"Gangguan \S+ \d+", subject)
            if about and login == HEAD and to.startswith("disposisi+") and subject.startswith("[Surat masuk "):
                self.pool.presented.append((about.group(), to, thread))
            if about and login == IKP and to.startswith("lapor+") and subject.startswith("[LAPOR]"):
                self.pool.orders.append((about.group(), to, thread))

    # ------------------------------------------------------------------ runs

    def load_of(self, count, kinds=None):
        """Items and their load."""
        self.count += 1
        self.pool_from = (len(self.reader.peer), len(self.reader.mails))
        items = make(self.house, f"{self.count}", count, self.pool, kinds)
        self.of_head = {i.about for i in items if i.login == HEAD and i.kind in ("out", "both")}
        return items, Load(self.house, items)

    def learn(self, n):
        """A run without a fault."""
        items, load = self.load_of(LETTERS_OF_ALL_KINDS)
        load.start()
        load.join(300)
        assert load.answered() == len(items), [i.refused for i in items if not i.answered]
        self.wait_drained()
        self.reader.look()
        self.calm.learn(items, told(self.reader, items, *self.pool_from))
        self.fill_pool()

    def hold(self, roles, signo):
        """Stops or wakes roles."""
        for role in roles:
            for pid in self.house.pids(role):
                signal_to(pid, signo)

    def fault(self, name, strike, kinds=None, held=("router", "sender")):
        """One fault: letters come in while roles are held, these are let go, it strikes, all drains, it is counted."""
        items, load = self.load_of(self.letters, kinds)
        row = Row(name)
        if hasattr(strike, "before"):
            strike.before(self)
        self.open, self.held_open, self.saved = set(), 0, set()
        before = {r[0] for r in self.sql("select id from mail.delivery where state = 'uncertain'")}
        self.hold(held, signal.SIGSTOP)
        load.start()
        try:
            wait_for(lambda: load.answered() >= 0.6 * len(items) or not load.busy(), "letters in flight", 300,
                     [self.house.log("mtagw")])
        finally:
            self.hold(held, signal.SIGCONT)
        strike(self)
        ended = time.monotonic()
        load.join(300)
        self.wait_drained()
        row.seconds = time.monotonic() - ended
        self.release(row)
        self.reader.look()
        self.finish(row, items, before)
        self.fill_pool()
        self.rows.append(row)
        return row

    def release(self, row):
        """What was set aside is let go by hand, as the postmaster would; it must then arrive like the rest."""
        hand = self.sql("select id, kind, ref, reason from mail.work where state = 'quarantined'")
        row.hand = len(hand)
        row.words += [f"quarantined: {h}" for h in hand]
        for number, *_ in hand:
            self.house.ctl("queue", "retry", number)
        if hand:
            self.wait_drained()

    def finish(self, row, items, before):
        """Counts."""
        by = told(self.reader, items, *self.pool_from)
        judge(row, self.reader, items, by, self.calm, self.saved)
        row.numbers, row.gaps = books(self.reader)
        new = {r[0]: r[1:] for r in self.sql("select id, route, last_text from mail.delivery where state = 'uncertain'")
               if r[0] not in before}
        row.open = len(self.open) + self.held_open
        if not self.held_open and not set(new) <= self.open:
            row.words.append(f"uncertain, but not open at the fault: {[new[i] for i in set(new) - self.open]}")
        if len(new) > row.open:
            row.words.append(f"{len(new)} deliveries uncertain, {row.open} open")
        if any(r[0] != "smtp" for r in new.values()):
            row.words.append(f"uncertain inside: {new}")
        # The peer's clock is not moved: what was signed under another one tells it nothing.
        some = {p for *_, p in self.reader.peer[self.pool_from[0]:][:5]} if self.clock_true else set()
        row.words += [f"unsigned: {p}" for p in self.reader.unsigned(some)]
        ids = [m[4] for m in self.reader.mails[self.pool_from[1]:]]
        row.words += stray(self.reader.mails, self.pool_from[1]) if len(ids) != len(set(ids)) and not self.saved else []

    def table(self):
        """Markdown."""
        lines = ["| " + " | ".join(Row.HEAD) + " |", "|" + "---|" * len(Row.HEAD)]
        return "\n".join(lines + ["| " + " | ".join(r.cells()) + " |" for r in self.rows])


def stray(mails, since):
    """Mails that lie twice in one person's mailbox, in whatever folder."""
    seen, twice = set(), []
    for login, folder, subject, _, mid in mails[since:]:
        if (login, folder, mid) in seen:
            twice.append(f"twice in the mailbox of {login}/{folder}: {subject}")
        seen.add((login, folder, mid))
    return twice


# ---------------------------------------------------------------------------------------------- strikes


def kill_one(run, role, pid):
    """kill -9 of one process. For the sender: looks at what it leaves while nobody takes it over."""
    if role != "sender":
        signal_to(pid, signal.SIGKILL)
        return
    parent, started = run.house.parent(), start_time(pid)
    signal_to(parent, signal.SIGSTOP)
    try:
        signal_to(pid, signal.SIGKILL)
        wait_for(lambda: start_time(pid) != started, "the killed is gone", 60)
        wait_for(lambda: run.sql("select count(*) from pg_stat_activity where usename = 'mtagw_sender'") == [["0"]],
                 "its sessions are gone", 60)
        run.note_open()
    finally:
        signal_to(parent, signal.SIGCONT)


def wait_role(run, role):
    """Until a role runs; its processes, once the parent has started it."""
    return wait_for(lambda: run.house.pids(role), f"{role} runs", 90, [run.house.log("mtagw")], pause=0.02)


def kill_role(role, times):
    """Kills of a role at random moments: mostly one of its workers where it has any, else itself."""
    def strike(run):
        for _ in range(times):
            wait_role(run, role)
            time.sleep(run.random.uniform(0.05, 3))
            pids = wait_role(run, role)
            pool = len(pids) > 1 and role in ("router", "verify", "pdfd") and run.random.random() < 0.8
            pid = run.random.choice(pids[1:] if pool else pids[:1])
            started = start_time(pid)
            kill_one(run, role, pid)
            wait_for(lambda p=pid, t=started: t is None or start_time(p) != t, "the killed is gone", 60, pause=0.005)
    return strike


def kill_any(times, roles=("smtpd", "router", "signd", "verify", "sender", "clerk", "pdfd")):
    """Kills of all roles in random order at random moments, each once before one comes again."""
    def strike(run):
        order = []
        for _ in range(times):
            order = order or run.random.sample(roles, len(roles))
            role = order.pop()
            time.sleep(run.random.uniform(0.02, 0.8))
            kill_one(run, role, wait_role(run, role)[0])
    return strike


def agent(times):
    """kill -9 of gpg-agent."""
    def strike(run):
        for _ in range(times):
            found = wait_for(lambda: run.house._note_agent() or run.drained(), "gpg-agent runs", 60)
            if found is not True:
                signal_to(found[0], signal.SIGKILL)
            time.sleep(run.random.uniform(0.05, 0.6))
    return strike


def pdf_helper(times):
    """kill -9 of PDF helpers while they have work."""
    def strike(run):
        for _ in range(times):
            found = wait_for(lambda: [p for d in run.house.pids("pdfd")[:1] for p in children(d)] or run.drained(),
                             "a PDF helper runs", 60, pause=0.01)
            if found is not True:
                signal_to(run.random.choice(found), signal.SIGKILL)
            time.sleep(run.random.uniform(0.02, 0.3))
    return strike


def resolver(times):
    """kill -9 of the processes that ask for names beside the workers of verify."""
    def strike(run):
        for _ in range(times):
            wait_role(run, "verify")
            deep = [g for p in run.house.pids("verify")[:1] for c in children(p) for g in children(c)]
            for pid in deep:
                signal_to(pid, signal.SIGKILL)
            time.sleep(run.random.uniform(0.05, 0.6))
    return strike


def dovecot(times):
    """kill -9 of Dovecot, all its processes; it is started again after a while."""
    def strike(run):
        for _ in range(times):
            running = run.house.processes.running
            row = next(r for r in running if r[0] == "dovecot")
            pids = [row[1].pid, *children(row[1].pid)]
            for pid in pids:
                signal_to(pid, signal.SIGSTOP)
            run.saved |= {m for (m,) in run.sql(OPEN_INSIDE)}
            for pid in pids + children(row[1].pid):
                signal_to(pid, signal.SIGKILL)
            row[1].wait()
            running.remove(row)
            time.sleep(run.random.uniform(0.2, 1.5))
            run.house.dovecot.start()
    return strike


def postgres(signo, times):
    """PostgreSQL stopped (INT fast, QUIT immediate) and started. What is open is read before the sender sees it again."""
    def strike(run):
        for _ in range(times):
            time.sleep(run.random.uniform(0.2, 1))
            running = run.house.processes.running
            row = next(r for r in running if r[0] == "postgres")
            row[1].send_signal(signo)
            row[1].wait(60)
            running.remove(row)
            time.sleep(run.random.uniform(0.2, 1.5))
            run.hold(["sender"], signal.SIGSTOP)
            try:
                run.house.postgres.start()
                run.note_open()
            finally:
                run.hold(["sender"], signal.SIGCONT)
    return strike


def asleep(run):
    """A second sender runs beside; the first is stopped past its lease with deliveries under way, and woken."""
    user = as_user(run.house.uid("sender")) if run.house.root else []
    domain = "pelabuhan.example"
    (first,) = wait_role(run, "sender")[:1]
    run.house.peer.order(f"{domain} hang")
    try:
        wait_for(lambda: run.house.peer.held(domain) > 0 or run.drained(), "a delivery under way", 60)
        run.house.processes.start("sender-2", [*user, os.path.join(run.house.libexec, "mtagw-sender"), "-c", run.house.conf],
                                  run.house.log("mtagw"), limit=30)
        signal_to(first, signal.SIGSTOP)
        run.note_open()
    finally:
        run.house.peer.order(f"{domain} normal")
    end = time.time() * 1000 + LEASE_SECS * 1000
    wait_for(lambda: time.time() * 1000 > end and run.sql(
        f"select count(*) from mail.delivery where state = 'claimed' and lease_until < {int(time.time() * 1000) - 2000}")
        == [["0"]], "its claims were taken over", 60)
    signal_to(first, signal.SIGCONT)
    run.note_open()
    run.house.processes.stop("sender-2")


def limits(kind, secs):
    """Roles with few descriptors, or with little more memory than they have when idle, for a while under load."""
    def strike(run):
        house = run.house
        for role in BOUNDED:
            pages = max(int(open(f"/proc/{p}/statm", encoding="ascii").read().split()[0]) for p in wait_role(run, role))
            kib = pages * resource.getpagesize() // 1024 + 2048
            house.put(f"limits-{role}", (f"ulimit -v {kib}\n" if "memory" in kind else "") +
                      (f"ulimit -n {FEW[role]}\n" if "descriptors" in kind else ""))
        # Whoever cannot even start meets the bound too: the parent tries again.
        assert house.stop_gateway() == 0
        house.processes.start("mtagw", [os.path.join(house.libexec, "mtagw"), "-c", house.conf], house.log("mtagw"),
                              env=house.env(), limit=60)
        house.parent_started = True
        end = time.monotonic() + secs
        wait_for(lambda: time.monotonic() > end, "the bounds have held", secs + 5)
        for role in BOUNDED:
            house.put(f"limits-{role}", "")
        house.restart()
    return strike


# Descriptors: enough to start, too few for the load.
FEW = {"smtpd": 24, "router": 12, "sender": 14, "verify": 20, "signd": 14}


def peer(order, count, fate_open=False):
    """The company's server has a bad day until so many messages met it. fate_open: the final dot may be out, no answer comes (a small
    mail leaves in one piece, so the dot of one that is cut in its first line is out too)."""
    def strike(run):
        p, domain = run.house.peer, "pelabuhan.example"
        before = int(p.order(f"{domain} struck"))
        p.order(f"{domain} {order}")
        try:
            wait_for(lambda: int(p.order(f"{domain} struck")) >= before + count or run.drained(), f"{order} met {count}", 120)
        finally:
            p.order(f"{domain} normal")
        if fate_open:
            run.held_open += int(p.order(f"{domain} struck")) - before
    return strike


def peer_down(count):
    """Its port is closed until so many deliveries were put off."""
    def strike(run):
        p, domain = run.house.peer, "pelabuhan.example"
        run.held_open += int(p.order(f"{domain} open"))  # those that are cut may be behind their final dot
        p.order(f"{domain} down")
        try:
            wait_for(lambda: int(run.sql("select count(*) from mail.delivery where attempts > 0")[0][0]) >= count or
                     run.drained(), f"{count} put off", 120)
        finally:
            p.order(f"{domain} up")
    return strike


def full_disk(run):
    """The file system under the tables that grow is full for a while. Root only: it is a tmpfs, made smaller and larger."""
    tables = ("mail.message", "mail.work", "mail.delivery", "mail.outgoing", "office.letter")
    folder = tempfile.mkdtemp(prefix="mtagw-full-", dir="/tmp")
    done = run_command(["mount", "-t", "tmpfs", "-o", "size=2G", "none", folder], "mount", check=False)
    if done.returncode != 0:
        os.rmdir(folder)
        raise HouseError(f"no small file system can be made here: {done.stderr.strip()}")
    try:
        os.chown(folder, *run.house.pg_user[:2])
        os.chmod(folder, 0o700)
        run.house.postgres.sql(f"create tablespace kecil location '{folder}'")
        move(run, tables, "kecil")
        used = shutil.disk_usage(folder).used // 1024 + 64
        run_command(["mount", "-o", f"remount,size={used}k", folder], "remount")
        log = run.house.log("postgres")
        wait_for(lambda: grep_count(log, "No space left on device") >= 5 or run.drained(), "the disk is full", 120)
        time.sleep(run.random.uniform(1, 3))
        run_command(["mount", "-o", "remount,size=2G", folder], "remount")
    finally:
        run_command(["mount", "-o", "remount,size=2G", folder], "remount", check=False)
        move(run, tables, "pg_default")
        run.house.postgres.sql("drop tablespace kecil")
        run_command(["umount", folder], "umount")
        os.rmdir(folder)


def move(run, tables, tablespace):
    """Tables and their indexes into a tablespace, under load."""
    names = ", ".join(f"'{t}'::regclass" for t in tables)
    for (index,) in run.sql(f"select indexrelid::regclass::text from pg_index where indrelid in ({names})"):
        run.house.postgres.sql(f"alter index {index} set tablespace {tablespace}", "mtagw", limit=300)
    for table in tables:
        run.house.postgres.sql(f"alter table {table} set tablespace {tablespace}", "mtagw", limit=300)


def grep_count(path, words):
    """How often words stand in a file."""
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read().count(words)


def clock(offset):
    """The gateway's clock moved (seconds), with a restart while letters wait."""
    def strike(run):
        house, run.clock_true = run.house, False
        assert house.stop_gateway() == 0, "the gateway did not end in order"
        with open(house.conf, encoding="utf-8") as f:
            text = re.sub(r"(?m)^clock_offset_secs = .*\n", "", f.read())
        with open(house.conf, "w", encoding="utf-8") as f:
            f.write(f"{text}clock_offset_secs = {offset() if callable(offset) else offset}\n")
        house.start_gateway()
    return strike


def midnight(eve, last):
    """The clock passes midnight with letters under way. eve, last: seconds to an hour before it, and to just before it.

    It is moved to that day before the load: who hands a mail in again after five days (the age of what is remembered of it) has
    written another one.
    """
    def strike(run):
        clock(last)(run)
    strike.before = clock(eve)
    return strike


def several(times):
    """smtpd, router and sender run so many times at once from now on until the load is done."""
    def strike(run):
        house = run.house
        house.times(times)
        house.restart()
        for role in ("router", "sender"):
            user = as_user(house.uid(role)) if house.root else []
            for n in range(2, times + 1):
                house.processes.start(f"{role}-{n}", [*user, os.path.join(house.libexec, f"mtagw-{role}"), "-c", house.conf],
                                      house.log("mtagw"), limit=30)
        wait_for(run.drained, "all is done by several", DRAIN_SECS)
        house.times(1)
        for role in ("router", "sender"):
            for n in range(2, times + 1):
                assert house.processes.stop(f"{role}-{n}") == 0
        assert house.stop_gateway() == 0, "the gateway did not end in order"
        house.end_more_smtpds()
        house.start_gateway()
    return strike


def chain(*strikes):
    """One after another under the same load."""
    def strike(run):
        for one in strikes:
            one(run)
    return strike
