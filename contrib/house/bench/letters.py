"""Whole letters, from submission to the sink.

Ours: typed letters of ten agencies over ten kept-open authenticated TLS sessions, one outside recipient each, no PDF:
routed, numbered in ten series, sealed, signed with DKIM by RSA and Ed25519, entered into every table. The peers take the
same mails over ten kept-open TLS sessions (without AUTH, which these sessions would pay once) and relay them to the
same sink.
"""

from ..waiting import HouseError
from . import cpu
from .house import OUTSIDE, head

# name: form of Postfix, wanted rate, wanted CPU, messages of a round of the peer
PEERS = {"letter-pipe": ("pipe", ">=15", "<=0.05", 100), "letter-gpgme": ("smtp", ">=4.3", "<=0.1818", 300),
         "letter-dkim": ("dkim", ">=1.5", "<=0.6", 1000), "letter-relay": ("relay", "", "", 1500)}
SESSIONS, TOTAL = 10, 1500


class Letters:
    """Ours is measured once a row, in turn with its peer."""

    def __init__(self, bench):
        self.bench = bench

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

    def row(self, name):
        """Rate and CPU beside one peer."""
        form, rate, cost, total = PEERS[name]
        bench = self.bench
        if bench.peer and form not in bench.peer.forms:
            raise HouseError(bench.peer.missing[form])
        told = bench.in_turn(lambda side: self._ours(bench.scaled(TOTAL), sessions=SESSIONS) if side is bench.house else
                             self._peer(form, bench.scaled(total), sessions=SESSIONS))
        info = rate == ""
        bench.compare(name, {s: [t["sink_rate"] for t, _, _ in rounds] for s, rounds in told.items()}, rate, "letters/s", info)
        costs = {s: [sum(u.values()) * 1000 / n for _, u, n in rounds] for s, rounds in told.items()}
        bench.compare(name.replace("letter", "letter-cpu"), costs, cost, "CPU ms/letter", info)
        bench.note_load(name, told)
        for side, rounds in told.items():
            bench.note_parts(f"{name} {'ours' if side is bench.house else 'peer'}", rounds[-1][1], rounds[-1][2])

    def alone(self, name):
        """From the final dot of submission to the final dot at the sink, the next one only when that is there."""
        bench, form = self.bench, "pipe"
        if bench.peer and form not in bench.peer.forms:
            raise HouseError(bench.peer.missing[form])
        told = bench.in_turn(lambda side: (self._ours if side is bench.house else lambda *a, **k: self._peer(form, *a, **k))
                             (bench.scaled(60), sessions=1, alone=True))
        bench.compare(name, {s: [t["sink_ms"]["p50"] for t, _, _ in rounds] for s, rounds in told.items()}, "<=0.25", "ms, p50")
