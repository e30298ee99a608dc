"""Deliveries into the house of unknown fate: sent again without a person, and in the mailbox once.

A house of its own whose sender reaches Dovecot through a relay that can lose answers after the final dot, like a line
that breaks. What is true is read from the mailboxes over IMAP and from `mtagwctl`.
"""

import os
import re
import select
import signal
import smtplib
import socket
import threading

import pytest

from contrib.house.instance import Instance
from contrib.house.letters import mail, rows
from contrib.house.tree import children, program
from contrib.house.waiting import free_port, wait_for

WRITER, READER = "kadis.diskominfo", "kabid-ikp.diskominfo"
LIMIT = 60


class Lossy:
    """A TCP port that goes on to Dovecot's LMTP socket; loses what Dovecot says after the next so many final dots."""

    def __init__(self, port):
        self.port, self.target = port, None
        self.lose, self.lost = 0, 0
        self.keep = threading.Event()  # set: a lost answer does not close the line
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """Accepts until the listener is closed."""
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(near,), daemon=True).start()

    def relay(self, near):
        """One connection. After a dot whose answer is to be lost it waits for that answer, then both sides are closed."""
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(self.target)
            tail, losing = b"", False
            while True:
                for side in select.select([near, far], [], [])[0]:
                    data = side.recv(65536)
                    if side is far and data and losing:
                        self.lost += 1
                        losing = self.keep.is_set()
                        if losing:
                            continue
                        return
                    if not data:
                        return
                    (far if side is near else near).sendall(data)
                    if side is near:
                        tail = (tail + data)[-5:]
                        if tail == b"\r\n.\r\n" and self.lose > 0:
                            self.lose -= 1
                            losing = True


@pytest.fixture(name="lossy", scope="module")
def fixture_lossy():
    """(house, relay)."""
    relay = Lossy(free_port())
    made = Instance("test-twice", overrides={"lmtp": f"127.0.0.1:{relay.port}", "lease_secs": "5", "restart_max_secs": "1"}, say=lambda *_: None)
    try:
        made.start()
        relay.target = made.dovecot.lmtp_socket
        yield made, relay
    finally:
        made.stop()
        relay.listener.close()


def arrived(house, login, subject, folder="INBOX"):
    """How many messages with this subject lie in a folder."""
    with house.mailbox(login) as box:
        return sum(m["Subject"] == subject for _, m in box.messages(folder))


def open_rows(house, subject):
    """What of it the queue still holds."""
    return [r for r in rows(house.ctl("queue", "list", json_out=True)) if subject in str(r)]


def send(house, subject, to=(READER,)):
    """A pesan inside the house."""
    house.submit(WRITER, mail(WRITER, [house.address(t) for t in to], subject, "x\n"))


