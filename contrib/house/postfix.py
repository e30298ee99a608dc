"""Postfix of the distribution as a peer to measure against: downloaded, unpacked under var/peers, never installed.

It needs its paths and its users: it runs in a mount namespace of its own, where read-only overlays put the unpacked package
over /usr and /etc, with two more users in passwd and group. Outside that namespace nothing changes. Queue and settings lie in a
temporary folder. Durable as in real life: nothing of its file syncing is turned off.
"""

import glob
import os
import shutil
import tempfile
import time

from .process import PATH, Processes, clean_env, end_pid, run, start_time
from .waiting import HouseError, banner, free_port, tail, wait_for

UID, DROP_GID = 64130, 64131  # numbers that no package of Debian takes, as those of the roles
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""
MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.measure.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtp_host_lookup = native
relayhost = [127.0.0.1]:{sink}
transport_maps = inline:{{{discard}=discard:}}
maillog_file = {home}/log
maillog_file_prefixes = /
"""


class PostfixMissing(Exception):
    """Why there is none here."""


class Postfix:
    """One running Postfix: mail for the discard domain is thrown away after it is queued, other goes to the sink."""

    def __init__(self, peers, certs, sink_port, discard_domain):
        self.peers, self.certs, self.sink_port, self.discard = peers, certs, sink_port, discard_domain
        self.tree = os.path.join(peers, "postfix")
        self.home = self.processes = self.port = self.master = None
        self.version = ""

    def start(self):
        """Fetches where missing, starts, waits for the banner. PostfixMissing says why there is none."""
        if os.geteuid() != 0:
            raise PostfixMissing("Postfix needs root (a mount namespace with its users)")
        try:
            self._fetch()
            self._write()
            self.processes = Processes(os.path.join(os.path.dirname(self.peers), "postfix.pids"))
            Processes.end_stale(self.processes.pidfile)
            self.processes.start("postfix", ["unshare", "--mount", "--propagation", "private", "sh", "-ec", self.inside],
                                 os.path.join(self.home, "start.log"), env=clean_env(PATH=PATH), limit=30)
            wait_for(lambda: banner("127.0.0.1", self.port).startswith(b"220 "), "Postfix's banner", 30,
                     [os.path.join(self.home, "start.log"), os.path.join(self.home, "log")],
                     self.processes.alive_check("postfix"))
            self._note_master()
        except HouseError as e:
            self.stop()
            raise PostfixMissing(f"Postfix did not come about: {e}") from e

    def _note_master(self):
        """master is a child of the start script, in a session of its own: known by the pid that it writes down."""
        with open(os.path.join(self.home, "spool", "pid", "master.pid"), encoding="ascii") as f:
            pid = int(f.read())
        self.master = (pid, start_time(pid))
        self.processes.note("postfix-master", *self.master)

    def _fetch(self):
        """The package and a library of it that the machine may lack, by apt's own signatures."""
        done = os.path.join(self.tree, "whole")
        if not os.path.exists(done):
            shutil.rmtree(self.tree, ignore_errors=True)
            os.makedirs(self.tree)
            # The world-readable system temporary folder: apt fetches as a user of its own.
            with tempfile.TemporaryDirectory(prefix="mtagw-deb-") as folder:
                run(["apt-get", "-q", "download", "postfix", "libnsl2"], "apt-get download postfix", limit=300, cwd=folder)
                for deb in glob.glob(os.path.join(folder, "*.deb")):
                    run(["dpkg-deb", "-x", deb, self.tree], "unpacking", limit=120)
                    if os.path.basename(deb).startswith("postfix_"):
                        version = os.path.basename(deb).split("_")[1]
            with open(done, "w", encoding="utf-8") as f:
                f.write(f"Postfix {version}\n")
        with open(done, encoding="utf-8") as f:
            self.version = f.read().strip()

    def _write(self):
        """Settings, users, and the command that runs inside the namespace."""
        self.home = tempfile.mkdtemp(prefix="postfix-", dir=self.peers)
        for place in (self.home, self.peers, os.path.dirname(self.peers)):
            os.chmod(place, 0o755)
        etc = os.path.join(self.home, "etc")
        shutil.copytree(os.path.join(self.tree, "etc"), etc)
        for name, lines in (("passwd", [f"postfix:x:{UID}:{UID}::/nonexistent:/usr/sbin/nologin"]),
                            ("group", [f"postfix:x:{UID}:", f"postdrop:x:{DROP_GID}:"])):
            with open(f"/etc/{name}", encoding="utf-8") as f:
                kept = [x for x in f.read().splitlines() if not x.startswith(("postfix:", "postdrop:"))]
            with open(os.path.join(etc, name), "w", encoding="utf-8") as f:
                f.write("\n".join(kept + lines) + "\n")
        self.port = free_port()
        values = {"home": self.home, "port": self.port, "cert": self.certs["cert"], "key": self.certs["key"],
                  "sink": self.sink_port, "discard": self.discard}
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER)):
            with open(os.path.join(etc, "postfix", name), "w", encoding="utf-8") as f:
                f.write(text.format(**values))
        os.makedirs(os.path.join(self.home, "spool"))
        os.makedirs(os.path.join(self.home, "data"))
        os.chown(os.path.join(self.home, "data"), UID, UID)
        self.inside = (f"mount -t overlay overlay -o 'lowerdir={self.tree}/usr:/usr' /usr; "
                       f"mount -t overlay overlay -o 'lowerdir={etc}:/etc' /etc; "
                       "exec postfix -c /etc/postfix start-fg")

    def quiet(self):
        """Waits until the queue is empty; HouseError when a message is deferred."""
        def empty():
            waiting = [n for q in ("maildrop", "incoming", "active") for n in glob.glob(f"{self.home}/spool/{q}/*")]
            return not waiting
        wait_for(empty, "Postfix's queue empty", 120, [os.path.join(self.home, "log")], pause=0.05)
        if glob.glob(f"{self.home}/spool/deferred/*/*"):
            raise HouseError(f"Postfix deferred a message:\n{tail(os.path.join(self.home, 'log'))}")

    def stop(self):
        """Ends master and removes the folder."""
        if self.master:
            end_pid(*self.master, 20)  # it takes its daemons with it
        if self.processes:
            self.processes.stop_all()
        if self.home:
            # Its daemons end a moment after master; they may still write.
            for _ in range(50):
                shutil.rmtree(self.home, ignore_errors=True)
                if not os.path.exists(self.home):
                    break
                time.sleep(0.1)
            self.home = None
