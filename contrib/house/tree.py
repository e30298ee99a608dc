"""The processes below a process, by /proc: what tests kill and measurements count."""

import os


def children(pid):
    """Pids below a process, at every depth, itself not."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                for child in map(int, f.read().split()):
                    found += [child, *children(child)]
    except OSError:
        pass
    return found


def program(pid):
    """File name of what a process runs, '' when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return os.path.basename(f.read().split(b"\0")[0].decode("utf-8", "replace"))
    except OSError:
        return ""
