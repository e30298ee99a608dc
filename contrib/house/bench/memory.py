"""Memory: letters of 20 MB, and idle sessions."""

import os

from ..tree import children
from ..waiting import HouseError, wait_for
from .house import PEOPLE_IN, SINK_DOMAIN, head
from .load import Load

LARGE = 20_000_000
TLS_SESSIONS, PLAIN_SESSIONS, IPS = 2000, 10000, 100
OTHER_RATE, OTHER_SECONDS, AT_ONCE = 200, 5, 20


def status(pid, field):
    """A field of /proc/PID/status in KiB, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            return next((int(line.split()[1]) for line in f if line.startswith(field + ":")), 0)
    except OSError:
        return 0


def name_of(pid):
    """The short name of a process."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
            return f.read().strip()
    except OSError:
        return ""


class Memory:
    """See the head of this file."""

    def __init__(self, bench):
        self.bench = bench

    def _ours(self):
        """Pids of every process of ours: the parent, roles, workers, helpers."""
        house = self.bench.house
        parents = [popen.pid for name, popen, *_ in house.processes.running if name == "mtagw"]
        return parents + [pid for p in parents for pid in children(p)]

    def _grown(self, play):
        """Most KiB that a process of ours grew by while play ran, and its name."""
        before = {}
        for pid in self._ours():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
                f.write("5")  # the high-water mark starts again
            before[pid] = status(pid, "VmRSS")
        play()
        most = (0, "")
        for pid in self._ours():
            # one that was started meanwhile counts from the smallest of its name
            same = [kib for p, kib in before.items() if name_of(p) == name_of(pid)]
            most = max(most, (status(pid, "VmHWM") - before.get(pid, min(same, default=0)), name_of(pid)))
        return most

    def _send_large(self, load, count, sessions=1):
        house = self.bench.house
        return load.round(house.writers(), port=house.ports["submission"], tls=True, file=True, size=LARGE, total=count,
                          sessions=sessions, limit=240, sink=load is self.bench.load)

    def large(self, name):
        """Growth of memory by a 20 MB letter out and one in."""
        house, load = self.bench.house, self.bench.load

        def play():
            self._send_large(load, 2)
            load.round(PEOPLE_IN[:1], port=house.ports["mx"], file=True, size=LARGE, total=2, limit=120)
            house.quiet()
        kib, who = self._grown(play)
        self.bench.report.bound(name, kib / 1024, "<64", f"MiB grown by 20 MB out and in, most in {who}")

    def large_beside(self, name):
        """p99 of small letters while 20 large ones come at once, beside that without."""
        house, load = self.bench.house, self.bench.load

        def small():
            return load.round(house.writers(), port=house.ports["submission"], tls=True, sessions=10, sink=True, rate=OTHER_RATE,
                              total=OTHER_RATE * OTHER_SECONDS)["whole_ms"]["p99"]
        without, under = [], []
        with Load(self.bench.build) as second:
            for _ in range(min(3, self.bench.rounds)):
                without.append(small())
                house.quiet()
                # they arrive in the sink of the first load, which takes them for strangers
                second.start(house.writers(), port=house.ports["submission"], tls=True, file=True, size=LARGE, total=AT_ONCE,
                             sessions=AT_ONCE, limit=240)
                under.append(small())
                second.finish()
                house.quiet()
        self.bench.report.beside(name, under, without, "<=5", f"ms, p99 of {OTHER_RATE} letters/s to the sink; peer is ours without")

    def _idle(self, port, count, **options):
        """KiB that smtpd grew by for so many idle sessions."""
        house, load = self.bench.house, self.bench.load
        pids = house.roles(("mtagw-smtpd",))
        before = sum(status(pid, "VmRSS") for pid in pids)
        held = load.hold([("", "", head(1), [f"humas@{SINK_DOMAIN}"])], port=port, sessions=count, ips=IPS, limit=180, **options)
        after = sum(status(pid, "VmRSS") for pid in pids)
        load.release()
        wait_for(lambda: sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids) < count // 10, "idle sessions closed", 60)
        if held != count:
            raise HouseError(f"{held} of {count} idle sessions were held")
        return after - before, after

    def idle_tls(self, name):
        """KiB a session."""
        grown, _ = self._idle(self.bench.house.ports["submission"], TLS_SESSIONS, tls=True)
        self.bench.report.bound(name, grown / TLS_SESSIONS, "<40", f"KiB a session, {TLS_SESSIONS} idle with TLS")

    def idle_plain(self, name):
        """MiB of the whole smtpd."""
        _, after = self._idle(self.bench.house.ports["mx"], PLAIN_SESSIONS)
        self.bench.report.bound(name, after / 1024, "<100", f"MiB in smtpd with {PLAIN_SESSIONS} idle plain sessions")
