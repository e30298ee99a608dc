"""The house that is measured: a private instance with ten agencies more, and the load's sink as next hop."""

import os
import shutil
import signal

from ..instance import ROOT, Instance
from ..letters import TYPED
from ..people import DOMAIN
from ..tree import children, program
from ..waiting import HouseError, wait_for
from . import cpu
from .asking import Asking

AGENCIES = 10
PDF_AGENCY = AGENCIES + 1
SINK_DOMAIN = "sink.example"
OUTSIDE = f"humas@{SINK_DOMAIN}"
# Who writes from outside, in turn.
PEOPLE_IN = [("", "", "humas@pelabuhan.example", [f"surat.diskominfo@{DOMAIN}"]),
             ("", "", "kadis@riau.example", [f"surat.dinkes@{DOMAIN}"]),
             ("", "", "sekretariat@pekanbaru.example", [f"surat.setda@{DOMAIN}"])]
LIMIT = 300  # seconds until the work of one round is done
STOPPED = ("mtagw-router", "mtagw-verify", "mtagw-sender")  # while only taking in is measured

AGENCY = """
  <agency code="UKUR{n:02}" name="Dinas Ukur {n:02}" registry="surat.ukur{n:02}" head="kadis.ukur{n:02}" clerk="kadis.ukur{n:02}">
    <line>PEMERINTAH KOTA DUMAI</line>
    <line>DINAS UKUR {n:02}</line>
    <position id="kadis.ukur{n:02}" title="Kepala Dinas Ukur {n:02}" block="KEPALA DINAS UKUR {n:02}" echelon="II.b" superior="sekda"/>
  </agency>
"""
SEAL = """
  <seal id="segel-ukur-pdf" valid-from="2021-10-01" code="SGL-91" legal-basis="pengukuran">
    <when form="outside" agency="UKUR{pdf:02}"/>
    <sentence>Surat ukur ke luar dengan PDF.</sentence>
    <allow seal="yes" dkim="yes" pdf="yes" confirm="no" copy="no"/>
  </seal>
  <seal id="segel-ukur" valid-from="2021-10-01" code="SGL-92" legal-basis="pengukuran">
    <when form="outside" agency="UKUR*"/>
    <sentence>Surat ukur ke luar tanpa PDF.</sentence>
    <allow seal="yes" dkim="yes" pdf="no" confirm="no" copy="no"/>
  </seal>
"""


def head(n):
    """Address of the head of bench agency n (1 up)."""
    return f"kadis.ukur{n:02}@{DOMAIN}"


