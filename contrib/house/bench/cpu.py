"""CPU seconds of processes, by /proc: a tree with all it has waited for, named parts of a system."""

import os

from ..tree import children

TICK = os.sysconf("SC_CLK_TCK")


def of(pid):
    """(name, seconds) of one process with its children that ended; ('', 0) when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            name, _, fields = f.read().partition("(")[2].rpartition(")")
    except OSError:
        return "", 0.0
    # utime, stime and those of children that ended and were waited for
    return name, sum(int(x) for x in fields.split()[11:15]) / TICK


def trees(roots):
    """{part: seconds} of process trees. roots: (part, pid); part '': each process counts under its own name."""
    used = {}
    for part, root in roots:
        for pid in [root, *children(root)]:
            name, seconds = of(pid)
            if name:
                used[part or name] = used.get(part or name, 0) + seconds
    return used


def between(before, after):
    """What was used between two answers of trees."""
    return {part: max(0.0, after[part] - before.get(part, 0)) for part in after}
