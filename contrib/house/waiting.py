"""Waiting for a condition with a limit, and failing with words that help."""

import random
import socket
import time


class HouseError(Exception):
    """Something of the house did not come about; the text is for a person."""


def tail(path, lines=15):
    """The last lines of a log file as one indented text, or a word that there are none."""
    try:
        with open(path, "rb") as f:
            f.seek(0, 2)
            f.seek(max(0, f.tell() - 16384))
            text = f.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError as e:
        return f"    ({path}: {e.strerror})"
    return "\n".join("    " + line for line in text) if text else f"    ({path} is empty)"


def wait_for(condition, what, limit=20.0, logs=(), alive=None, pause=None):
    """Calls condition until it gives something true and returns that.

    pause: seconds between two calls; without it a tenth of what was waited, 0.02 to 0.3: who looks too often takes the cores from
    what he waits for. what: said when the limit (seconds) passes, with the tails of logs. alive: called each round; a text it returns
    (why the waiting is hopeless) ends the waiting at once.
    """
    begun = time.monotonic()
    end = begun + limit
    while True:
        got = condition()
        if got:
            return got
        hopeless = alive() if alive else None
        if hopeless or time.monotonic() > end:
            why = hopeless or f"not within {limit:g} s"
            raise HouseError("\n".join([f"{what}: {why}"] + [f"  {p}:\n{tail(p)}" for p in logs]))
        time.sleep(pause or min(0.3, max(0.02, (time.monotonic() - begun) / 10)))


def banner(host, port, limit=1.0):
    """First line a server says on a port, b'' while nobody answers."""
    try:
        with socket.create_connection((host, port), timeout=limit) as s:
            s.settimeout(limit)
            return s.recv(512)
    except OSError:
        return b""


GIVEN = set()  # ports handed out: whoever got one may not listen yet


def free_port(preferred=0):
    """A loopback port nobody listens on: the preferred one where it is free, else one below the range from which the kernel
    takes the near end of outgoing connections: such a connection could sit on it before our server does. None is given twice."""
    tries = ([preferred] if preferred else []) + random.sample(range(11000, 32000), 100)
    for port in (p for p in tries if p == preferred or p not in GIVEN):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            # As servers bind: connections of a former run in TIME_WAIT do not count, a listener does.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            GIVEN.add(port)
            return port
    raise HouseError("no free port on 127.0.0.1")
