"""Processes of the house: started in sessions of their own, written down, ended by their ids in reverse order.

What was started stands in a file with pid and start time, so that the next start ends what a kill -9 left behind and
never touches a stranger who got the same pid.
"""

import os
import signal
import subprocess
import time

from .waiting import HouseError, tail

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def clean_env(**more):
    """An environment that nothing of the caller's (PGHOST, GNUPGHOME, LC_ALL, ...) reaches into."""
    env = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    env.update(more)
    return env


def as_user(uid, gid=None):
    """Prefix that runs a command under a numeric uid; empty where that is who we are."""
    if uid is None or uid == os.geteuid():
        return []
    gid = uid if gid is None else gid
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"]


def start_time(pid):
    """Start time of a process in clock ticks since boot, None when there is none (or only a zombie)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def end_pid(pid, started, limit, first=signal.SIGTERM):
    """Ends one process by id, checked by its start time: first, then KILL after limit seconds. True when it went alone."""
    if start_time(pid) != started:
        return True
    try:
        os.kill(pid, first)
    except ProcessLookupError:
        return True
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if start_time(pid) != started:
            return True
        time.sleep(0.02)
    if start_time(pid) == started:
        os.kill(pid, signal.SIGKILL)
    return False


class Processes:
    """Everything one house has running."""

    def __init__(self, pidfile):
        self.pidfile = pidfile
        self.running = []  # (name, Popen, start time, stop signal, limit)

    @staticmethod
    def end_stale(pidfile, say=print):
        """Ends what the file names and still runs; the file goes. Returns the number ended."""
        ended = 0
        try:
            with open(pidfile, encoding="utf-8") as f:
                rows = [line.split("\t") for line in f.read().splitlines()]
        except FileNotFoundError:
            return 0
        for row in reversed(rows):
            if len(row) != 3 or not row[1].isdigit() or not row[2].isdigit():
                continue
            name, pid, started = row[0], int(row[1]), int(row[2])
            if start_time(pid) == started:
                say(f"ending {name} (pid {pid}) that a former run left behind")
                # PostgreSQL: INT is the fast shutdown; for the others TERM.
                end_pid(pid, started, 15, signal.SIGINT if name == "postgres" else signal.SIGTERM)
                ended += 1
        os.unlink(pidfile)
        return ended

    def note(self, name, pid, started):
        """Writes a process down (also one we did not fork ourselves, as gpg-agent)."""
        with open(self.pidfile, "a", encoding="utf-8") as f:
            f.write(f"{name}\t{pid}\t{started}\n")

    def start(self, name, command, log, env=None, stop=signal.SIGTERM, limit=20, cwd="/"):
        """Starts a program whose output goes to the log file. It is in its own session, so that Ctrl-C reaches only us."""
        with open(log, "ab") as out:
            popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                     env=env or clean_env(), start_new_session=True)
        started = start_time(popen.pid)
        if started is None:
            popen.wait()
            raise HouseError(f"{name} ended at once with status {popen.returncode}\n  {log}:\n{tail(log)}")
        self.running.append((name, popen, started, stop, limit))
        self.note(name, popen.pid, started)
        return popen

    def alive_check(self, name):
        """For wait_for: a function that tells that the named process has ended."""
        def check():
            for n, popen, *_ in self.running:
                if n == name and popen.poll() is not None:
                    return f"{name} ended with status {popen.returncode}"
            return None
        return check

    def stop(self, name):
        """Ends one by its signal, KILL after its limit. Returns its exit status, None when there is no such one."""
        for row in reversed(self.running):
            if row[0] == name:
                self.running.remove(row)
                return self._end(row)
        return None

    @staticmethod
    def _end(row):
        name, popen, _, sig, limit = row
        if popen.poll() is None:
            popen.send_signal(sig)
            try:
                popen.wait(limit)
            except subprocess.TimeoutExpired:
                print(f"{name} (pid {popen.pid}) did not end within {limit} s: killed", flush=True)
                popen.kill()
                popen.wait()
        return popen.returncode

    def stop_all(self):
        """Ends all, the last started first."""
        while self.running:
            self._end(self.running.pop())
        try:
            os.unlink(self.pidfile)
        except FileNotFoundError:
            pass


def run(command, what, input_text=None, limit=60, env=None, check=True, cwd="/"):
    """Runs a command to its end and returns it completed (text). A failure becomes a HouseError with its words."""
    try:
        done = subprocess.run(command, input=input_text, capture_output=True, text=True, timeout=limit, cwd=cwd,
                              env=env or clean_env(), check=False)
    except subprocess.TimeoutExpired as e:
        raise HouseError(f"{what}: not ended within {limit} s: {' '.join(map(str, command))}") from e
    except OSError as e:
        raise HouseError(f"{what}: {e}") from e
    if check and done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no words")
        raise HouseError(f"{what}: status {done.returncode} of {' '.join(map(str, command))}\n    {words}")
    return done
