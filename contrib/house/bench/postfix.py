"""Postfix of the distribution as the peer, in all the forms that figures ask for.

It needs its paths and its users: it runs in a mount and process namespace of its own, where read-only overlays put the
unpacked package over /usr and /etc, with more users in passwd and group. Outside that namespace nothing changes, and all it
started ends with it. Queue and settings lie in a temporary folder beside the packages, on the disk of ours. Durable as in
real life: nothing of its file syncing is turned off.

One Postfix listens on a port a form (Postfix.ports):

hold      takes a message in and lays it into the hold queue: taking in and nothing else
discard   takes a message in and throws it away when it was queued: everything running
relay     hands it to the sink
dkim      the same, signed by OpenDKIM
pipe      the same after a content filter by pipe(8) that runs gpg once a message
smtp      the same after an SMTP content filter that keeps GPGME loaded
boxes     delivers to Dovecot by LMTP
"""

import glob
import os
import shutil
import tempfile
import time

from ..process import PATH, Processes, clean_env, end_pid, start_time
from ..tree import children, program
from ..waiting import HouseError, banner, free_port, tail, wait_for
from . import cpu
from .packages import fetch

UID, DROP_GID, FILTER_UID = 64130, 64131, 64132  # numbers that no package of Debian takes, as those of the roles
FORMS = ("hold", "discard", "relay", "dkim", "pipe", "smtp", "boxes", "back")
MASTER = """\
{hold} inet n - n - - smtpd
  -o smtpd_end_of_data_restrictions=check_client_access,static:hold
{discard} inet n - n - - smtpd
  -o content_filter=discard:
{relay} inet n - n - - smtpd
{dkim} inet n - n - - smtpd
  -o smtpd_milters={milter}
{pipe} inet n - n - - smtpd
  -o content_filter=gpgpipe:
{smtp} inet n - n - - smtpd
  -o content_filter=scan:[127.0.0.1]:{scanner}
{boxes} inet n - n - - smtpd
  -o content_filter=lmtp:unix:{lmtp}
{back} inet n - n - - smtpd
  -o smtpd_milters={milter}
  -o smtpd_client_connection_count_limit=0
gpgpipe   unix  - n n - {workers} pipe
  flags=Rq user=filter argv={home}/gpgpipe -f ${{sender}} -- ${{recipient}}
scan      unix  - - n - {workers} smtp
  -o disable_dns_lookups=yes
pickup    unix  n - n 60 1 pickup
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
lmtp      unix  - - n - - lmtp
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
sendmail_path = /usr/sbin/sendmail
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
lmtp_destination_recipient_limit = {group}
milter_default_action = tempfail
non_smtpd_milters = {milter}
maillog_file = {home}/log
maillog_file_prefixes = /
"""


class PeerMissing(Exception):
    """Why there is none here."""


