"""One private house for the whole test run; each test finds its own mail by a subject nobody else uses."""

import itertools
import os
import re
import shutil
import signal
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from contrib.house.instance import Instance  # noqa: E402
from contrib.house.letters import COMPANY, TYPED, answers, mail, number_in, reply, rows  # noqa: E402
from contrib.house.mailbox import lines_of, text_of  # noqa: E402
from contrib.house.waiting import HouseError, wait_for  # noqa: E402

LIMIT = int(os.environ.get("MTAGW_TEST_LIMIT", "90"))  # seconds for what takes one; the machine may be busy
counter = itertools.count(1)
signal.signal(signal.SIGINT, signal.default_int_handler)  # one that was started in the background ends with the others


def shares_house(item):
    """Whether a test uses the one house of the run (not one of its module, nor none)."""
    return any(f.scope == "session" for f in item._fixtureinfo.name2fixturedefs.get("house", [])[-1:])


def pytest_collection_modifyitems(config, items):
    """MTAGW_TEST_PART=shared|own leaves those with the one house, or the others: tests/run runs both beside each other."""
    part = os.environ.get("MTAGW_TEST_PART")
    if part:
        kept = [i for i in items if shares_house(i) == (part == "shared")]
        config.hook.pytest_deselected(items=[i for i in items if i not in kept])
        items[:] = kept


def is_list(message):
    """Whether it is the clerk's list, not one of the mails beside it."""
    return (message["Subject"] or "").startswith("Belum diagendakan")


class Office:
    """The house as tests use it."""

    def __init__(self, house):
        self.house, self.peer = house, house.peer
        self.logs = [house.log(n) for n in ("mtagw", "dovecot", "peer")]

    @staticmethod
    def subject(words="Uji"):
        """A subject that no other test uses."""
        return f"{words} {os.getpid()}-{next(counter)}"

    def ctl(self, *args):
        """Parsed answer of `mtagwctl --json`."""
        return self.house.ctl(*args, json_out=True)

    def letters(self, subject):
        """Rows of `letter list` with this subject."""
        return [r for r in rows(self.ctl("letter", "list")) if r.get("subject") == subject]

    def letter(self, subject, state=None):
        """The one letter with this subject, once it has this state (or one of several)."""
        states = (state,) if isinstance(state, str) else state

        def look():
            found = self.letters(subject)
            return found[0] if found and (not states or found[0]["state"] in states) else None
        return wait_for(look, f"letter \"{subject}\" in state {state}", LIMIT, self.logs[:1])

    def exchanges(self, letter):
        """Rows of `exchange list --letter`."""
        return rows(self.ctl("exchange", "list", "--letter", str(letter["id"])))

    def queue(self, words):
        """Rows of `queue list` that speak of these words."""
        return [r for r in rows(self.ctl("queue", "list")) if words in str(r)]

    def see(self, login, want, what, folder="INBOX", limit=LIMIT):
        """Waits for a message in a mailbox."""
        with self.house.mailbox(login) as box:
            return box.wait(want, what, folder, limit, self.logs)

    def has(self, login, want, folder="INBOX"):
        """Whether a message is there now."""
        with self.house.mailbox(login) as box:
            return any(want(m) for _, m in box.messages(folder))

    def send_letter(self, login="kadis.diskominfo", to=(COMPANY,), subject=None, text="Isi surat.\n", files=()):
        """A typed letter; returns the mail that was sent."""
        sent = mail(login, [TYPED, *to], subject or self.subject(), text, files)
        self.house.submit(login, sent)
        return sent

    def confirmed(self, login, sent):
        """Number from the confirmation of a letter."""
        message = self.see(login, lambda m: answers(m, sent) and number_in(text_of(m)) and
                           not (m["Subject"] or "").startswith("["), "confirmation")
        return number_in(text_of(message))

    # ------------------------------------------------------------------ mail from outside

    CLERK, HEAD, WAITING = "kasubbag-umum.diskominfo", "kadis.diskominfo", "Belum Diagendakan"

    def listed(self, subject):
        """(list mail, number) once the clerk's list shows this subject."""
        line = re.compile(rf"^(\d+)\. .*\n(?:   .*\n)*?   Hal: {re.escape(subject)}$", re.M)
        shown = self.see(self.CLERK, lambda m: is_list(m) and line.search(lines_of(m)), f"a list with {subject}", self.WAITING)
        return shown, int(line.search(lines_of(shown)).group(1))

    def presented(self, subject, login=HEAD, words="[Surat masuk "):
        """The letter as laid before somebody."""
        return self.see(login, lambda m: (m["Subject"] or "").startswith(words) and subject in m["Subject"],
                        "the presented letter")

    def taken_in(self, subject):
        """The original as the head gets it after the clerk's OK."""
        shown, n = self.listed(subject)
        self.house.submit(self.CLERK, reply(self.CLERK, shown, f"{n} OK\n"))
        (part,) = [p for p in self.presented(subject).walk() if p.get_content_type() == "message/rfc822"][:1]
        return part.get_payload(0)

    def agenda(self, subject):
        """Rows of the agenda of incoming letters with this subject."""
        return [r for r in rows(self.ctl("agenda", "list", "--limit", "1000"))
                if r["subject"] == subject and r["direction"] == "incoming"]

    def outside(self, words, domain="pelabuhan.example", limit=LIMIT):
        """(about, bytes) of the outside message that contains these words once unfolded."""
        return self.peer.wait(domain, lambda a, b: words.encode() in b.replace(b"=\r\n", b""), words, limit, self.logs)

    def outside_count(self, words, domain="pelabuhan.example"):
        """How many outside messages contain these words now."""
        return sum(words.encode() in b.replace(b"=\r\n", b"") for _, _, b in self.peer.messages(domain))


@pytest.fixture(scope="session")
def house():
    """The house, started once. A test run that is killed is cleaned up after by the next one."""
    made = Instance(f"test-{os.getpid()}" if os.environ.get("MTAGW_TEST_OWN") else "test", say=lambda *_: None)
    try:
        made.start()
    except HouseError as e:
        pytest.exit(f"the house did not start: {e}", returncode=1)
    yield made
    made.stop()


@pytest.fixture
def office(house):
    """The house with the peer on good behaviour before and after."""
    made = Office(house)
    for domain in house.peer_ports:
        for order in ("up", "starttls", "normal"):
            house.peer.order(f"{domain} {order}")
    yield made
    for domain in house.peer_ports:
        for order in ("up", "starttls", "normal"):
            house.peer.order(f"{domain} {order}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the last lines of the logs."""
    report = (yield).get_result()
    made = item.funcargs.get("office") if hasattr(item, "funcargs") else None
    if report.failed and made and call.when == "call":
        report.sections.append(("logs of the house", made.house.log_tails()))


@pytest.fixture
def law(office, tmp_path):
    """Puts another law into force: law(file, old words, new words). The usual one comes back afterwards."""
    def change(name, old, new):
        folder = tmp_path / "policies"
        shutil.copytree(os.path.join(ROOT, "policies"), folder, dirs_exist_ok=True)
        shutil.copytree(os.path.join(ROOT, "templates"), tmp_path / "templates", dirs_exist_ok=True)
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
        office.house.ctl("policy", "activate", str(folder))
    yield change
    office.house.ctl("policy", "activate")