class House(Instance):
    """See the head of this file."""

    def __init__(self, build, sink, boxes=0, name="bench"):
        self.sink, self.boxes = sink, [f"kotak{n:03}@{DOMAIN}" for n in range(1, boxes + 1)]
        self.policies = os.path.join(ROOT, "var", f"{name}-policies")
        self.asking = None
        super().__init__(name, build=build, say=lambda *_: None, overrides={
            "policies_dir": self.policies, "smtpd_sessions_max": "12000", "smtpd_sessions_per_peer": "1000"})

    def start(self):
        self._write_policies()
        super().start()
        self.asking = Asking(self.postgres)
        return self

    def stop(self):
        self.wake()
        if self.asking:
            self.asking.close()
            self.asking = None
        super().stop()
        shutil.rmtree(self.policies, ignore_errors=True)

    # ------------------------------------------------------------------ what differs from the house of `make run`

    def _write_policies(self):
        shutil.rmtree(self.policies, ignore_errors=True)
        shutil.copytree(os.path.join(ROOT, "policies"), self.policies)
        agencies = "".join(AGENCY.format(n=n) for n in range(1, PDF_AGENCY + 1))
        if self.boxes:
            rows = "".join(f'    <position id="{b.split("@")[0]}" title="Kotak {n}" block="KOTAK {n}" superior="kadis.ukur01"/>\n'
                           for n, b in enumerate(self.boxes, 1))
            agencies += AGENCY.format(n=PDF_AGENCY + 1).replace("  </agency>", rows + "  </agency>")
        self._insert("organisation.xml", "</organisation>", agencies, before=True)
        self._insert("seal.xml", "<rules>", SEAL.format(pdf=PDF_AGENCY), before=False)

    def _insert(self, name, mark, text, before):
        path = os.path.join(self.policies, name)
        with open(path, encoding="utf-8") as f:
            whole = f.read()
        if whole.count(mark) != 1:
            raise HouseError(f"policies/{name} has not one {mark}: the bench does not know where to write")
        with open(path, "w", encoding="utf-8") as f:
            f.write(whole.replace(mark, text + mark if before else mark + text))

    def _write_conf(self):
        super()._write_conf()
        with open(self.conf, "a", encoding="utf-8") as f:
            f.write(f"next_hop = {SINK_DOMAIN} 127.0.0.1:{self.sink} tls=may\n")

    def _make_accounts(self):
        super()._make_accounts()
        for n in range(1, PDF_AGENCY + 1):
            self.passwords[head(n)] = self.new_password()
            self.ctl("account", "add", head(n), "--password-stdin", "--name", f"Pejabat Ukur {n:02}", "--nip",
                     "196501011990031000", "--rank", "Pembina Utama Muda", "--grade", "IV/c",
                     input_text=self.passwords[head(n)] + "\n", what=f"account of {head(n)}")
        if self.boxes:
            # Hashing 500 passwords would only cost time: they all have that of the first agency's head.
            self.postgres.sql("insert into org.account select p.id || '@' || split_part(a.login, '@', 2), p.id, a.password, true, "
                              f"a.created_at from org.account a, org.position p where a.login = '{head(1)}' and p.id like 'kotak%'",
                              "mtagw")

    def _start_dovecot(self):
        super()._start_dovecot()
        self.dovecot.make_homes([head(n) for n in range(1, PDF_AGENCY + 1)] + self.boxes)

    def _make_keys(self):
        super()._make_keys()
        for n in range(1, PDF_AGENCY + 1):
            self.ctl("key", "create-seal", f"surat.ukur{n:02}@{DOMAIN}", f"Dinas Ukur {n:02}")
        self._note_agent()

    # ------------------------------------------------------------------ as the load and the figures see it

    def writers(self, first=1, count=AGENCIES, to=(OUTSIDE,)):
        """People for the load: heads of bench agencies who write a typed letter."""
        return [(head(n), self.passwords[head(n)], head(n), [TYPED, *to]) for n in range(first, first + count)]

    def roles(self, names=STOPPED):
        """Pids of roles with their workers."""
        parent = [popen.pid for name, popen, *_ in self.processes.running if name == "mtagw"]
        return [pid for p in parent for pid in children(p) if program(pid) in names]

    def halt(self):
        """Stops router, verify and sender where they stand."""
        for pid in self.roles():
            os.kill(pid, signal.SIGSTOP)

    def wake(self):
        """Lets them go on."""
        for pid in self.roles():
            os.kill(pid, signal.SIGCONT)

    def forget(self):
        """Takes the work of messages that were only to be taken in off the queue; the messages stay."""
        self.asking.ask("delete from mail.work where kind = 'route'")

    def clear(self):
        """Throws away all that waits."""
        self.wake()
        self.asking.ask("delete from mail.work")
        self.asking.ask("delete from mail.delivery")

    def waiting(self):
        """[rows of work, deliveries] not done yet."""
        return [int(x) for x in self.asking.ask("select (select count(*) from mail.work), (select count(*) from mail.delivery)")[0]]

    def quiet(self, limit=LIMIT):
        """Waits until router and sender have nothing left; HouseError when something was set aside."""
        try:
            wait_for(lambda: self.waiting() == [0, 0], "all work of the round done", limit, [self.log("mtagw")],
                     self.processes.alive_check("mtagw"), pause=0.05)
        except HouseError as e:
            left = self.postgres.sql("select kind, state, reason, count(*) from mail.work group by 1, 2, 3 union all select "
                                     "route, state, last_text, count(*) from mail.delivery group by 1, 2, 3", "mtagw")
            raise HouseError(f"{e}\nleft:\n{left}") from e

    def used(self):
        """{part: CPU seconds} of all that works for a letter: roles, PostgreSQL, Dovecot, gpg-agent."""
        roots = [("" if name == "mtagw" else name, popen.pid) for name, popen, *_ in self.processes.running
                 if name in ("mtagw", "postgres", "dovecot")]
        with open(self.processes.pidfile, encoding="utf-8") as f:
            agents = {int(row.split("\t")[1]) for row in f if row.startswith("gpg-agent\t")}
        return cpu.trees(roots + [("gpg-agent", pid) for pid in agents])
