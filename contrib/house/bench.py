"""`make bench`: a first reading of speed beside Postfix, as ratios, on the same machine and disk, both durable.

    NAME: ours=X peer=Y ratio=R        medians of the rounds, in messages a second; ours and peer take turns

accept-N   messages of 4 KB taken in over N kept-open plain sessions: ours at the MX port for a registry address (stored in
           PostgreSQL, the clerk's copy goes on by LMTP), Postfix with the discard transport
letters-10 whole letters over 10 kept-open TLS sessions until a sink has them: ours numbered, sealed, DKIM-signed and
           registered (PDF off by a copy of the policy; the copies inside the house are made too, not waited for), Postfix
           relaying the same mails to the same sink, which signs nothing

The load comes from one process a session that speaks bare sockets, MAIL, RCPT and DATA in one write; what it costs is printed, for
it shares the machine's cores with both. Postfix is fetched as a package and unpacked under var/peers, never installed; it runs in a mount
namespace of its own. Without root, or where it cannot be had, that is said and ours stands alone.
"""

import argparse
import base64
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import statistics
import sys
import time

from .instance import ROOT, Instance
from .letters import TYPED
from .mailbox import trust
from .people import DOMAIN
from .postfix import Postfix, PostfixMissing
from .sink import Sink
from .tree import children
from .waiting import HouseError, wait_for

BODY = ("Isi surat yang dipakai untuk mengukur, delapan puluh huruf tiap baris.\r\n" * 58)[:4096 - 2].rpartition("\r\n")[0] + "\r\n"
LIMIT = 600  # seconds for one round
HEAD = f"kadis.diskominfo@{DOMAIN}"
OUTSIDE = "humas@bench.example"
REGISTRY = f"surat.diskominfo@{DOMAIN}"
SINK_DOMAIN = "bench.example"


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

    def send(self, sender, rcpts, message):
        """One message, RFC 2920 pipelined."""
        self.sock.sendall("".join([f"MAIL FROM:<{sender}>\r\n", *[f"RCPT TO:<{r}>\r\n" for r in rcpts], "DATA\r\n"]).encode())
        for code in [b"250"] * (1 + len(rcpts)) + [b"354"]:
            self.reply(code)
        self.sock.sendall(message + b".\r\n")
        self.reply(b"250")