class Postfix:
    """One running Postfix. settings: milter (its socket, '' none), scanner (port of the SMTP filter), lmtp (socket),
    group (recipients of one LMTP transaction), workers (filters at one time)."""

    def __init__(self, peers, certs, sink_port, settings, prepare):
        self.peers, self.certs, self.sink_port = peers, certs, sink_port
        self.settings = {"milter": "", "scanner": 1, "lmtp": "/nonexistent", "group": 1, "workers": 4, **settings}
        self.prepare = prepare  # called with the folder when it is there
        self.tree = os.path.join(peers, "postfix")
        self.home = self.processes = self.master = None
        self.ports, self.version = {form: free_port() for form in FORMS}, ""

    def start(self):
        """Fetches where missing, starts, waits for the banner. PeerMissing says why there is none."""
        if os.geteuid() != 0:
            raise PeerMissing("Postfix needs root (a mount namespace with its users)")
        try:
            self.version = "Postfix " + fetch(self.tree, ["postfix", "libnsl2"])["postfix"]
            self.processes = Processes(os.path.join(os.path.dirname(self.peers), "postfix.pids"))
            Processes.end_stale(self.processes.pidfile)
            self._sweep()
            self._write()
            self.processes.start("postfix", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
                                             "sh", "-ec", self.inside],
                                 os.path.join(self.home, "start.log"), env=clean_env(PATH=PATH), limit=30)
            wait_for(lambda: banner("127.0.0.1", self.ports["hold"]).startswith(b"220 "), "Postfix's banner", 30,
                     [os.path.join(self.home, "start.log"), os.path.join(self.home, "log")],
                     self.processes.alive_check("postfix"))
            pid = next(p for p in children(self.processes.running[-1][1].pid) if program(p) == "master")
            self.master = (pid, start_time(pid))
            self.processes.note("postfix-master", *self.master)
        except (HouseError, OSError, StopIteration) as e:
            words = "" if self.home is None else "\n" + tail(os.path.join(self.home, "log"))
            self.stop()
            raise PeerMissing(f"Postfix did not come about: {e}{words}") from e

    def _sweep(self):
        """Folders of runs that were killed."""
        for path in glob.glob(os.path.join(self.peers, "postfix-*")):
            shutil.rmtree(path, ignore_errors=True)

    def _write(self):
        """Settings, users, and the command that runs inside the namespace."""
        self.home = tempfile.mkdtemp(prefix="postfix-", dir=self.peers)
        for place in (self.home, self.peers, os.path.dirname(self.peers)):
            os.chmod(place, 0o755)
        etc = os.path.join(self.home, "etc")
        shutil.copytree(os.path.join(self.tree, "etc"), etc)
        for name, lines in (("passwd", [f"postfix:x:{UID}:{UID}::/nonexistent:/usr/sbin/nologin",
                                        f"filter:x:{FILTER_UID}:{FILTER_UID}::/nonexistent:/usr/sbin/nologin"]),
                            ("group", [f"postfix:x:{UID}:", f"postdrop:x:{DROP_GID}:", f"filter:x:{FILTER_UID}:"])):
            with open(f"/etc/{name}", encoding="utf-8") as f:
                kept = [x for x in f.read().splitlines() if not x.startswith(("postfix:", "postdrop:", "filter:"))]
            with open(os.path.join(etc, name), "w", encoding="utf-8") as f:
                f.write("\n".join(kept + lines) + "\n")
        values = {"home": self.home, "cert": self.certs["cert"], "key": self.certs["key"], "sink": self.sink_port,
                  **self.ports, **self.settings}
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER)):
            with open(os.path.join(etc, "postfix", name), "w", encoding="utf-8") as f:
                f.write(text.format(**values))
        self.prepare(self.home)
        # as the package's script does: mail that a filter hands in goes by this program alone
        postdrop = os.path.join(self.tree, "usr", "sbin", "postdrop")
        os.chown(postdrop, 0, DROP_GID)
        os.chmod(postdrop, 0o2755)
        os.makedirs(os.path.join(self.home, "spool"))
        os.makedirs(os.path.join(self.home, "data"))
        os.chown(os.path.join(self.home, "data"), UID, UID)
        self.inside = (f"mount -t overlay overlay -o 'lowerdir={self.tree}/usr:/usr' /usr; "
                       f"mount -t overlay overlay -o 'lowerdir={etc}:/etc' /etc; "
                       "mount -t proc proc /proc; exec postfix -c /etc/postfix start-fg")

    def used(self):
        """{part: CPU seconds} of all its processes, filters by pipe with them."""
        return cpu.trees([("postfix", self.master[0])])

    def forget(self):
        """Removes what lies in the hold queue."""
        hold = os.path.join(self.home, "spool", "hold")
        for name in os.listdir(hold):
            os.unlink(os.path.join(hold, name))

    def drop(self):
        """Removes what was deferred: a form that does not work must not disturb the others."""
        for path in glob.glob(f"{self.home}/spool/defer*/*/*"):
            os.unlink(path)

    def quiet(self, limit=300):
        """Waits until the queue is empty; HouseError when a message is deferred."""
        def empty():
            return not [n for q in ("maildrop", "incoming", "active") for n in glob.glob(f"{self.home}/spool/{q}/*")]
        wait_for(empty, "Postfix's queue empty", limit, [os.path.join(self.home, "log")], pause=0.05)
        if glob.glob(f"{self.home}/spool/deferred/*/*"):
            raise HouseError(f"Postfix deferred a message:\n{tail(os.path.join(self.home, 'log'))}")

    def stop(self):
        """Ends master and removes the folder."""
        if self.master:
            end_pid(*self.master, 20)  # it takes its daemons with it, and with it the namespace ends
            self.master = None
        if self.processes:
            # unshare hears nothing but KILL while its child lives; that child dies with it
            for _, popen, *_ in self.processes.running:
                if popen.poll() is None:
                    popen.kill()
            self.processes.stop_all()
        if self.home:
            for _ in range(50):
                shutil.rmtree(self.home, ignore_errors=True)
                if not os.path.exists(self.home):
                    break
                time.sleep(0.1)
            self.home = None
