"""Memory of every process of ours after 10,000, 50,000 and 100,000 whole letters. It takes minutes and runs only where it is named
(--only memory-letters). MTAGW_BENCH_LETTERS is another number for the last mark; those before it are a tenth and a half of it.
"""

import os

from ..waiting import HouseError
from .memory import Memory, name_of, status

LETTERS = int(os.environ.get("MTAGW_BENCH_LETTERS", "100000"))
MARKS = (LETTERS // 10, LETTERS // 2, LETTERS)
STEP = min(5000, MARKS[0])
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
        before, done, seen = load.count(), 0, []
        for mark in MARKS:
            while done < mark:
                step = min(STEP, mark - done)
                load.round(house.writers(), port=house.ports["submission"], tls=True, total=step, sessions=10, sink=True, limit=600)
                house.quiet()
                done += step
            seen.append(self._resident())
            report.note(f"{name}: after {mark} letters, KiB: " + ", ".join(f"{p} {kib}" for p, kib in sorted(seen[-1].items())))
        came = {k: n - before[k] for k, n in load.count().items()}
        report.note(f"{name}: in the sink {came['taken']}, of these strangers {came['strange']}, doubled {came['doubled']}")
        if came != {"taken": done, "strange": 0, "doubled": 0}:
            raise HouseError(f"{done} letters were handed in, in the sink are {came}")
        worst, who = max((seen[-1].get(p, 0) / kib, p) for p, kib in seen[0].items())
        report.bound(name, worst, f"<={FLAT}", f"times the memory after {MARKS[0]} letters, after {MARKS[-1]}, most in {who}")
