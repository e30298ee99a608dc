"""The parent alone: roles are shell scripts here, so that starts, deaths, HUP and TERM can be looked at."""

import os
import re
import signal
import subprocess
import tempfile

import pytest

from contrib.house.process import start_time
from contrib.house.waiting import free_port, wait_for

ROLES = ("smtpd", "router", "signd", "verify", "sender", "clerk", "pdfd")
BUILD = os.path.abspath(os.environ.get("MTAGW_BUILD") or "build")
# Traps first: a signal that follows "start" must find them.
STEADY = '#!/bin/sh\ntrap \'echo hup >> "$0.log"\' HUP\ntrap "exit 0" TERM\n' \
         'echo "start $MTAGW_FDS $*" >> "$0.log"\nwhile :; do sleep 0.1; done\n'


class Parent:
    """mtagw with scripts for roles."""

    def __init__(self, folder, **scripts):
        self.folder = folder
        os.makedirs(os.path.join(folder, "libexec"))
        for role in ROLES:
            self.script(role, scripts.get(role, STEADY))
        self.port = free_port()
        self.conf = os.path.join(folder, "mtagw.conf")
        self.write_conf()
        self.process = None

    def path(self, role):
        return os.path.join(self.folder, "libexec", f"mtagw-{role}")

    def script(self, role, text):
        with open(self.path(role), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(role), 0o755)

    def write_conf(self, more=""):
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write("domain = dumai.example\nhostname = mail.dumai.example\n"
                    f"listen_mx = 127.0.0.1:{self.port}\nlisten_submission =\nlisten_submissions =\n"
                    f"runtime_dir = {self.folder}/run\nlibexec_dir = {self.folder}/libexec\n{more}")
            # As root each role gets its user; the scripts write beside themselves, so all stay root here.
            f.write("".join(f"{role}_user =\n" for role in ROLES))

    def start(self):
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([f"{BUILD}/mtagw", "-c", self.conf], stderr=log, stdin=subprocess.DEVNULL)
        self.wait(r"ready: mx=127\.0\.0\.1:\d+ submission=off submissions=off")

    def text(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def said(self, role):
        try:
            with open(self.path(role) + ".log", encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def until(self, look, what, limit=15):
        def ended():
            if self.process.poll() is not None and "stop" not in self.text():
                return f"the parent ended with status {self.process.returncode}"
            return None
        wait_for(look, what, limit, [self.log], ended, 0.02)

    def wait(self, pattern, limit=15):
        self.until(lambda: re.search(pattern, self.text()), pattern, limit)

    def pid(self, role):
        return int(re.findall(rf"start: role={role} pid=(\d+)", self.text())[-1])


@pytest.fixture(name="make")
def fixture_make():
    made = []
    with tempfile.TemporaryDirectory(prefix="mtagw-p-") as folder:
        def make(**scripts):
            made.append(Parent(folder, **scripts))
            return made[-1]
        yield make
        for parent in made:
            if parent.process and parent.process.poll() is None:
                parent.process.kill()
                parent.process.wait(10)


def test_roles_get_settings_and_sockets(make):
    parent = make()
    parent.start()
    parent.until(lambda: all("start" in parent.said(r) for r in ROLES), "all roles started")
    assert re.search(r"start mx=\d+ -c /\S+/mtagw\.conf", parent.said("smtpd"))
    assert re.search(r"start signd=\d+ -c", parent.said("signd"))
    assert re.search(r"start verify=\d+ -c", parent.said("verify"))
    assert re.search(r"start pdfd=\d+ -c", parent.said("pdfd"))
    assert "start  -c" in parent.said("router")
    assert "not separated" in parent.text()
    for name in ("signd", "verify", "pdfd"):
        assert os.stat(os.path.join(parent.folder, "run", f"{name}.sock")).st_mode & 0o007 == 0


def test_dead_role_is_started_again_with_back_off(make):
    parent = make(router="#!/bin/sh\nexit 3\n")
    parent.start()
    parent.wait(r"died: role=router status=3[^\n]*\n[^\n]*restart: role=router in_ms=1000")
    parent.wait(r"restart: role=router in_ms=2000")
    first = parent.pid("sender")
    os.kill(first, signal.SIGKILL)
    parent.wait(r"died: role=sender signal=9")
    parent.until(lambda: parent.pid("sender") != first, "sender started again")


def test_back_off_has_its_end(make):
    """restart_max_secs bounds the wait, and a reload changes it."""
    parent = make(router="#!/bin/sh\nexit 3\n")
    parent.write_conf("restart_max_secs = 1\n")
    parent.start()
    parent.wait(r"restart: role=router in_ms=1000\n[\s\S]*restart: role=router in_ms=1000\n")
    assert "in_ms=2000" not in parent.text()
    parent.write_conf("restart_max_secs = 60\n")
    parent.process.send_signal(signal.SIGHUP)
    parent.wait(r"restart: role=router in_ms=2000")


def test_hup_is_passed_on_and_a_bad_file_is_not(make):
    parent = make()
    parent.start()
    parent.until(lambda: all("start" in parent.said(r) for r in ROLES), "all roles started")
    parent.write_conf("recipient_limt = 5\n")
    parent.process.send_signal(signal.SIGHUP)
    parent.wait(r'old settings stay: \S+mtagw\.conf:8: unknown key "recipient_limt"; did you mean "recipient_limit"\?')
    assert "hup" not in parent.said("clerk")
    parent.port = free_port()
    parent.write_conf()
    parent.process.send_signal(signal.SIGHUP)
    parent.wait("reload: key=listen_mx changed")
    parent.until(lambda: all("hup" in parent.said(r) for r in ROLES), "HUP at all roles")


def test_term_drains_and_a_second_kills(make):
    parent = make(sender='#!/bin/sh\ntrap "" TERM\necho start >> "$0.log"\nwhile :; do sleep 0.1; done\n')
    parent.start()
    parent.until(lambda: all("start" in parent.said(r) for r in ROLES), "all roles started")
    parent.process.send_signal(signal.SIGTERM)
    parent.wait("ended: role=smtpd status=0")
    assert parent.process.poll() is None
    parent.process.send_signal(signal.SIGTERM)
    assert parent.process.wait(10) == 0
    assert "ended: role=sender signal=9" in parent.text()


def test_roles_end_with_a_killed_parent(make):
    parent = make()
    parent.start()
    parent.until(lambda: all("start" in parent.said(r) for r in ROLES), "all roles started")
    pids = [parent.pid(r) for r in ROLES]
    parent.process.kill()
    parent.process.wait(10)
    wait_for(lambda: all(start_time(p) is None for p in pids), "the roles end with their parent", 10, [parent.log])


def certificate(folder, name):
    """A key and its own certificate."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"],
                   check=True, capture_output=True)


def rewrite(parent, **values):
    """Sets keys of the file, each in its line or at the end; the lines as they are now."""
    with open(parent.conf, encoding="utf-8") as f:
        lines = f.read().splitlines()
    for key, value in values.items():
        at = [i for i, line in enumerate(lines) if line.startswith(key + " ")]
        if at:
            lines[at[0]] = f"{key} = {value}"
        else:
            lines.append(f"{key} = {value}")
    with open(parent.conf, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    return lines


def complete(parent):
    """The files and folders that settings name are there."""
    certificate(parent.folder, "a")
    rewrite(parent, tls_cert=f"{parent.folder}/a.pem", tls_key=f"{parent.folder}/a.key", secrets_dir=parent.folder,
            policies_dir=parent.folder, templates_dir=parent.folder)


def check_only(parent, **options):
    """What mtagw -n says."""
    return subprocess.run([f"{BUILD}/mtagw", "-n", "-c", parent.conf], capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("label,values,wanted", [
    ("good", {}, "the settings are good"),
    ("unknown key", {"debgu": "yes"}, 'LINE: unknown key "debgu"; did you mean "debug"?'),
    ("no executable", {"libexec_dir": "/nowhere"}, "/nowhere/mtagw-signd: No such file"),
    ("no certificate", {"tls_cert": "/nowhere/c.pem"}, "LINE: tls_cert: /nowhere/c.pem: No such file"),
    ("no key", {"tls_key": "/nowhere/k.pem"}, "LINE: tls_key: /nowhere/k.pem: No such file"),
    ("another key", {"tls_key": "FOLDER/b.key"}, "LINE: tls_key FOLDER/b.key does not belong to tls_cert FOLDER/a.pem"),
    ("a key is no certificate", {"tls_cert": "FOLDER/a.key"}, "LINE: tls_cert FOLDER/a.key: "),
    ("no secrets", {"secrets_dir": "/nowhere/s"}, "LINE: secrets_dir: /nowhere/s: No such file"),
    ("no law", {"policies_dir": "/nowhere/p"}, "LINE: policies_dir: /nowhere/p: No such file"),
    ("law in a file", {"policies_dir": "FOLDER/a.pem"}, "LINE: policies_dir: FOLDER/a.pem: this is no folder"),
    ("one port", {"listen_mx": "127.0.0.1:25", "listen_submission": "127.0.0.1:25"},
     "LINE: listen_submission (127.0.0.1:25) and listen_mx (127.0.0.1:25, line 3) want the same port"),
])
def test_check_only(make, label, values, wanted):
    parent = make()
    complete(parent)
    certificate(parent.folder, "b")
    lines = rewrite(parent, **{k: v.replace("FOLDER", parent.folder) for k, v in values.items()})
    at = [i for i, text in enumerate(lines, 1) if values and text.startswith(list(values)[-1] + " ")]
    wanted = wanted.replace("LINE", f"mtagw.conf:{at[0] if at else 0}").replace("FOLDER", parent.folder)
    done = check_only(parent)
    assert wanted in done.stdout + done.stderr
    assert done.returncode == (0 if label == "good" else 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="users change only where mtagw is started as root")
@pytest.mark.parametrize("values,key,wanted", [
    ({"smtpd_user": "root"}, "smtpd_user", "this is root"),
    ({"signd_user": "0"}, "signd_user", "this is root"),
    ({"router_user": "61001", "sender_user": "61001"}, "sender_user", "router_user is uid 61001 too"),
])
def test_roles_are_separate_users_and_never_root(make, values, key, wanted):
    parent = make()
    complete(parent)
    at = [i for i, text in enumerate(rewrite(parent, **values), 1) if text.startswith(key)]
    for done in (check_only(parent), subprocess.run([f"{BUILD}/mtagw", "-c", parent.conf], capture_output=True, text=True,
                                                    check=False, timeout=20)):
        assert f"mtagw.conf:{at[0]}: {key}: {wanted}" in done.stderr
        assert done.returncode != 0
    assert not any(parent.said(role) for role in ROLES)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not read a key")
def test_what_cannot_be_read_is_said_and_not_judged(make):
    parent = make()
    complete(parent)
    os.chmod(parent.folder, 0o755)
    done = check_only(parent, user=65534, group=65534, extra_groups=[])
    assert f"tls_key {parent.folder}/a.key: not checked" in done.stderr
    assert "the settings are good" in done.stdout and done.returncode == 0
