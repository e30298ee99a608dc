"""A mixed load of letters, and the clients that hand it in: whoever gets no 250 sends the same bytes again.

Kinds of items, each with a subject of its own: `out` a letter to a company, `both` one to a company and to the head of another
agency, `in` one to that head alone, `pesan` a mail between two rooms, `incoming` a company's letter, `answer` a company's reply to a
letter of ours, `order` the head's disposition on a presented letter to two divisions, `report` a division's SELESAI on its order.
The last three need what earlier ones brought: they are taken from a Pool.
"""

import base64
import itertools
import socket
import threading
import time
from dataclasses import dataclass, field

from .letters import COMPANY, TYPED, mail
from .mailbox import trust
from .people import DOMAIN
from .waiting import HouseError

WRITERS = {"kadis.diskominfo": "kadis.dinkes", "kadis.dinkes": "kadis.diskominfo", "sekda": "kadis.dinkes"}
HEAD, APP, IKP = "kadis.diskominfo", "kabid-aplikasi.diskominfo", "kabid-ikp.diskominfo"
REGISTRY = f"surat.diskominfo@{DOMAIN}"
CORRESPONDENT = "direktur@pelabuhan.example"
# Of twenty items; PDFs are made of what the sekda writes, when the house's policy says so.
MIX = ("out both out in pesan out incoming both order out answer both out pesan report out both in out incoming").split()
LETTERS_OF_ALL_KINDS = len(MIX)
GIVE_UP_SECS = 180  # a client that gets no 250 for so long tells it


@dataclass
class Pool:
    """What replies can be made to: [(subject, Reply-To, Message-ID)]."""

    letters: list = field(default_factory=list)  # of ours, at the company
    presented: list = field(default_factory=list)  # before the head
    orders: list = field(default_factory=list)  # with a division


@dataclass
class Item:
    """One mail of the load. about: the subject by which its effects are known."""

    kind: str
    about: str
    login: str  # '' from outside
    sender: str
    rcpts: list
    data: bytes
    message_id: str
    answered: bool = False
    tries: int = 0
    lost: int = 0  # connections that broke after the final dot
    refused: str = ""  # 5yz that nobody should have said


def make(house, tag, count, pool, kinds=None):
    """count items of a run; kinds leaves only these."""
    few = ["kadis.diskominfo", "kadis.dinkes"] * 4 + ["kadis.diskominfo", "sekda"]  # a PDF takes half a second of a core
    items, writers = [], itertools.cycle(few)
    for n in range(count):
        kind = MIX[n % len(MIX)]
        source = {"order": pool.presented, "report": pool.orders, "answer": pool.letters}.get(kind)
        if (kinds and kind not in kinds) or (source is not None and not source):
            kind = "both"
        subject = f"Gangguan {tag} {n:04d}"
        items.append(item(house, kind, subject, next(writers), pool))
    return items


def item(house, kind, subject, writer, pool):
    """One item of a kind."""
    if kind in ("out", "both", "in"):
        to = [TYPED] + ([COMPANY] if kind != "in" else []) + ([house.address(WRITERS[writer])] if kind != "out" else [])
        return written(house, kind, subject, writer, mail(writer, to, subject, f"Isi surat {subject}.\n" * 12))
    if kind == "pesan":
        return written(house, kind, subject, APP, mail(APP, [house.address(IKP)], subject, "Mohon dibaca.\n" * 12))
    if kind == "order":
        about, to, thread = pool.presented.pop(0)
        text = "Kepada: kabid ikp, kabid aplikasi\nHarap: tindak lanjuti\n"
        return written(house, kind, about, HEAD, mail(HEAD, [to], f"Re: {subject}", text, in_reply_to=thread))
    if kind == "report":
        about, to, thread = pool.orders.pop(0)
        return written(house, kind, about, IKP, mail(IKP, [to], f"Re: {subject}", "SELESAI\nSudah.\n", in_reply_to=thread))
    if kind == "stranger":
        m = mail("Hosting <promo@hosting.example>", [REGISTRY], subject, "Diskon!\n")
        return Item(kind, subject, "", "promo@hosting.example", [REGISTRY], house.outside.bytes_of(m), m["Message-ID"])
    if kind == "answer":
        _, to, thread = pool.letters.pop(0)
        m = mail(f"PT Contoh Pelabuhan <{COMPANY[1]}>", [to], subject, "Siap.\n", in_reply_to=thread)
        return from_outside(house, kind, subject, COMPANY[1], to, m)
    m = mail(f"PT Contoh Pelabuhan <{CORRESPONDENT}>", [REGISTRY], subject, "Mohon data titik akses.\n")
    return from_outside(house, kind, subject, CORRESPONDENT, REGISTRY, m)


