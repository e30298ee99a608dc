"""A private Dovecot 2.3: IMAP with TLS on loopback, LMTP and the auth socket as Unix sockets, accounts from the database."""

import os
import shutil

from .process import clean_env, run
from .waiting import banner, wait_for

# Folders every position has, subscribed (mail clients show only those). domain.md section 0.
FOLDERS = [
    ("INBOX", None),
    ("Konsep", "\\Drafts"),
    ("Terkirim", "\\Sent"),
    ("Sampah", "\\Trash"),
    ("Untuk Paraf", None),
    ("Untuk TTD", None),
    ("Disposisi Masuk", None),
    ("Disposisi Keluar", None),
    ("Tembusan", None),
    ("Ditolak", None),
]
DUPLICATES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "mtagw-duplicate.sieve")
CLERK_FOLDERS = ["Belum Diagendakan", "Cetak", "Gagal Kirim"]


class Dovecot:
    """One instance. users: dict with uids smtpd, sender (who may use the sockets), vmail; names internal, login.
    volatile: a folder for locks that live as long as their process, in memory; None: they stand beside the mail."""

    def __init__(self, folder, base, log, cert, key, imap_port, imaps_port, database, users, processes, volatile=None):
        self.folder, self.base, self.log, self.volatile = folder, base, log, volatile
        self.cert, self.key = cert, key
        self.imap_port, self.imaps_port = imap_port, imaps_port
        self.database = database  # libpq conninfo of the role that may read org.dovecot_user
        self.users = users
        self.processes = processes
        self.conf = os.path.join(folder, "dovecot.conf")
        self.home = os.path.join(folder, "mail")
        self.auth_socket = os.path.join(base, "auth-smtp")
        self.lmtp_socket = os.path.join(base, "lmtp")
        self.sieve = os.path.join(folder, "duplicate.sieve")

    def write(self):
        """Writes dovecot.conf, dovecot-sql.conf and the script that throws away what comes twice."""
        u = self.users
        root = os.geteuid() == 0
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        if root:
            os.chown(self.home, u["vmail"], u["vmail"])
            if self.volatile:
                os.chown(self.volatile, u["vmail"], u["vmail"])
        volatile = f":VOLATILEDIR={self.volatile}/%Ld/%Ln" if self.volatile else ""
        shutil.copy(DUPLICATES, self.sieve)
        sql = os.path.join(self.folder, "dovecot-sql.conf")
        # One SCRAM-SHA-256 hash serves PLAIN, LOGIN and SCRAM-SHA-256.
        self._put(sql, f"""driver = pgsql
connect = {self.database}
default_pass_scheme = SCRAM-SHA-256
password_query = SELECT username AS "user", password FROM org.dovecot_user WHERE username = '%Lu'
user_query = SELECT '{self.home}/%Ld/%Ln' AS home, {u["vmail"]} AS uid, {u["vmail"]} AS gid \\
  FROM org.dovecot_user WHERE username = '%Lu'
iterate_query = SELECT username AS "user" FROM org.dovecot_user
""", 0o640, u.get("internal_gid"))
        boxes = "".join(
            f'  mailbox "{name}" {{\n    auto = subscribe\n' + (f"    special_use = {use}\n" if use else "") + "  }\n"
            for name, use in FOLDERS)
        chroots = "" if root else "".join(
            f"service {s} {{\n  chroot =\n}}\n" for s in ("anvil", "stats"))
        login_chroot = "" if root else "  chroot =\n"
        self._put(self.conf, f"""# private instance; nothing of /etc/dovecot is read
base_dir = {self.base}
state_dir = {self.folder}/state
instance_name = mtagw-house
# stderr is a file opened before the start: it may lie where our users cannot go
log_path = /dev/stderr
log_timestamp = "%Y-%m-%d %H:%M:%S "
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {u["internal"]}
default_internal_group = {u["internal_group"]}
default_login_user = {u["login"]}
first_valid_uid = 1
last_valid_uid = 0
mail_uid = {u["vmail"]}
mail_gid = {u["vmail"]}
mail_home = {self.home}/%Ld/%Ln
mail_location = sdbox:~/sdbox{volatile}
mail_fsync = optimized
auth_mechanisms = plain login scram-sha-256
auth_cache_size = 4 M
# Answers for this long are from the cache: a changed password must work at once in tests.
auth_cache_ttl = 2 secs
auth_cache_negative_ttl = 0
auth_failure_delay = 1 secs
disable_plaintext_auth = yes
ssl = required
ssl_cert = <{self.cert}
ssl_key = <{self.key}
ssl_min_protocol = TLSv1.2
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes
lda_mailbox_autosubscribe = yes
hostname = localhost
postmaster_address = postmaster@localhost
passdb {{
  driver = sql
  args = {sql}
}}
userdb {{
  driver = sql
  args = {sql}
}}
namespace inbox {{
  inbox = yes
  separator = /
{boxes}}}
service imap-login {{
{login_chroot}  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = {self.imaps_port}
    ssl = yes
  }}
}}
service auth {{
  unix_listener auth-smtp {{
    mode = 0600
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0600
  }}
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}
plugin {{
  sieve_before = {self.sieve}
  sieve_duplicate_max_period = 30d
}}
{chroots}""", 0o644)

    @staticmethod
    def _put(path, text, mode, gid=None):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        if gid is not None:
            os.chown(path, -1, gid)

    def start(self):
        """Starts it and waits for the IMAP banner; then hands the two sockets to the roles that use them."""
        os.makedirs(os.path.join(self.folder, "state"), mode=0o755, exist_ok=True)
        run(["doveconf", "-c", self.conf, "-n"], "checking dovecot.conf")
        run(["sievec", "-c", self.conf, self.sieve], "compiling duplicate.sieve")
        self.processes.start("dovecot", ["dovecot", "-F", "-c", self.conf], self.log)
        wait_for(lambda: banner("127.0.0.1", self.imap_port).startswith(b"* OK"), "Dovecot's IMAP banner", 30,
                 [self.log], self.processes.alive_check("dovecot"))
        for path, who in ((self.auth_socket, "smtpd"), (self.lmtp_socket, "sender")):
            wait_for(lambda p=path: os.path.exists(p), f"socket {path}", 10, [self.log])
            # unix_listener takes names only; our users have none.
            os.chown(path, self.users[who], -1)

    def make_homes(self, logins):
        """Homes before the first mail: without one Dovecot cannot lock what it remembers of deliveries."""
        for login in logins:
            local, _, domain = login.lower().partition("@")
            for path in (os.path.join(self.home, domain), os.path.join(self.home, domain, local)):
                os.makedirs(path, mode=0o700, exist_ok=True)
                if os.geteuid() == 0:
                    os.chown(path, self.users["vmail"], self.users["vmail"])

    def make_folders(self, login, folders):
        """Creates and subscribes folders that only some positions have."""
        for name in folders:
            run(["doveadm", "-c", self.conf, "mailbox", "create", "-s", "-u", login, name],
                f"folder {name} of {login}", env=clean_env())