def message(mark, sender, to):
    """4 KB with a Message-ID of its own."""
    return (f"From: <{sender}>\r\nTo: {', '.join(to)}\r\nSubject: Ukur {mark}\r\nDate: Mon, 05 Oct 2026 08:00:00 +0700\r\n"
            f"Message-ID: <{mark}@client.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            f"{BODY}").encode()


def client(target, count, mark, ready, go, answers):
    """One process: opens its session, waits for the start, sends; tells its end, CPU seconds and a fault."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        session = Session(target["port"], target.get("ca"), target.get("login"), target.get("password"))
        mails = [message(f"{mark}.{n}", target["sender"], target["to"]) for n in range(count)]
        ready.release()
        go.wait()
        before = resource.getrusage(resource.RUSAGE_SELF)
        for mail in mails:
            session.send(target["sender"], target["to"], mail)
        after = resource.getrusage(resource.RUSAGE_SELF)
        answers.put((time.monotonic(), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ""))
    except (OSError, HouseError) as e:
        answers.put((0, 0, f"{type(e).__name__}: {e}"))
        ready.release()


def load(target, sessions, total, mark):
    """Sends total messages over this many sessions. Gives (start, end, CPU seconds of the load)."""
    context = multiprocessing.get_context("fork")
    ready, go, answers = context.Semaphore(0), context.Event(), context.Queue()
    clients = [context.Process(target=client, args=(target, total // sessions, f"{mark}.{n}", ready, go, answers))
               for n in range(sessions)]
    for one in clients:
        one.start()
    for _ in clients:
        if not ready.acquire(timeout=60):
            raise HouseError("a client did not get its session within 60 s")
    begun = time.monotonic()
    go.set()
    told = [answers.get(timeout=LIMIT) for _ in clients]
    for one in clients:
        one.join()
    faults = [t[2] for t in told if t[2]]
    if faults:
        raise HouseError(f"load on port {target['port']}: {faults[0]}")
    return begun, max(t[0] for t in told), sum(t[1] for t in told)


class House(Instance):
    """The private house with one more next hop, the sink, and a policy without PDF."""

    def __init__(self, build, sink):
        self.sink = sink
        self.policies = os.path.join(ROOT, "var", "bench-policies")
        shutil.rmtree(self.policies, ignore_errors=True)
        shutil.copytree(os.path.join(ROOT, "policies"), self.policies)
        path = os.path.join(self.policies, "seal.xml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if 'pdf="yes"' not in text:
            raise HouseError("policies/seal.xml says pdf=\"yes\" nowhere: the bench does not know how to turn it off")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace('pdf="yes"', 'pdf="no"'))
        super().__init__("bench", build=build, overrides={"policies_dir": self.policies}, say=lambda *_: None)

    def _write_conf(self):
        super()._write_conf()
        with open(self.conf, "a", encoding="utf-8") as f:
            f.write(f"next_hop = {SINK_DOMAIN} 127.0.0.1:{self.sink.port} tls=may\n")

    def quiet(self):
        """Waits until router and sender have nothing left; HouseError when something was set aside."""
        ask = "select (select count(*) from mail.work), (select count(*) from mail.delivery)"
        try:
            wait_for(lambda: self.postgres.sql(ask, "mtagw").split() == ["0", "0"], "all work of the round done", LIMIT,
                     [self.log("mtagw")], self.processes.alive_check("mtagw"), pause=0.2)
        except HouseError as e:
            left = self.postgres.sql("select kind, state, reason, count(*) from mail.work group by 1, 2, 3 union all select "
                                     "route, state, last_text, count(*) from mail.delivery group by 1, 2, 3", "mtagw")
            raise HouseError(f"{e}\nleft:\n{left}") from e


class Bench:
    """Rounds in turn, medians, lines."""

    def __init__(self, house, postfix, sink, rounds):
        self.house, self.postfix, self.sink, self.rounds = house, postfix, sink, rounds
        self.mark = 0
        self.spent = {}  # CPU milliseconds a letter of each part of the house, the last round's

    def accept(self, who, sessions, total):
        """Messages a second until the last 250, and the load's share of one core."""
        self.mark += 1
        port = self.house.ports["mx"] if who is self.house else who.port
        begun, end, cpu = load({"port": port, "sender": "humas@pelabuhan.example", "to": [REGISTRY]}, sessions, total,
                               f"a{os.getpid()}.{self.mark}")
        who.quiet()
        return total / (end - begun), cpu / (end - begun)

    def letters(self, who, sessions, total):
        """Letters a second until the sink has the last."""
        self.mark += 1
        target = {"sender": HEAD, "to": [OUTSIDE], "port": who.port if who is self.postfix else 0}
        if who is self.house:
            target.update(port=who.ports["submission"], ca=who.certs["ca"], login=HEAD, password=who.passwords[HEAD],
                          to=[TYPED, OUTSIDE])
        else:
            target["ca"] = self.house.certs["ca"]
        before, spent = self.sink.count(), cpu_used(self.house)
        begun, _, cpu = load(target, sessions, total, f"l{os.getpid()}.{self.mark}")
        wait_for(lambda: self.sink.count() >= before + total, f"{total} letters in the sink", LIMIT, pause=0.01)
        end = self.sink.last()
        who.quiet()
        if self.sink.count() != before + total:
            raise HouseError(f"{self.sink.count() - before} messages in the sink for {total} letters")
        if who is self.house:
            now = cpu_used(self.house)
            self.spent = {part: (now[part] - spent.get(part, 0)) * 1000 / total for part in now}
        return total / (end - begun), cpu / (end - begun)

    def measure(self, name, play, *args):
        """Both in turn; prints the line."""
        sides = [self.house] + ([self.postfix] if self.postfix else [])
        rates = {side: [] for side in sides}
        for n in range(self.rounds):
            for side in sides if n % 2 == 0 else reversed(sides):
                rates[side].append(play(side, *args))
        ours = statistics.median(r for r, _ in rates[self.house])
        line, more = f"{name}: ours={ours:.0f}", ""
        if self.postfix:
            peer = statistics.median(r for r, _ in rates[self.postfix])
            line += f" peer={peer:.0f} ratio={ours / peer:.2f}"
        for side, word in zip(sides, ("ours", "peer")):
            more += f"   {word} {' '.join(f'{r:.0f}' for r, _ in rates[side])}, load {max(c for _, c in rates[side]):.2f} of a core"
        print(f"{line}\n#{more}", flush=True)


def cpu_used(house):
    """CPU seconds so far of each part of the house: {part: seconds}."""
    used, tick = {}, os.sysconf("SC_CLK_TCK")
    for name, popen, *_ in house.processes.running:
        for pid in [popen.pid, *children(popen.pid)]:
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    comm, _, fields = f.read().partition("(")[2].rpartition(")")
            except OSError:
                continue
            # utime, stime and those of children that ended and were waited for
            seconds = sum(int(x) for x in fields.split()[11:15]) / tick
            part = comm if name == "mtagw" else name
            used[part] = used.get(part, 0) + seconds
    return used


def durable(house):
    """What stands under both: fdatasync of 4 KB on the disk of var, a second."""
    path = os.path.join(house.var, "bench-fsync")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    begun, n = time.monotonic(), 0
    while time.monotonic() < begun + 1:
        os.write(fd, b"x" * 4096)
        os.fdatasync(fd)
        n += 1
    os.close(fd)
    os.unlink(path)
    return n


def on_signal(*_):
    """TERM ends as Ctrl-C does."""
    raise KeyboardInterrupt


def main():
    """The command."""
    p = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    p.add_argument("--build", help="folder of the built programs (default: build)")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--messages", type=int, default=1000, help="messages of an accepting round over 10 sessions")
    p.add_argument("--letters", type=int, default=300, help="letters of a round")
    p.add_argument("--alone", action="store_true", help="without Postfix")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, on_signal)
    with Sink() as sink:
        house, postfix = House(args.build, sink), None
        try:
            house.start()
            if not args.alone:
                try:
                    postfix = Postfix(os.path.join(house.var, "peers"), house.certs, sink.port, DOMAIN)
                    postfix.start()
                except PostfixMissing as e:
                    postfix = None
                    print(f"# ours alone: {e}", flush=True)
            print(f"# {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}, fdatasync of 4 KB: {durable(house)} a second, "
                  f"{args.rounds} rounds{', peer ' + postfix.version if postfix else ''}", flush=True)
            bench = Bench(house, postfix, sink, args.rounds)
            bench.measure("accept-1", bench.accept, 1, max(10, args.messages // 4))
            bench.measure("accept-10", bench.accept, 10, args.messages // 10 * 10)
            bench.measure("letters-10", bench.letters, 10, args.letters // 10 * 10)
            print("#   ours, CPU ms a letter: " + ", ".join(f"{p} {v:.1f}" for p, v in sorted(bench.spent.items()) if v >= 0.05))
            print(f"# load at the end {os.getloadavg()[0]:.2f}")
        except KeyboardInterrupt:
            return 130
        except (HouseError, OSError) as e:
            print(f"bench: {e}", file=sys.stderr)
            return 1
        finally:
            if postfix:
                postfix.stop()
            house.stop()
            shutil.rmtree(house.policies, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