def written(house, kind, about, login, message):
    """An item of somebody inside."""
    rcpts = [a.addr_spec for a in message["To"].addresses]
    return Item(kind, about, login, house.address(login), rcpts, house.outside.bytes_of(message), message["Message-ID"])


def from_outside(house, kind, about, sender, to, message):
    """An item of the company, DKIM-signed; the bytes stay the same when they are sent again."""
    data = house.outside.dkim_signed(house.outside.bytes_of(message), "pelabuhan.example")
    return Item(kind, about, "", sender, [to], data, message["Message-ID"])


class Session:
    """One client session on bare sockets: little work for each message."""

    def __init__(self, port, ca=None, login=None, password=None):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.reply(b"220")
        self.say("EHLO client.example", b"250")
        if ca:
            self.say("STARTTLS", b"220")
            self.sock = trust(ca).wrap_socket(self.sock, server_hostname="localhost")
            self.say("EHLO client.example", b"250")
        if login:
            plain = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
            self.say(f"AUTH PLAIN {plain}", b"235")

    def reply(self, code):
        """Reads one reply, of several lines too; HouseError when it is another."""
        while True:
            line, found, rest = self.rest.partition(b"\r\n")
            if not found:
                more = self.sock.recv(4096)
                if not more:
                    raise HouseError("the server closed the session")
                self.rest += more
                continue
            self.rest = rest
            if line[3:4] != b"-":
                break
        if not line.startswith(code):
            raise HouseError(f"{code.decode()} wanted, the server said: {line.decode('utf-8', 'replace')}")

    def say(self, line, code):
        """One command and its reply."""
        self.sock.sendall(line.encode() + b"\r\n")
        self.reply(code)


class Client:
    """One client that keeps a session of each login and makes another when one breaks."""

    def __init__(self, house):
        self.house, self.sessions = house, {}

    def session(self, login):
        """The session of this login ('': of an outside server)."""
        if login not in self.sessions:
            house, address = self.house, self.house.address(login) if login else ""
            self.sessions[login] = Session(house.ports["submission"], house.certs["ca"], address,
                                           house.passwords[address]) if login else Session(house.ports["mx"])
            self.sessions[login].sock.settimeout(60)
        return self.sessions[login]

    def close(self, login):
        """Without QUIT, as clients do."""
        session = self.sessions.pop(login, None)
        if session:
            session.sock.close()

    def once(self, one):
        """One try. True: 250. A break after the final dot counts as lost."""
        one.tries += 1
        dotted = False
        try:
            s = self.session(one.login)
            s.sock.sendall("".join([f"MAIL FROM:<{one.sender}>\r\n", *[f"RCPT TO:<{r}>\r\n" for r in one.rcpts],
                                    "DATA\r\n"]).encode())
            for code in [b"250"] * (1 + len(one.rcpts)) + [b"354"]:
                s.reply(code)
            dotted = True
            s.sock.sendall(one.data.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            s.reply(b"250")
            return True
        except (OSError, HouseError) as e:
            said = str(e).rpartition("said: ")[2]
            # 535: Dovecot says so of people it knows while its database is away; who knows his password tries again.
            if said[:1] == "5" and not said.startswith("535"):
                one.refused = said
            one.lost += dotted and "said: " not in str(e)
            self.close(one.login)
            return False

    def deliver(self, one, stop):
        """Until 250, a refusal for good, or the time is over."""
        end = time.monotonic() + GIVE_UP_SECS
        while time.monotonic() < end and not stop.is_set():
            if self.once(one):
                one.answered, one.refused = True, ""
                return
            if one.refused and one.tries > 3:
                return
            stop.wait(0.2)


class Load:
    """Clients in threads that hand in all items, in order as far as threads keep one."""

    def __init__(self, house, items, clients=6):
        self.house, self.items = house, items
        self.stop = threading.Event()
        queues = [[i for i in items if i.login], [i for i in items if not i.login]]
        self.threads = []
        for queue, count in zip(queues, (clients, 2)):
            feed, lock = iter(queue), threading.Lock()
            self.threads += [threading.Thread(target=self.run, args=(feed, lock), daemon=True) for _ in range(count)]

    def run(self, feed, lock):
        """One client: takes the next of its queue until there is none."""
        client = Client(self.house)
        while not self.stop.is_set():
            with lock:
                one = next(feed, None)
            if one is None:
                break
            client.deliver(one, self.stop)
        for login in list(client.sessions):
            client.close(login)

    def start(self):
        """Begins."""
        for thread in self.threads:
            thread.start()

    def answered(self):
        """How many have their 250."""
        return sum(i.answered for i in self.items)

    def busy(self):
        """Whether a client still has something to do."""
        return any(t.is_alive() for t in self.threads)

    def join(self, limit):
        """Waits for all clients."""
        end = time.monotonic() + limit
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))
        self.stop.set()
