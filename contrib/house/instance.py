"""One private instance of mtagw with everything around it, on loopback, made anew and gone again.

    with Instance("instance") as house:
        house.start()

Started by root, each part runs under an unprivileged user: PostgreSQL as postgres, Dovecot as its package has it, the
roles of mtagw under numeric uids without names. Started by anyone else, all run as that user. The state lies in
var/<name>, or in a directory of the system's temporary one where other users cannot reach var (a closed clone); sockets
always lie in a short directory there. Logs stay in var/log/<name>.
"""

import base64
import fcntl
import grp
import json
import os
import pwd
import secrets
import shutil
import smtplib
import socket
import stat
import tempfile

from . import certs
from .dovecot import CLERK_FOLDERS, Dovecot
from .mailbox import Mailbox, trust
from .outside import Outside
from .peer import PeerClient
from .people import BY_LOGIN, DOMAIN, OUTSIDE, PEOPLE, SEALS
from .postgres import PORT, Postgres
from .process import PATH, Processes, as_user, clean_env, end_pid, run, start_time
from .waiting import HouseError, banner, free_port, tail, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Users of the roles where root starts the house: numbers that no package of Debian takes (64000-64999 is kept for
# such fixed numbers, 64101 up is free there).
UIDS = {"smtpd": 64101, "router": 64102, "signd": 64103, "sender": 64104, "clerk": 64105, "verify": 64106, "pdfd": 64107,
        "vmail": 64110, "peer": 64120}
ROLES = ("smtpd", "router", "signd", "verify", "sender", "clerk", "pdfd")
DB_ROLES = ["owner", "smtpd", "router", "sender", "clerk", "ctl", "dovecot"]
# Tried first, so that a mail client's settings stay right from one run to the next.
PREFERRED = {"mx": 10025, "submissions": 10465, "submission": 10587, "imap": 10143, "imaps": 10993}
SOCKET_PATH_MAX = 107
DISK, MEMORY = "/tmp", "/dev/shm"  # where temporary folders are made
BALANCER = "127.0.0.9"  # who connects from there begins with a PROXY header
HOSTNAME = f"mx.{DOMAIN}"


def reachable_by_others(path):
    """Whether another user can go down to path (each folder on the way has x for others)."""
    path = os.path.abspath(path)
    while True:
        if os.path.exists(path) and not os.stat(path).st_mode & stat.S_IXOTH:
            return False
        parent = os.path.dirname(path)
        if parent == path:
            return True
        path = parent


class Instance:
    """See the head of this file. build: folder of the built programs; overrides: more lines for mtagw.conf; without
    relay domains that the peer has no server for go by MX."""

    def __init__(self, name="instance", build=None, overrides=None, preferred_ports=False, say=print, relay=True):
        self.name, self.say = name, say
        self.root = os.geteuid() == 0
        self.build = os.path.abspath(build or os.environ.get("MTAGW_BUILD") or os.path.join(ROOT, "build"))
        self.var = os.path.join(ROOT, "var")
        self.logs = os.path.join(self.var, "log", name)
        self.preferred_ports = preferred_ports
        self.overrides = dict(overrides or {})
        self.relay = relay
        self.passwords = {}
        self.ports = {}
        self.peer_ports = {}
        self.state = self.runtime = self.conf = None
        self.temporary = []
        self.lock = None
        self.processes = Processes(os.path.join(self.var, f"{name}.pids"))
        self.postgres = self.dovecot = self.peer = self.certs = self.outside = None
        self.parent_started = False

    # ------------------------------------------------------------------ begin and end

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Makes and starts everything; HouseError says what did not come about."""
        try:
            self._places()
            self._users()
            self.certs = certs.make(os.path.join(self.state, "tls"), "localhost")
            self._give(self.certs["key"], "smtpd")
            self._ports()
            self._start_postgres()
            self._write_conf()
            self.ctl("db", "migrate", what="making the schema")
            self.ctl("policy", "activate", what="activating the policy")
            self._make_accounts()
            self._start_dovecot()
            self._start_peer()
            self.start_gateway()
            self._make_keys()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Ends every process and removes the temporary folders. Nothing where the lock is another run's."""
        if self.lock is None:
            return
        self._end_agent()
        if self.outside:
            self.outside.stop()
        self.processes.stop_all()
        for path in self.temporary:
            shutil.rmtree(path, ignore_errors=True)
        if self.temporary:
            self.say(f"removed {' '.join(self.temporary)}")
            os.unlink(os.path.join(self.var, f"{self.name}.temporary"))
        self.temporary = []
        os.close(self.lock)
        self.lock = None

    # ------------------------------------------------------------------ places and users

    def _check_owner(self, *paths):
        """What a run as another user (root) left behind can neither be written nor removed."""
        for path in paths:
            try:
                owner = os.lstat(path).st_uid
            except FileNotFoundError:
                continue
            if not self.root and owner != os.geteuid():
                raise HouseError(f"{path} belongs to uid {owner}, who ran this before; as that user: rm -r {self.var}")

    def _places(self):
        lock = os.path.join(self.var, f"{self.name}.lock")
        self._check_owner(self.var, os.path.dirname(self.logs), self.logs, os.path.join(self.var, self.name), lock)
        os.makedirs(self.logs, exist_ok=True)
        self.lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            os.close(self.lock)
            self.lock = None
            raise HouseError(f"var/{self.name} is in use by another run; end that one first") from e
        Processes.end_stale(self.processes.pidfile, self.say)
        self._remove_leftovers()
        for log in os.listdir(self.logs):
            os.unlink(os.path.join(self.logs, log))

        mine = os.path.join(self.var, self.name)
        shutil.rmtree(mine, ignore_errors=True)
        self.runtime = self._temporary("mtagw-")
        if self.root and not reachable_by_others(self.var):
            self.state = self._temporary("mtagw-state-")
            self.libexec = self._copy_programs()
            self.code = os.path.join(self.state, "code")
            shutil.copytree(os.path.join(ROOT, "contrib", "house"), os.path.join(self.code, "contrib", "house"),
                            ignore=shutil.ignore_patterns("__pycache__"))
        else:
            os.makedirs(mine)
            self.state, self.code = mine, ROOT
            self.libexec = self._copy_programs()
        for path in (self.runtime, self.state):
            os.chmod(path, 0o711)
        self.say(f"state in {self.state}, sockets in {self.runtime}, logs in {self.logs}")

    def _temporary(self, prefix, where=DISK):
        path = tempfile.mkdtemp(prefix=prefix, dir=where)
        self.temporary.append(path)
        with open(os.path.join(self.var, f"{self.name}.temporary"), "a", encoding="utf-8") as f:
            f.write(f"{path}\t{os.stat(path).st_ino}\n")
        return path

    def _remove_leftovers(self):
        """Temporary folders of a run that was killed: only those written down, known again by inode."""
        listed = os.path.join(self.var, f"{self.name}.temporary")
        try:
            with open(listed, encoding="utf-8") as f:
                rows = [line.rstrip("\n").split("\t") for line in f]
            os.unlink(listed)
        except FileNotFoundError:
            return
        for path, inode in (r for r in rows if len(r) == 2):
            try:
                if str(os.lstat(path).st_ino) == inode and path.startswith((f"{DISK}/mtagw-", f"{MEMORY}/mtagw-")):
                    shutil.rmtree(path, ignore_errors=True)
            except FileNotFoundError:
                pass

    def _copy_programs(self):
        """The programs as they are now: a build that goes on beside us does not change a running instance."""
        libexec = os.path.join(self.state, "libexec")
        os.makedirs(libexec)
        for name in ["mtagw", "mtagwctl"] + [f"mtagw-{r}" for r in ROLES]:
            try:
                shutil.copy(os.path.join(self.build, name), libexec)
            except FileNotFoundError as e:
                raise HouseError(f"{self.build}/{name} is not built (make all)") from e
        for place in (self.build, os.path.join(ROOT, "contrib"), os.path.join(ROOT, "mtagw", "router")):
            helper = os.path.join(place, "mtagw-pdf")
            if os.path.exists(helper):
                shutil.copy(helper, libexec)
                break
        for name in os.listdir(libexec):
            os.chmod(os.path.join(libexec, name), 0o755)
        return libexec

    def uid(self, who):
        """The uid a part runs under."""
        return UIDS[who] if self.root else os.geteuid()

    def _give(self, path, who, mode=0o400):
        os.chmod(path, mode)
        if self.root:
            os.chown(path, self.uid(who), self.uid(who))

    def _users(self):
        me = pwd.getpwuid(os.geteuid())
        if self.root:
            postgres = pwd.getpwnam("postgres")
            self.pg_user = (postgres.pw_uid, postgres.pw_gid, "postgres")
            self.dovecot_users = {"internal": "dovecot", "internal_group": "dovecot", "login": "dovenull",
                                  "internal_gid": grp.getgrnam("dovecot").gr_gid}
        else:
            self.pg_user = (me.pw_uid, me.pw_gid, me.pw_name)
            self.dovecot_users = {"internal": me.pw_name, "internal_group": grp.getgrgid(me.pw_gid).gr_name,
                                  "login": me.pw_name}
        self.dovecot_users.update({w: self.uid(w) for w in ("smtpd", "sender", "vmail")})

    def _secret(self, name, who):
        folder = os.path.join(self.state, "secrets")
        os.makedirs(folder, mode=0o711, exist_ok=True)
        os.chmod(folder, 0o711)
        path, value = os.path.join(folder, name), secrets.token_hex(32)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="ascii") as f:
            f.write(value + "\n")
        if who:
            self._give(path, who)
        return value

    def _ports(self):
        for name, wish in PREFERRED.items():
            self.ports[name] = free_port(wish if self.preferred_ports else 0)
        for domain in OUTSIDE:
            self.peer_ports[domain] = free_port()

    # ------------------------------------------------------------------ PostgreSQL, Dovecot, the peer

    def log(self, name):
        """Path of a part's log."""
        return os.path.join(self.logs, f"{name}.log")

    def _start_postgres(self):
        data = os.path.join(self.state, "postgres")
        os.makedirs(data, mode=0o700)
        uid, gid, name = self.pg_user
        sockets = os.path.join(self.runtime, "pg")
        os.makedirs(sockets, mode=0o755)
        if self.root:
            os.chown(data, uid, gid)
            os.chown(sockets, uid, gid)
        self.postgres = Postgres(data, sockets, self.log("postgres"), uid, gid, name, self.processes)
        self.postgres.create()
        self.postgres.start()
        passwords = {}
        for role in DB_ROLES:
            passwords[f"mtagw_{role}"] = self._secret(role, role if role in UIDS else None)
        self._secret("token", "router")
        self.postgres.create_roles(passwords, "mtagw", "mtagw_owner")

    def _start_dovecot(self):
        folder = os.path.join(self.state, "dovecot")
        base = os.path.join(self.runtime, "dovecot")
        for path in (folder, base):
            os.makedirs(path, mode=0o755)
            os.chmod(path, 0o755)
        with open(os.path.join(self.state, "secrets", "dovecot"), encoding="ascii") as f:
            password = f.read().strip()
        database = f"host={self.postgres.socket_dir} port={PORT} dbname=mtagw user=mtagw_dovecot password={password}"
        key = os.path.join(folder, "server.key")
        shutil.copy(self.certs["key"], key)
        os.chmod(key, 0o400)
        volatile = self._temporary("mtagw-locks-", MEMORY) if os.access(MEMORY, os.W_OK | os.X_OK) else None
        self.dovecot = Dovecot(folder, base, self.log("dovecot"), self.certs["cert"], key, self.ports["imap"],
                               self.ports["imaps"], database, self.dovecot_users, self.processes, volatile)
        self.dovecot.write()
        self.dovecot.make_homes(person.address for person in PEOPLE)
        self.dovecot.start()
        for person in PEOPLE:
            if person.clerk:
                self.dovecot.make_folders(person.address, CLERK_FOLDERS)

    def _start_peer(self):
        folder, gnupg = os.path.join(self.state, "peer"), os.path.join(self.runtime, "peer-gnupg")
        control = os.path.join(self.runtime, "peer")
        for path in (folder, os.path.join(folder, "keys"), gnupg, control):
            os.makedirs(path, mode=0o700)
            if self.root:
                os.chown(path, self.uid("peer"), self.uid("peer"))
        tls = certs.make(os.path.join(folder, "tls"), "pelabuhan.example")
        if self.root:
            os.chown(os.path.join(folder, "tls"), self.uid("peer"), self.uid("peer"))
        self._give(tls["key"], "peer")
        self.peer = PeerClient(folder, os.path.join(control, "control"), self.peer_ports)
        self.processes.start(
            "peer", [*as_user(self.uid("peer") if self.root else None), "/usr/bin/python3", "-s", "-m",
                     "contrib.house.peer", "--folder", folder, "--gnupg", gnupg, "--control", self.peer.control,
                     "--cert", tls["cert"], "--key", tls["key"],
                     *[f"{d}={p}" for d, p in self.peer_ports.items()]],
            self.log("peer"), env=clean_env(PYTHONPATH=self.code, PYTHONDONTWRITEBYTECODE="1", HOME=gnupg))
        wait_for(self.peer.answers, "the outside peer", 30, [self.log("peer")], self.processes.alive_check("peer"))

    # ------------------------------------------------------------------ mtagw

    def _write_conf(self):
        self.gnupg = os.path.join(self.state, "gnupg")
        if len(self.gnupg) + len("/S.gpg-agent.browser") > SOCKET_PATH_MAX:
            self.gnupg = os.path.join(self.runtime, "gnupg")
        self.dkim = os.path.join(self.state, "dkim")
        # Sockets of the roles: only the parent and the roles come in.
        self.role_sockets = os.path.join(self.runtime, "roles")
        os.makedirs(self.role_sockets, mode=0o755)
        for path in (self.gnupg, self.dkim):
            os.makedirs(path, mode=0o700)
            self._give(path, "signd", 0o700)
        correspondents = os.path.join(self.runtime, "correspondents")
        os.makedirs(correspondents, mode=0o700)
        self._give(correspondents, "verify", 0o700)
        self.outside = Outside(os.path.join(self.state, "outside"), os.path.join(self.runtime, "outside-gnupg"),
                               correspondents, self.uid("verify") if self.root else None).make()
        self.outside.port = self.ports["mx"]
        loop = "127.0.0.1:"
        values = [
            ("domain", DOMAIN), ("hostname", HOSTNAME),
            ("state_dir", self.state), ("runtime_dir", self.role_sockets),
            ("secrets_dir", os.path.join(self.state, "secrets")),
            ("policies_dir", os.path.join(ROOT, "policies")), ("templates_dir", os.path.join(ROOT, "templates")),
            ("libexec_dir", self.libexec),
            ("listen_mx", loop + str(self.ports["mx"])),
            ("listen_submission", loop + str(self.ports["submission"])),
            ("listen_submissions", loop + str(self.ports["submissions"])),
            ("proxy_from", BALANCER),
            ("tls_cert", self.certs["cert"]), ("tls_key", self.certs["key"]),
            ("db_host", self.postgres.socket_dir), ("db_name", "mtagw"), ("db_port", str(PORT)),
            ("dovecot_auth", f"unix:{self.runtime}/dovecot/auth-smtp"), ("lmtp", f"unix:{self.runtime}/dovecot/lmtp"),
            ("lmtp_duplicate", "yes"),
            ("gnupg_home", self.gnupg), ("dkim_dir", self.dkim),
            ("dns_zone_file", self.outside.zone), ("correspondent_keys", correspondents),
            ("dkim_selector_rsa", "r2026"), ("dkim_selector_ed25519", "e2026"),
            # A played day cannot wait minutes for the next try.
            # All of a played house come from one address.
            ("smtpd_connection_rate_limit", "0"),
            ("retry_min_secs", "1"), ("retry_max_secs", "4"), ("intake_list_secs", "1"),
        ]
        for domain, port in self.peer_ports.items():
            if domain != "*" or self.relay:
                values.append(("next_hop", f"{domain} {loop}{port} tls=may"))
        if self.root:
            values += [(f"{role}_user", str(UIDS[role])) for role in ROLES]
        keys = {k for k, _ in values}
        values = [(k, self.overrides.get(k, v)) for k, v in values]
        values += [(k, v) for k, v in self.overrides.items() if k not in keys]
        self.conf = os.path.join(self.state, "mtagw.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write("# written by the private house for one run\n")
            f.writelines(f"{k} = {v}\n" for k, v in values)
        os.chmod(self.conf, 0o644)
        run([os.path.join(self.libexec, "mtagw"), "-n", "-c", self.conf], "mtagw -n finds the settings wrong",
            env=self.env())

    def env(self):
        """Environment of our programs; sanitizer options of the caller go through."""
        more = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        return clean_env(HOME=self.state, PATH=PATH, **more)

    def start_gateway(self):
        """Starts the parent and waits until the three ports answer and signd takes questions."""
        log = self.log("mtagw")
        self.processes.start("mtagw", [os.path.join(self.libexec, "mtagw"), "-c", self.conf], log, env=self.env(),
                             limit=30)
        self.parent_started = True
        alive = self.processes.alive_check("mtagw")
        for name in ("mx", "submission"):
            wait_for(lambda n=name: banner("127.0.0.1", self.ports[n]).startswith(b"220 "), f"banner of {name}", 30,
                     [log], alive)
        wait_for(self._submissions_answers, "banner of submissions", 30, [log], alive)
        wait_for(lambda: self.ctl("key", "list", check=False).returncode == 0, "signd takes questions", 30, [log], alive)
        wait_for(self._auth_offered, "AUTH on submission (Dovecot's auth socket)", 30, [log, self.log("dovecot")], alive)

    def stop_gateway(self):
        """TERM to the parent; its exit status when all has drained."""
        self.parent_started = False
        return self.processes.stop("mtagw")

    def _submissions_answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.ports["submissions"]), timeout=2) as plain:
                with trust(self.certs["ca"]).wrap_socket(plain, server_hostname="localhost") as s:
                    return s.recv(512).startswith(b"220 ")
        except OSError:
            return False

    def _auth_offered(self):
        try:
            with smtplib.SMTP("localhost", self.ports["submission"], timeout=5) as s:
                s.starttls(context=trust(self.certs["ca"]))
                s.ehlo()
                return s.has_extn("auth")
        except (OSError, smtplib.SMTPException):
            return False

    def ctl(self, *args, json_out=False, input_text=None, check=True, what=None, limit=60):
        """Runs mtagwctl; with json_out gives the parsed answer, else the completed process."""
        command = [os.path.join(self.libexec, "mtagwctl"), "-c", self.conf]
        if json_out:
            command.append("--json")
        done = run([*command, *args], what or "mtagwctl " + " ".join(args), input_text=input_text, check=check,
                   limit=limit, env=self.env())
        if not json_out:
            return done
        try:
            return json.loads(done.stdout)
        except ValueError as e:
            raise HouseError(f"mtagwctl --json {' '.join(args)}: not JSON ({e}):\n{done.stdout[:400]}") from e

    def _make_accounts(self):
        for person in PEOPLE:
            self.passwords[person.address] = self.new_password()
            self.ctl("account", "add", person.address, "--password-stdin", "--name", person.name, "--nip", person.nip,
                     "--rank", person.rank, "--grade", person.grade,
                     input_text=self.passwords[person.address] + "\n", what=f"account of {person.address}")

    @staticmethod
    def new_password():
        """Short enough to type into a mail client, random enough for loopback: 60 bits."""
        return base64.b32encode(secrets.token_bytes(8))[:12].decode().lower()

    def _make_keys(self):
        for kind in ("rsa", "ed25519"):
            self.ctl("key", "create-dkim", kind)
        for address, name in SEALS:
            self.ctl("key", "create-seal", address, name)
        self._note_agent()
        self.publish_keys()

    def publish_keys(self):
        """What DNS and WKD would tell the outside: laid into the peer's folder."""
        shown = self.ctl("key", "show-dkim", json_out=True)
        with open(os.path.join(self.peer.folder, "dns.txt"), "w", encoding="utf-8") as f:
            for record in shown["records"]:
                f.write(f"{record['name']} {record['value']}\n")
        os.chmod(f.name, 0o644)
        for address, _ in SEALS:
            path = os.path.join(self.peer.folder, "keys", f"{address}.asc")
            with open(path, "w", encoding="utf-8") as f:
                f.write(self.ctl("key", "show-seal", address, json_out=True)["armor"])
            os.chmod(path, 0o644)

    def _agent(self, *words):
        return run([*as_user(self.uid("signd") if self.root else None), "gpg-connect-agent", "--no-autostart",
                    "--homedir", self.gnupg, *words, "/bye"], "gpg-connect-agent", check=False,
                   env=clean_env(HOME=self.gnupg))

    def _note_agent(self):
        """gpg-agent makes itself a daemon: its pid is asked for and written down, to end it by id."""
        for line in self._agent("GETINFO pid").stdout.splitlines():
            if line.startswith("D ") and line[2:].strip().isdigit():
                pid = int(line[2:])
                started = start_time(pid)
                if started is not None:
                    self.processes.note("gpg-agent", pid, started)
                    return pid, started
        return None

    def _end_agent(self):
        if not self.parent_started:
            return
        # The roles first: signd would start the agent again.
        self.stop_gateway()
        found = self._note_agent()
        if found:
            end_pid(*found, 10)

    # ------------------------------------------------------------------ as a person

    def address(self, login):
        """Full address of a login's local part."""
        return login if "@" in login else BY_LOGIN[login].address if login in BY_LOGIN else f"{login}@{DOMAIN}"

    def smtp(self, login=None, port="submission"):
        """A connected smtplib session: submission with TLS and AUTH for login, or plain to the MX."""
        if port == "mx":
            return smtplib.SMTP("127.0.0.1", self.ports["mx"], local_hostname="outside.example", timeout=60)
        if port == "submissions":
            s = smtplib.SMTP_SSL("localhost", self.ports["submissions"], timeout=60, context=trust(self.certs["ca"]))
        else:
            s = smtplib.SMTP("localhost", self.ports["submission"], timeout=60)
            s.starttls(context=trust(self.certs["ca"]))
        if login:
            s.login(self.address(login), self.passwords[self.address(login)])
        return s

    def submit(self, login, message, rcpts=None, port="submission"):
        """Sends an EmailMessage (or bytes with rcpts) as login; its recipients are those of the header if not told."""
        with self.smtp(login, port) as s:
            if isinstance(message, bytes):
                return s.sendmail(self.address(login), rcpts, message)
            return s.send_message(message, from_addr=self.address(login), to_addrs=rcpts)

    def from_outside(self, sender, rcpts, message):
        """Sends to the MX as an outside server would."""
        with self.smtp(port="mx") as s:
            data = message if isinstance(message, bytes) else None
            return s.sendmail(sender, rcpts, data) if data else s.send_message(message, sender, rcpts)

    def mailbox(self, login):
        """An IMAP session of a position (a context manager)."""
        address = self.address(login)
        return Mailbox("localhost", self.ports["imaps"], self.certs["ca"], address, self.passwords[address])

    def log_tails(self):
        """Last lines of every log, for failure reports."""
        return "\n".join(f"{n}:\n{tail(os.path.join(self.logs, n), 20)}" for n in sorted(os.listdir(self.logs)))
