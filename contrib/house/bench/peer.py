"""The peer with all its parts: Postfix, OpenDKIM, the two filters; which of its forms work here."""

import os
import signal

from ..process import Processes
from ..tree import children
from ..waiting import HouseError, free_port
from . import boxes, cpu, filters
from .house import OUTSIDE, head
from .postfix import PeerMissing, Postfix


class Peer:
    """See the head of this file. forms: those that work; missing: {form: why not}."""

    def __init__(self, house, load, build):
        self.house, self.load, self.build = house, load, build
        self.peers = os.path.join(house.var, "peers")
        self.processes = Processes(os.path.join(house.var, "filters.pids"))
        self.postfix, self.forms, self.missing, self.versions = None, [], {}, []
        self.folder = os.path.join(house.runtime, "peer-filters")

    def start(self):
        """Starts what can be had. PeerMissing when that is not even Postfix."""
        if os.geteuid() != 0:
            raise PeerMissing("Postfix needs root (a mount namespace with its users)")
        os.makedirs(self.folder, mode=0o755)
        os.chmod(self.folder, 0o755)
        Processes.end_stale(self.processes.pidfile)
        milter, scanner = "", free_port()
        try:
            milter, version = filters.opendkim(os.path.join(self.peers, "opendkim"), os.path.join(self.folder, "opendkim"), self.processes)
            self.versions.append(f"OpenDKIM {version}")
        except (PeerMissing, HouseError) as e:
            self.missing.update({form: f"no OpenDKIM: {e}" for form in ("dkim", "pipe", "smtp")})
        pipe = filters.keyring(os.path.join(self.folder, "pipe"))
        lmtp = self.house.dovecot.lmtp_socket
        os.chmod(lmtp, 0o666)  # Postfix's LMTP client has a user of its own
        self.postfix = Postfix(self.peers, self.house.certs, self.load.sink,
                               {"milter": milter, "scanner": scanner, "lmtp": lmtp, "group": boxes.group(),
                                "workers": filters.WORKERS},
                               lambda home: filters.pipe_script(home, pipe))
        self.postfix.start()
        self.versions.append(self.postfix.version)
        try:
            filters.scanner(os.path.join(self.build, "tests", "load", "gpgfilter"), filters.keyring(os.path.join(self.folder, "smtp")),
                            scanner, self.postfix.ports["back"], self.processes)
        except (PeerMissing, HouseError) as e:
            self.missing["smtp"] = f"no SMTP filter: {e}"
        for form in ("relay", "dkim", "pipe", "smtp"):
            self._try(form)

    def _try(self, form):
        """One message through a form: its signatures are looked at before it is measured."""
        if form in self.missing:
            return
        try:
            sample = self.load.sample()
            self.load.round([("", "", head(1), [OUTSIDE])], port=self.postfix.ports[form], tls=True, total=1, sink=True, limit=20)
            filters.check(form, sample)
            self.forms.append(form)
        except HouseError as e:
            log = os.path.join(self.postfix.home, "log")
            with open(log, encoding="utf-8", errors="replace") as f:
                said = "".join(f.readlines()[-8:])
            self.missing[form] = f"{e}\n{said}"
            self.postfix.drop()

    @property
    def ports(self):
        """Port of each form."""
        return self.postfix.ports

    def used(self):
        """{part: CPU seconds} of Postfix, OpenDKIM, filters, their gpg and agents."""
        roots = [(name, pid) for name, popen, *_ in self.processes.running
                 for pid in ([popen.pid] if name != "gpgfilter" else children(popen.pid)[:1])]
        return self.postfix.used() | cpu.trees(roots)

    def forget(self):
        """Removes what was only taken in."""
        self.postfix.forget()

    def clear(self):
        """Removes all that waits, deferred or held."""
        self.postfix.forget()
        self.postfix.drop()

    def quiet(self):
        """Waits until its queue is empty."""
        self.postfix.quiet()

    def stop(self):
        """Ends all of it."""
        if self.postfix:
            self.postfix.stop()
        for name, popen, *_ in self.processes.running:
            # the first of its namespace: all of it ends, and unshare sees that and ends too
            for pid in children(popen.pid)[:1] if name == "gpgfilter" else []:
                os.kill(pid, signal.SIGKILL)
                popen.wait(10)
        self.processes.stop_all()
