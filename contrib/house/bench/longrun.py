"""Memory of every process of ours after 10,000, 50,000 and 100,000 whole letters. It takes minutes and runs only where it is named
(--only memory-letters).
"""

from .memory import Memory, name_of, status

MARKS = (10000, 50000, 100000)
STEP = 5000
FLAT = 1.15  # of what stood at the first mark


class LongRun(Memory):
    """See the head of this file."""

    def _resident(self):
        """Anonymous KiB of each kind of process: the largest of its kind (shared pages are no growth)."""
        held = {}
        for pid in self._ours():
            name = name_of(pid)
            held[name] = max(held.get(name, 0), status(pid, "RssAnon"))
        return {name: kib for name, kib in held.items() if kib > 0}

    def letters(self, name):
        """KiB by program at each mark; the figure is the worst growth from the first mark to the last."""
        house, load, report = self.bench.house, self.bench.load, self.bench.report
        done, seen = 0, []
        for mark in MARKS:
            while done < mark:
                load.round(house.writers(), port=house.ports["submission"], tls=True, total=STEP, sessions=10, sink=True, limit=600)
                house.quiet()
                done += STEP
            seen.append(self._resident())
            report.note(f"{name}: after {mark} letters, KiB: " + ", ".join(f"{p} {kib}" for p, kib in sorted(seen[-1].items())))
        worst, who = max((seen[-1].get(p, 0) / kib, p) for p, kib in seen[0].items())
        report.bound(name, worst, f"<={FLAT}", f"times the memory after {MARKS[0]} letters, after {MARKS[-1]}, most in {who}")
