"""Letters go on when what makes their PDF is killed: a helper at its work, its launcher."""

import os
import signal

from contrib.house.letters import COMPANY
from contrib.house.process import start_time
from contrib.house.waiting import wait_for


def pids(house, program):
    """Processes of a program of this house; Python stands before the name of its script."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                words = f.read().split("\0")
        except OSError:
            continue
        if f"{house.libexec}/{program}" in words[:2]:
            found.append(int(pid))
    return found


def send(office):
    """A letter to outside, up to its confirmation."""
    return office.confirmed("kadis.diskominfo", office.send_letter(to=(COMPANY,)))


def test_a_killed_helper_is_replaced(house, office):
    send(office)
    killed = pids(house, "mtagw-pdf")
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    send(office)
    assert pids(house, "mtagw-pdf") and not set(pids(house, "mtagw-pdf")) & set(killed)


def test_helpers_stand_behind_everybody_else(house, office):
    """By what the kernel keeps of them (sched(7)): whatever its group is, a helper weighs a tenth of a role."""
    send(office)
    helpers, (router, *_) = pids(house, "mtagw-pdf"), pids(house, "mtagw-router")
    assert helpers
    for pid in helpers:
        assert os.getpriority(os.PRIO_PROCESS, pid) == max(10, os.getpriority(os.PRIO_PROCESS, router))
        assert os.sched_getscheduler(pid) == os.SCHED_BATCH
        assert os.getsid(pid) == pid != os.getsid(router)
        if os.path.exists(f"/proc/{pid}/autogroup"):
            with open(f"/proc/{pid}/autogroup", encoding="ascii") as f:
                assert f.read().split()[-1] == "10"


def test_a_killed_launcher_takes_its_helpers_along_and_comes_back(house, office):
    send(office)
    (launcher,), helpers = pids(house, "mtagw-pdfd"), pids(house, "mtagw-pdf")
    assert helpers
    os.kill(launcher, signal.SIGKILL)
    wait_for(lambda: all(start_time(p) is None for p in helpers), "the helpers end with their launcher", 20,
             [house.log("mtagw")])
    send(office)
    assert pids(house, "mtagw-pdfd") not in ([], [launcher])