def test_lost_answer_is_settled_without_a_person(lossy):
    house, relay = lossy
    relay.lose = 2
    send(house, "Sekali saja", (READER, "sekretaris.diskominfo"))
    wait_for(lambda: relay.lost == 2, "two answers lost", LIMIT, [house.log("mtagw")])
    wait_for(lambda: not open_rows(house, "Sekali saja"), "nothing waits any more", LIMIT, [house.log("mtagw")])
    for login in (READER, "sekretaris.diskominfo"):
        assert arrived(house, login, "Sekali saja") == 1, login
    with open(house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        text = f.read()
    assert len(re.findall(r"delivery id=.* route=lmtp outcome=deferred code=0 ", text)) >= 2
    assert "outcome=uncertain" not in text


def test_sender_that_dies_before_the_answer(lossy):
    """Its claim runs out, another sender sends again; nobody is asked."""
    house, relay = lossy
    relay.keep.set()
    relay.lose, before = 1, relay.lost
    send(house, "Sebelum jawaban")
    wait_for(lambda: relay.lost == before + 1, "an answer that does not come", LIMIT, [house.log("mtagw")])
    (parent,) = [p.pid for n, p, *_ in house.processes.running if n == "mtagw"]
    (sender,) = [p for p in children(parent) if program(p) == "mtagw-sender"]
    os.kill(sender, signal.SIGKILL)
    relay.keep.clear()
    wait_for(lambda: not open_rows(house, "Sebelum jawaban"), "nothing waits any more", LIMIT, [house.log("mtagw")])
    assert arrived(house, READER, "Sebelum jawaban") == 1
    with open(house.log("mtagw"), encoding="utf-8", errors="replace") as f:
        assert len(re.findall(r"delivery_orphan .* route=lmtp outcome=deferred ", f.read())) == 1


def test_first_mail_of_an_account_without_home(lossy):
    """Dovecot remembers it all the same."""
    house, relay = lossy
    os.rmdir(os.path.join(house.dovecot.home, *reversed(house.address("sekda").split("@"))))
    relay.lose, before = 1, relay.lost
    send(house, "Pertama", ("sekda",))
    wait_for(lambda: relay.lost == before + 1, "an answer lost", LIMIT, [house.log("mtagw")])
    wait_for(lambda: not open_rows(house, "Pertama"), "nothing waits any more", LIMIT, [house.log("mtagw")])
    assert arrived(house, "sekda", "Pertama") == 1


def lmtp(house, number, rcpts, subject):
    """A delivery as the sender makes it: the answer for each recipient."""
    with smtplib.LMTP(house.dovecot.lmtp_socket) as s:
        s.ehlo()
        for verb in ("MAIL FROM:<>", *(f"RCPT TO:<{r}>" for r in rcpts)):
            assert s.docmd(verb)[0] == 250, verb
        assert s.docmd("DATA")[0] == 354
        head = f"Mtagw-Delivery: {number}\r\n" if number else ""
        s.send(f"{head}Subject: {subject}\r\n\r\nx\r\n.\r\n")
        return [s.getreply() for _ in rcpts]


def test_a_delivery_is_number_and_address(lossy):
    """The same bytes for two folders of one person are two deliveries; other mail is never thrown away."""
    house, _ = lossy
    address = house.address(READER)
    folder = '"{}+Disposisi Masuk"@{}'.format(*address.split("@"))
    for rcpts in ([address, folder], [folder], [address], [address, folder]):
        assert {code for code, _ in lmtp(house, 4711, rcpts, "Dua tempat")} == {250}
    assert arrived(house, READER, "Dua tempat") == 1
    assert arrived(house, READER, "Dua tempat", "Disposisi Masuk") == 1
    lmtp(house, 4712, [address], "Dua tempat")
    assert arrived(house, READER, "Dua tempat") == 2
    for _ in range(2):
        lmtp(house, None, [address], "Tanpa nomor")
    assert arrived(house, READER, "Tanpa nomor") == 2


def test_many_at_once_to_one_mailbox(lossy):
    """Dovecot forgets what it has seen where two deliveries to one user overlap: the sender lets none."""
    house, relay = lossy
    relay.lose, before = 12, relay.lost
    with house.smtp(WRITER) as session:
        for n in range(40):
            session.send_message(mail(WRITER, [house.address(READER), house.address("sekda")], f"Ramai {n}", "x\n"))
    wait_for(lambda: relay.lost == before + 12, "twelve answers lost", LIMIT, [house.log("mtagw")])
    wait_for(lambda: not open_rows(house, "Ramai"), "nothing waits any more", LIMIT, [house.log("mtagw")])
    for login in (READER, "sekda"):
        with house.mailbox(login) as box:
            got = [m["Subject"] for _, m in box.messages("INBOX") if m["Subject"].startswith("Ramai ")]
        assert sorted(got) == sorted(f"Ramai {n}" for n in range(40)), login


def test_a_writer_cannot_name_a_delivery(lossy):
    """The field is the gateway's: one that comes with a mail is taken out."""
    house, _ = lossy
    for _ in range(2):
        sent = mail(WRITER, [house.address(READER)], "Nomor palsu", "x\n")
        sent["Mtagw-Delivery"] = "4711"
        house.submit(WRITER, sent)
    wait_for(lambda: arrived(house, READER, "Nomor palsu") == 2, "both mails", LIMIT, [house.log("mtagw")])
    with house.mailbox(READER) as box:
        for _, m in box.messages("INBOX"):
            if m["Subject"] == "Nomor palsu":
                assert len(m.get_all("Mtagw-Delivery")) == 1 and m["Mtagw-Delivery"] != "4711"
