"""Lines and the Markdown report of a bench run."""

import os
import statistics
import time

from ..waiting import HouseError

LATE_MS = 1000  # a p99 above it is a queue that grows, not a latency


def number(x):
    """Short but whole enough to compare."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}" if abs(x) >= 0.1 else f"{x:.4f}"


class Report:
    """Collects figures; say() prints a line at once."""

    def __init__(self, path):
        self.path, self.rows, self.notes, self.facts, self.short = path, [], [], [], []
        self.begun = time.monotonic()

    @staticmethod
    def say(text):
        """A line for the one who waits."""
        print(text, flush=True)

    def fact(self, name, value):
        """Of the machine or a version."""
        self.facts.append((name, value))
        self.say(f"# {name}: {value}")

    def note(self, text):
        """What stands under the table."""
        self.notes.append(text)
        self.say(f"#   {text}")

    def ratio(self, name, ours, peer, wanted, unit="", info=False):
        """A figure beside a peer's: lists of rounds. wanted: '>=1.5' or '<=0.3'."""
        a, b = statistics.median(ours), statistics.median(peer)
        r = a / b if b else float("inf")
        self._line(name, a, b, r, wanted, unit, info)
        self.note(f"{name}: ours {' '.join(number(x) for x in ours)}; peer {' '.join(number(x) for x in peer)} {unit}")

    def beside(self, name, under, without, wanted, unit):
        """Times in ms under a load beside those without it; HouseError where the machine did not keep up even without."""
        if statistics.median(without) > LATE_MS:
            raise HouseError(f"the machine does not keep this rate even without the load: p99 {number(statistics.median(without))} ms")
        self.ratio(name, under, without, wanted, unit)

    def bound(self, name, ours, wanted, unit=""):
        """A figure with a bound of its own, as '<64'."""
        self._line(name, ours, None, ours, wanted, unit, False)

    def alone(self, name, ours, why, unit=""):
        """Ours without the peer: counts as short."""
        a = statistics.median(ours)
        self.rows.append((name, number(a), "-", "-", "-", unit, f"short: {why}"))
        self.short.append(name)
        self.say(f"{name}: ours={number(a)} peer=- ratio=- short ({why})")

    def missing(self, name, why):
        """A figure that could not be taken: counts as short."""
        self.rows.append((name, "-", "-", "-", "-", "", f"short: {why}"))
        self.short.append(name)
        self.say(f"{name}: ours=- peer=- ratio=- short (not taken: {why})")

    def left_out(self, name):
        """Not asked for in a quick run."""
        self.notes.append(f"{name}: left out of a quick run")
        self.say(f"# {name}: left out of a quick run")

    @staticmethod
    def fits(value, wanted):
        """Whether value is as '>=N', '<=N' or '<N' says."""
        for sign, good in ((">=", lambda v, w: v >= w), ("<=", lambda v, w: v <= w), ("<", lambda v, w: v < w)):
            if wanted.startswith(sign):
                return good(value, float(wanted[len(sign):]))
        raise ValueError(wanted)

    def _line(self, name, ours, peer, ratio, wanted, unit, info):
        good = self.fits(ratio, wanted) if not info else True
        word = "info" if info else "ok" if good else "short"
        if not good:
            self.short.append(name)
        shown = (number(ours), "-" if peer is None else number(peer), number(ratio))
        self.rows.append((name, *shown, wanted if not info else "-", unit, word))
        self.say(f"{name}: ours={shown[0]} peer={shown[1]} ratio={shown[2]} wanted={wanted if not info else '-'} {word}")

    def write(self, modules):
        """The Markdown file. modules: whose heads tell how their figures are taken."""
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as f:
            f.write("# Bench of mtagw\n\n| figure | ours | peer | ratio | wanted | unit | |\n|---|---|---|---|---|---|---|\n")
            f.writelines("| " + " | ".join(row) + " |\n" for row in self.rows)
            f.write("\n## Machine and versions\n\n| what | |\n|---|---|\n")
            f.writelines(f"| {a} | {b} |\n" for a, b in self.facts)
            f.write("\n## Rounds and shares\n\n")
            f.writelines(f"- {n}\n" for n in self.notes)
            f.write("\n## How\n\n")
            f.writelines(f"{m.__doc__.strip()}\n\n" for m in modules)
            f.write(f"Taken in {time.monotonic() - self.begun:.0f} s; short: {', '.join(self.short) or 'none'}.\n")
        self.say(f"# report: {self.path}")
