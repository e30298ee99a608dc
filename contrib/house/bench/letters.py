"""Whole letters, from submission to the sink.

Ours: typed letters of ten agencies over ten kept-open authenticated TLS sessions, one outside recipient each, no PDF:
routed, numbered in ten series, sealed, signed with DKIM by RSA and Ed25519, entered into every table. The peers take the
same mails over ten kept-open TLS sessions (without AUTH, which these sessions would pay once) and relay them to the
same sink.
"""

from ..waiting import HouseError
from . import cpu, filters
from .house import OUTSIDE, head

# name: form of Postfix, wanted rate, wanted CPU, messages of a round of the peer
PEERS = {"letter-pipe": ("pipe", ">=15", "<=0.05", 60), "letter-gpgme": ("smtp", ">=4.3", "<=0.1818", 200),
         "letter-dkim": ("dkim", ">=1.5", "<=0.6", 700), "letter-relay": ("relay", "", "", 800)}
SESSIONS, TOTAL = 10, 1500


class Letters:
    """Ours is measured once for all rows, in turn with all their peers."""

    def __init__(self, bench):
        self.bench, self.told = bench, None

    def _ours(self, total, **options):
        house, load = self.bench.house, self.bench.load
        before = house.used()
        told = load.round(house.writers(), port=house.ports["submission"], tls=True, total=total, sink=True, **options)
        house.quiet()
        return told, cpu.between(before, house.used()), total

    def _peer(self, form, total, **options):
        bench = self.bench
        before = bench.peer.used()
        told = bench.load.round([("", "", head(n), [OUTSIDE]) for n in range(1, 11)], port=bench.peer.ports[form], tls=True,
                                total=total, sink=True, **options)
        bench.peer.quiet()
        return told, cpu.between(before, bench.peer.used()), total

    def _take(self):
        """Rounds of ours and of every form that was asked for, in turn: {form or 'ours': answers}."""
        bench = self.bench
        sample = bench.load.sample()
        self._ours(1, sessions=1)
        filters.check("ours", sample)
        wanted = [PEERS[n] for n in PEERS if n in bench.asked and bench.peer and PEERS[n][0] in bench.peer.forms]
        plays = [("ours", lambda: self._ours(bench.scaled(TOTAL), sessions=SESSIONS))]
        plays += [(form, lambda f=form, t=total: self._peer(f, bench.scaled(t), sessions=SESSIONS)) for form, _, _, total in wanted]
        told = {form: [] for form, _ in plays}
        for n in range(bench.rounds):
            for form, play in plays if n % 2 == 0 else reversed(plays):
                told[form].append(play())
        bench.note_parts("letter ours", told["ours"][-1][1], told["ours"][-1][2])
        return told

    def row(self, name):
        """Rate and CPU beside one peer; the first row takes the rounds of all."""
        form, rate, cost, _ = PEERS[name]
        bench = self.bench
        if self.told is None:
            self.told = self._take()
        if bench.peer and form not in bench.peer.forms:
            raise HouseError(bench.peer.missing[form])
        told = {bench.house: self.told["ours"]}
        if bench.peer:
            told[bench.peer] = self.told[form]
        info = rate == ""
        bench.compare(name, {s: [t["sink_rate"] for t, _, _ in rounds] for s, rounds in told.items()}, rate, "letters/s", info)
        costs = {s: [sum(u.values()) * 1000 / n for _, u, n in rounds] for s, rounds in told.items()}
        bench.compare(name.replace("letter", "letter-cpu"), costs, cost, "CPU ms/letter", info)
        bench.note_load(name, told)
        if bench.peer:
            bench.note_parts(f"{name} peer", self.told[form][-1][1], self.told[form][-1][2])

    def alone(self, name):
        """From the final dot of submission to the final dot at the sink, the next one only when that is there."""
        bench, form = self.bench, "pipe"
        if bench.peer and form not in bench.peer.forms:
            raise HouseError(bench.peer.missing[form])
        told = bench.in_turn(lambda side: (self._ours if side is bench.house else lambda *a, **k: self._peer(form, *a, **k))
                             (bench.scaled(60), sessions=1, alone=True))
        bench.compare(name, {s: [t["sink_ms"]["p50"] for t, _, _ in rounds] for s, rounds in told.items()}, "<=0.25", "ms, p50")
