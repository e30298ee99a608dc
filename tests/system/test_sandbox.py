"""What each running role may still do: a filter on its system calls, a user of its own, nobody else's keys and secrets."""

import os
import re
import subprocess

import pytest

from contrib.house.instance import ROLES
from contrib.house.letters import COMPANY
from contrib.house.process import as_user

HELPER = "pdf"  # mtagw-pdf, which mtagw-pdfd starts


def status(pid):
    """/proc/PID/status as a dictionary."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def processes(house):
    """{role: [pid, ...]} of this house, workers and PDF helpers among them."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                words = f.read().split("\0")
        except OSError:
            continue
        for word in words[:2]:  # Python comes before the name of its script
            if word.startswith(f"{house.libexec}/mtagw-"):
                found.setdefault(word.rpartition("mtagw-")[2], []).append(int(pid))
    return found


@pytest.fixture(name="running")
def fixture_running(office):
    """Every kind of process: a letter that has gone out has had a PDF made."""
    office.confirmed("kadis.diskominfo", office.send_letter(to=(COMPANY,)))
    running = processes(office.house)
    assert set(running) == {*ROLES, HELPER}
    return running


def test_every_process_is_filtered(house, running):
    with open(house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        if re.search("runs without a filter: built with a sanitizer", f.read()):
            pytest.skip("built with a sanitizer, which the filters leave no room for")
    for role, pids in running.items():
        for pid in pids:
            said = status(pid)
            assert (said["Seccomp"], said["NoNewPrivs"]) == ("2", "1"), (role, pid)
            assert int(said["CapEff"], 16) == 0, (role, pid)
    # Workers have another one on top of their pool's, PDF helpers on top of their launcher's.
    layers = {role: [int(status(p)["Seccomp_filters"]) for p in pids] for role, pids in running.items()}
    assert layers["router"].count(2) == len(layers["router"]) - 1 and layers["verify"].count(2) >= 2
    assert layers[HELPER] == [2] * len(layers[HELPER])


def test_each_has_its_own_user(house, running):
    if os.geteuid() != 0:
        pytest.skip("all roles share a user when not started by root")
    for role, pids in running.items():
        owner = house.uid("pdfd" if role == HELPER else role)
        for pid in pids:
            said = status(pid)
            assert set(said["Uid"].split()) == set(said["Gid"].split()) == {str(owner)}, (role, pid)
            assert said["Groups"].strip() == "", (role, pid)


def can(uid, *command):
    """Whether a command succeeds under a uid."""
    return subprocess.run([*as_user(uid), *command], capture_output=True, check=False, cwd="/",
                          stdin=subprocess.DEVNULL).returncode == 0


def connects(uid, path):
    """Whether a uid may connect to a Unix socket."""
    return can(uid, "/usr/bin/python3", "-c", "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])", path)


def test_nobody_reaches_what_is_another_roles(house, running):
    if os.geteuid() != 0:
        pytest.skip("all roles share a user when not started by root")
    assert running
    secrets, sockets = os.path.join(house.state, "secrets"), house.role_sockets
    agent = subprocess.run([*as_user(house.uid("signd")), "gpgconf", "--homedir", house.gnupg, "--list-dirs", "agent-socket"],
                           capture_output=True, text=True, check=True, cwd="/").stdout.strip()
    dkim = os.path.join(house.dkim, "r2026.pem")
    # file or folder: who may read it
    readers = {house.gnupg: {"signd"}, house.dkim: {"signd"}, dkim: {"signd"}, house.certs["key"]: {"smtpd"},
               os.path.join(secrets, "token"): {"router"}, os.path.join(secrets, "owner"): set(),
               os.path.join(secrets, "ctl"): set(), os.path.join(secrets, "dovecot"): set()}
    readers.update({os.path.join(secrets, r): {r} for r in ("smtpd", "router", "sender", "clerk")})
    # socket: who may connect
    clients = {agent: {"signd"}, f"{sockets}/signd.sock": {"signd", "router"},
               f"{sockets}/verify.sock": {"verify", "router"}, f"{sockets}/pdfd.sock": {"pdfd", "router"}}
    for role in ROLES:
        uid = house.uid(role)
        for path, who in readers.items():
            assert os.path.exists(path), path
            verb = ("ls", path) if os.path.isdir(path) else ("cat", path)
            assert can(uid, *verb) == (role in who), (role, path)
        for path, who in clients.items():
            assert connects(uid, path) == (role in who), (role, path)


def enters(house, uid, login, password):
    """Whether a uid gets into the database with this login and password."""
    code = ("import os, sys; os.environ['PGPASSWORD'] = sys.argv[1]; "
            "os.execvp('psql', ['psql', '-Xwqc', 'select 1', '-h', sys.argv[2], '-U', sys.argv[3], 'mtagw'])")
    return can(uid, "/usr/bin/python3", "-s", "-c", code, password, house.postgres.socket_dir, login)


def test_only_some_have_the_database(house, running):
    """Whoever has no login gets in with nobody's, and not by being a user of the machine; a login opens with its secret alone."""
    if os.geteuid() != 0:
        pytest.skip("all roles share a user when not started by root")
    assert running
    logins = set(house.postgres.sql("select rolname from pg_roles where rolname like 'mtagw%'").split())
    assert logins & {f"mtagw_{r}" for r in ROLES} == {f"mtagw_{r}" for r in ("smtpd", "router", "sender", "clerk")}
    with open(os.path.join(house.state, "secrets", "router"), encoding="ascii") as f:
        assert enters(house, house.uid("router"), "mtagw_router", f.read().strip()), "the trial itself works"
    for role in ("signd", "verify", "pdfd"):
        for login in (*sorted(logins), house.postgres.superuser):
            assert not enters(house, house.uid(role), login, ""), (role, login)


def inet_sockets(pid):
    """Sockets of the internet families that a process holds: lines of the tables in /proc/net."""
    held = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            held.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            pass
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as f:
                found += [line for line in f.readlines()[1:] if f"socket:[{line.split()[9]}]" in held]
        except OSError:
            pass
    return found


def test_only_smtpd_and_sender_touch_the_network(running):
    """The others have letters, keys or other people's bytes, and no way out with them."""
    assert any(inet_sockets(pid) for pid in running["smtpd"]), "the trial itself works"
    for role, pids in running.items():
        for pid in pids:
            assert role in ("smtpd", "sender") or inet_sockets(pid) == [], (role, pid)


def test_nobody_looks_into_another(house, running):
    if os.geteuid() != 0:
        pytest.skip("all roles share a user when not started by root")
    for role, pids in running.items():
        for other in ROLES:
            if role != other and (role, other) != (HELPER, "pdfd"):
                for entry in ("environ", "maps"):
                    assert not can(house.uid(other), "head", "-c", "1", f"/proc/{pids[0]}/{entry}"), (role, other, entry)


def test_nothing_was_refused(house):
    with open(house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        text = f.read()
    assert re.findall(r".*(?:that it may not|signal=31).*", text) == []
