"""Taking mail in: both sides do nothing but that.

Ours with router, verify and sender stopped where they stand (SIGSTOP) for the round, Postfix with every message laid into
its hold queue, which the queue manager never looks at. Both say 250 when the message is on the disk. What was taken in
is removed between rounds. accept-all is the same with everything running, for information, only where it is named.
"""

from . import cpu
from .house import PEOPLE_IN

# name: sessions, messages a connection, messages of a round, wanted rate
ROWS = {"accept-1x1": (1, 1, 600, ">=1.5"), "accept-1x10": (1, 10, 1000, ">=1.5"), "accept-10x1": (10, 1, 2000, ">=2.5"),
        "accept-10x10": (10, 10, 2000, ">=2.5"), "accept-50x1": (50, 1, 2000, ">=3"), "accept-50x10": (50, 10, 3000, ">=2.5")}
OPEN_RATE, OPEN_SECONDS, OPEN_SESSIONS = 800, 5, 50


class Accept:
    """rates: of Postfix by row, for the open loop."""

    def __init__(self, bench):
        self.bench = bench
        self.rates = {}

    def _round(self, side, **options):
        """One round and the CPU it took: (answer, {part: seconds})."""
        house, peer, load = self.bench.house, self.bench.peer, self.bench.load
        port = house.ports["mx"] if side is house else peer.ports["hold"]
        if side is house:
            house.halt()
        try:
            before = side.used()
            told = load.round(PEOPLE_IN, port=port, **options)
            used = cpu.between(before, side.used())
        finally:
            side.forget()
            if side is house:
                house.wake()
        return told, used

    def row(self, name):
        """A row of ROWS, with the CPU a message for the one of 50 sessions."""
        sessions, per, total, wanted = ROWS[name]
        total = self.bench.scaled(total)
        told = self.bench.in_turn(lambda side: self._round(side, sessions=sessions, per=per, total=total))
        rates = {side: [t["rate"] for t, _ in rounds] for side, rounds in told.items()}
        self.bench.compare(name, rates, wanted, "messages/s")
        self.bench.note_load(name, told)
        if self.bench.peer:
            self.rates[name] = sorted(rates[self.bench.peer])[len(rates[self.bench.peer]) // 2]
        if sessions == 50:
            cost = {side: [sum(u.values()) * 1000 / total for _, u in rounds] for side, rounds in told.items()}
            self.bench.compare(name.replace("accept", "accept-cpu"), cost, "<=0.3", "CPU ms/message")
            self.bench.note_parts(name, told[self.bench.house][-1][1], total)

    def open(self, name):
        """p99 from the schedule's time of MAIL to 250."""
        if "accept-50x1" in self.rates:
            own = self.rates["accept-50x1"]
        elif self.bench.peer:
            own = self._round(self.bench.peer, sessions=50, per=1, total=self.bench.scaled(3000))[0]["rate"]
        else:
            own = OPEN_RATE
        rate = min(OPEN_RATE, 0.7 * own)
        total = int(rate * (OPEN_SECONDS if not self.bench.quick else 3))
        told = self.bench.in_turn(lambda side: self._round(side, sessions=OPEN_SESSIONS, per=0, total=total, rate=rate))
        self.bench.compare(name, {side: [t["accept_ms"]["p99"] for t, _ in rounds] for side, rounds in told.items()}, "<=0.5",
                           f"ms, p99 at {rate:.0f}/s over {OPEN_SESSIONS} kept-open sessions")
        self.bench.note_load(name, told)

    def everything(self, name):
        """Rates at 50 sessions with nothing stopped: ours routes and delivers to the clerks, Postfix discards."""
        house, peer, load = self.bench.house, self.bench.peer, self.bench.load
        total = self.bench.scaled(2000)

        def play(side):
            port = house.ports["mx"] if side is house else peer.ports["discard"]
            told = load.round(PEOPLE_IN, port=port, sessions=50, per=1, total=total)
            side.quiet()
            return told
        told = self.bench.in_turn(play, rounds=1)
        self.bench.compare(name, {side: [t["rate"] for t in rounds] for side, rounds in told.items()}, "", "messages/s", info=True)
