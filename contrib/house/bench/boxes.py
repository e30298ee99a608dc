"""One message of 4 KB to 500 mailboxes inside.

Ours: ordinary mail (pesan) of one head to 500 positions; the peer: Postfix with Dovecot's LMTP, the same mailboxes and
the same Dovecot, as many recipients in a transaction as ours puts into one. Not alike is what Dovecot does with it: of
ours it also notes each delivery's id, so that one whose answer was lost may come again (the duplicate test of
mtagw-duplicate.sieve, about half a millisecond of a core each); the peer's mail runs the same script without it. Counted is from the start of the submission
until the last mailbox has its file (change time of it).
"""

import os
import re
import time

from ..instance import ROOT
from ..waiting import HouseError, wait_for
from .house import head

BOXES = 500


def group():
    """Most recipients ours puts into one LMTP transaction."""
    with open(os.path.join(ROOT, "mtagw", "sender", "sender.h"), encoding="utf-8") as f:
        return int(re.search(r"SENDER_RCPTS_MAX (\d+)", f.read()).group(1))


class Boxes:
    """See the head of this file."""

    def __init__(self, bench):
        self.bench = bench

    def _files(self, box):
        local, _, domain = box.partition("@")
        folder = os.path.join(self.bench.house.dovecot.home, domain, local, "sdbox", "mailboxes", "INBOX", "dbox-Mails")
        try:
            return [e for e in os.scandir(folder) if e.name.startswith("u.")]
        except FileNotFoundError:
            return []

    def _play(self, side):
        """Deliveries a second, and the new bodies of that size in the database."""
        house, load = self.bench.house, self.bench.load
        ours = side is house
        had = {box: len(self._files(box)) for box in house.boxes}
        last = int(house.asking.ask("select coalesce(max(id), 0) from mail.body")[0][0])
        person = (head(1), house.passwords[head(1)], head(1), house.boxes)
        zero = time.time() - time.monotonic()
        told = load.round([person if ours else ("", "", *person[2:])], port=house.ports["submission"] if ours else
                          self.bench.peer.ports["boxes"], tls=True, total=1)
        left = list(house.boxes)

        def arrived():
            # only as far as the first without it: looking into all of them each time took a fifth of what was measured
            while left and len(self._files(left[-1])) > had[left[-1]]:
                left.pop()
            return not left
        try:
            wait_for(arrived, f"{BOXES} mailboxes with the message", 120, [house.log("mtagw"), house.log("dovecot")], pause=0.1)
        except HouseError as e:
            raise HouseError(f"{len(left)} mailboxes without it: {e}") from e
        end = max(e.stat().st_ctime for box in house.boxes for e in self._files(box))
        side.quiet()
        bodies = int(house.asking.ask(f"select count(*) from mail.body where id > {last} and size > 3000")[0][0])
        return {"rate": BOXES / (end - zero - told["begun"]), "bodies": bodies}

    def row(self, name):
        """Deliveries a second, and that the body is stored once."""
        bench = self.bench
        for side in [bench.house] + ([bench.peer] if bench.peer else []):
            self._play(side)  # makes the mailboxes; not counted
        told = bench.in_turn(self._play)
        bench.compare(name, {s: [t["rate"] for t in rounds] for s, rounds in told.items()}, ">=1.0",
                      f"deliveries/s, {group()} recipients a transaction at most")
        bench.report.bound(f"{name}-bodies", max(t["bodies"] for t in told[bench.house]), "<=1", "bodies in PostgreSQL")
