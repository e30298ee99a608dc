"""The command of `make bench`: see the head of the package."""

import argparse
import os
import signal
import sys
import time

from ..instance import ROOT
from ..waiting import HouseError
from . import accept, backlog, boxes, letters, longrun, machine, memory, pdf
from .house import House
from .load import Load
from .peer import Peer
from .postfix import PeerMissing
from .report import Report


NAMED = "named"


class Bench:
    """What figures share: ours, the peers, the load, the report."""

    def __init__(self, args):
        self.quick, self.rounds = args.quick == "quick", args.rounds or (3 if args.quick else 5)
        self.build = os.path.abspath(args.build or os.path.join(ROOT, "build"))
        self.peers_wanted = not args.alone
        self.report = Report(os.path.join(ROOT, "var", "bench-report.md"))
        self.load = self.house = self.peer = None
        self.asked = []  # names of the figures that are to be taken
        self.why_alone = "asked for by --alone"

    def scaled(self, total):
        """Messages of a round: fewer in a quick run."""
        return max(10, total // 3) if self.quick else total

    def in_turn(self, play, rounds=None):
        """play(side) on both in turn; {side: [answers]}."""
        sides = [self.house] + ([self.peer] if self.peer else [])
        told = {side: [] for side in sides}
        for n in range(rounds or self.rounds):
            for side in sides if n % 2 == 0 else reversed(sides):
                told[side].append(play(side))
        return told

    def compare(self, name, figures, wanted, unit, info=False):
        """A line of {side: [figure a round]}."""
        if self.peer in figures and self.peer:
            self.report.ratio(name, figures[self.house], figures[self.peer], wanted, unit, info)
        else:
            self.report.alone(name, figures[self.house], self.why_alone, unit)

    def note_load(self, name, told):
        """What of a core the load itself took, at most."""
        shares = []
        for side, rounds in told.items():
            most = max(t["cpu"] / (t.get("sink_seconds") or t["seconds"]) for t, *_ in rounds)
            shares.append(f"{'ours' if side is self.house else 'peer'} {most:.2f}")
        self.report.note(f"{name}: load generator, cores: {', '.join(shares)}")

    def note_parts(self, name, used, total):
        """CPU of each program."""
        parts = sorted(((s * 1000 / total, p) for p, s in used.items() if s > 0), reverse=True)
        self.report.note(f"{name}: CPU ms a message: " + ", ".join(f"{p} {ms:.2f}" for ms, p in parts))

    # ------------------------------------------------------------------ begin and end

    def begin(self):
        """Starts everything."""
        self.house = House(self.build, self.load.sink, boxes.BOXES if "boxes-500" in self.asked else 0)
        self.house.start()
        if self.peers_wanted:
            try:
                self.peer = Peer(self.house, self.load, self.build)
                self.peer.start()
                for form, why in self.peer.missing.items():
                    self.report.say(f"# peer's form {form}: {why}")
            except PeerMissing as e:
                self.peer.stop()
                self.peer, self.why_alone = None, str(e).splitlines()[0]
                self.report.say(f"# ours alone: {e}")

    def facts(self):
        """The machine."""
        fact = self.report.fact
        fact("cores, load at the start", f"{os.cpu_count()}, {os.getloadavg()[0]:.2f}")
        fact("fdatasync of 4 KB a second", f"{machine.fdatasync(self.house.var):.0f}")
        for kind in ("rsa2048", "ed25519"):
            fact(f"openssl speed {kind}, signatures a second and core", f"{machine.signatures(kind):.0f}")
        fact("PostgreSQL rows of 4 KB a second in batches of 100", f"{machine.rows(self.house):.0f}")
        fact("PostgreSQL is durable", machine.durable(self.house))
        for name, version in machine.versions().items():
            fact(name, version)
        if self.peer:
            fact("peer", ", ".join(self.peer.versions))
        fact("rounds", f"{self.rounds}")

    def recover(self):
        """After a figure that failed: what it left waiting must not disturb the next."""
        try:
            self.house.clear()
            if self.peer:
                self.peer.clear()
        except (HouseError, OSError) as e:
            self.report.say(f"# after that: {e}")

    def end(self):
        """Stops everything; a second Ctrl-C does not stop that."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if self.peer:
            self.peer.stop()
        if self.house:
            self.house.stop()


def figures(bench):
    """{name: (function, heavy: left out of a quick run, or NAMED: only where it is asked for)} in the order they are taken."""
    taking, writing, printing, holding = accept.Accept(bench), letters.Letters(bench), pdf.Pdf(bench), memory.Memory(bench)
    table = {name: (taking.row, False) for name in accept.ROWS}
    table["accept-open"] = (taking.open, False)
    table["accept-all"] = (taking.everything, NAMED)
    table.update({name: (writing.row, False) for name in letters.PEERS})
    table["letter-alone"] = (writing.alone, False)
    table["boxes-500"] = (boxes.Boxes(bench).row, True)
    table["pdf"] = (printing.row, True)
    table["pdf-beside"] = (printing.beside, True)
    table["large"] = (holding.large, True)
    table["large-beside"] = (holding.large_beside, True)
    table["idle-tls"] = (holding.idle_tls, False)
    table["idle-plain"] = (holding.idle_plain, False)
    table["backlog"] = (backlog.Backlog(bench).row, True)
    table["memory-letters"] = (longrun.LongRun(bench).letters, NAMED)
    return table


def take(bench, table):
    """Takes the figures; one that cannot be taken counts as short."""
    for name in bench.asked:
        begun = time.monotonic()
        try:
            table[name][0](name)
        except (HouseError, OSError, ValueError, KeyError) as e:
            bench.report.missing(name, str(e).splitlines()[0])
            bench.report.say(str(e))
            bench.recover()
        bench.report.say(f"#   {name}: {time.monotonic() - begun:.0f} s")
    for name in table:
        if name not in bench.asked and bench.quick and table[name][1] is True:
            bench.report.left_out(name)


def on_signal(*_):
    """TERM ends as Ctrl-C does."""
    raise KeyboardInterrupt


def main():
    """The command."""
    p = argparse.ArgumentParser(prog="bench", description="Speed beside Postfix, as ratios.")
    p.add_argument("quick", nargs="?", choices=["quick"], help="three rounds, fewer messages, no heavy figures")
    p.add_argument("--build", help="folder of the built programs (default: build)")
    p.add_argument("--rounds", type=int, help="rounds a figure (default 5, quick 3)")
    p.add_argument("--only", help="names of figures, a comma between")
    p.add_argument("--alone", action="store_true", help="without peers")
    p.add_argument("--list", action="store_true", help="names of all figures")
    args = p.parse_args()
    bench = Bench(args)
    table, only = figures(bench), [n for n in (args.only or "").split(",") if n]
    if args.list:
        print("\n".join(table))
        return 0
    unknown = [n for n in only if n not in table]
    if unknown:
        p.error(f"no such figure: {', '.join(unknown)} (--list tells them)")
    bench.asked = [n for n, (_, heavy) in table.items() if (n in only if only else heavy != NAMED and not (heavy and bench.quick))]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    try:
        with Load(bench.build) as bench.load:
            try:
                bench.begin()
                bench.facts()
                take(bench, table)
            finally:
                bench.report.write([accept, letters, boxes, pdf, memory, backlog])  # what there is, when it was interrupted
                bench.end()
    except KeyboardInterrupt:
        return 130
    except (HouseError, OSError) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    return 1 if bench.report.short else 0


if __name__ == "__main__":
    sys.exit(main())
