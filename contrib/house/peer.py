"""The outside world: mail servers of other domains, with opinions about what they get and bad days on order.

Each domain is an aiosmtpd server with STARTTLS on a port of its own. A message is stored as the bytes that came
(`<domain>/new/<n>.eml`) with its envelope and verdicts beside it (`<n>.json`, written last and by rename: once it is
there, the message is whole). Orders come over a Unix socket, a line each, answered by `ok ...` or `error ...`:

    HOST up | down                     the port is open | closed, connections are cut
    HOST normal                        takes everything; whoever a `hang` holds is cut
    HOST answer CODE TEXT              says so after the final dot
    HOST refuse-rcpt CODE TEXT         says so to each RCPT
    HOST hang                          says nothing after the final dot
    HOST cut                           closes after the final dot without a word, message kept
    HOST cut-early                     closes in the middle of DATA
    HOST half                          says half a line after the final dot and closes, message kept
    HOST held                          is answered by the number of messages held since the last `hang`
    HOST open                          is answered by the number of its connections
    HOST struck                        is answered by the number of messages that had a bad day since the start
    HOST unchecked | checked           keeps messages without verdicts (much load) | with them
    HOST no-starttls | starttls        leaves the extension out | offers it
    ping
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import sys
import time

from aiosmtpd.smtp import SMTP

from .verdict import Gpg, check_dkim, read_records
from .waiting import HouseError, wait_for


class Host:
    """One domain's server; the aiosmtpd handler too."""

    def __init__(self, peer, domain, port):
        self.peer, self.domain, self.port = peer, domain, port
        self.folder = os.path.join(peer.folder, "all" if domain == "*" else domain, "new")
        os.makedirs(self.folder, exist_ok=True)
        self.count = len([n for n in os.listdir(self.folder) if n.endswith(".eml")])
        self.mode, self.words, self.starttls = "normal", "", True
        self.server = None
        self.open = set()
        self.held = set()  # connections that wait since the last hang
        self.struck, self.checked = 0, True

    def factory(self):
        """A protocol object for one connection."""
        smtp = Session(self, hostname=f"mx.{self.domain}" if self.domain != "*" else "relay.example",
                       ident="peer", data_size_limit=64 * 1024 * 1024, enable_SMTPUTF8=True,
                       tls_context=self.peer.tls if self.starttls else None, timeout=600)
        return smtp

    async def up(self):
        """Opens the port."""
        if not self.server:
            self.server = await asyncio.get_running_loop().create_server(self.factory, "127.0.0.1", self.port)

    async def down(self):
        """Closes the port and every connection."""
        if self.server:
            self.server.close()
            self.server = None
        for transport in list(self.open):
            transport.abort()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        """Takes own addresses only; the relay takes all."""
        if self.mode == "refuse-rcpt":
            self.struck += 1
            return self.words
        if self.domain != "*" and address.rpartition("@")[2].lower() != self.domain:
            return "550 5.7.1 no relaying here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        """Stores the message, or has a bad day."""
        mode = self.mode
        self.struck += mode != "normal"
        if self.mode == "answer":
            return self.words
        if self.mode == "hang":
            await self.hold(server.transport, self.held)
        name = self.store(session, envelope)
        if mode == "half":
            server.transport.write(b"250 2.0.0 ke")
            server.transport.close()
            await asyncio.sleep(0)
        if mode == "cut":
            server.transport.abort()
            await asyncio.sleep(0)
        return f"250 2.0.0 kept as {name}"

    @staticmethod
    async def hold(transport, held):
        """Keeps a sender waiting; ends when its connection does."""
        held.add(transport)
        try:
            await asyncio.sleep(3600)
        finally:
            held.discard(transport)

    def store(self, session, envelope):
        """Writes message and verdicts; returns the number it is kept under."""
        self.count += 1
        name = f"{self.count:06d}"
        path = os.path.join(self.folder, name)
        message = envelope.original_content
        with open(path + ".eml", "wb") as f:
            f.write(message)
        about = {
            "at": time.time(), "domain": self.domain, "peer": session.peer[0], "helo": session.host_name,
            "mail_from": envelope.mail_from, "rcpt_to": envelope.rcpt_tos,
            "tls": bool(session.ssl), "size": len(message),
        }
        if self.checked:
            about["dkim"] = check_dkim(message, read_records(os.path.join(self.peer.folder, "dns.txt")))
            about["openpgp"] = self.peer.gpg.check(message)
        with open(path + ".tmp", "w", encoding="utf-8") as f:
            json.dump(about, f, indent=1)
        os.rename(path + ".tmp", path + ".json")
        return name

    async def order(self, words):
        """Does one order; returns what its answer tells, '' for nothing."""
        verb, _, rest = words.partition(" ")
        if verb == "up":
            await self.up()
        elif verb == "down":
            await self.down()
        elif verb in ("starttls", "no-starttls"):
            self.starttls = verb == "starttls"
        elif verb in ("checked", "unchecked"):
            self.checked = verb == "checked"
        elif verb in ("normal", "hang", "cut", "cut-early", "half"):
            self.mode = verb
            if verb == "hang":
                self.held = set()
            for transport in list(self.held):
                transport.abort()
        elif verb == "held":
            return str(len(self.held))
        elif verb == "open":
            return str(len(self.open))
        elif verb == "struck":
            return str(self.struck)
        elif verb in ("answer", "refuse-rcpt"):
            if not rest[:3].isdigit() or rest[:1] not in "45":
                raise ValueError(f"{verb} wants a code 4yz or 5yz and a text")
            self.mode, self.words = verb, rest
        else:
            raise ValueError(f"no order \"{verb}\"")
        return ""


class Session(SMTP):
    """aiosmtpd's protocol, known to its host so that the connection can be cut."""

    def __init__(self, host, **kwargs):
        super().__init__(host, **kwargs)
        self.host = host

    def connection_made(self, transport):
        """Also called after STARTTLS with the new transport."""
        self.host.open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error):
        """The transport is forgotten by whichever form it has."""
        self.host.open = {t for t in self.host.open if not t.is_closing()}
        super().connection_lost(error)

    async def smtp_DATA(self, arg):
        """A cut in the middle: 354, then the connection is gone once the first bytes come."""
        if self.host.mode == "cut-early":
            await self.push("354 go on")
            await self._reader.readline()
            self.host.struck += 1
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class Peer:
    """All hosts and the control socket."""

    def __init__(self, folder, gnupg, tls):
        self.folder, self.tls = folder, tls
        self.gpg = Gpg(gnupg, os.path.join(folder, "keys"))
        self.hosts = {}

    async def control(self, reader, writer):
        """Orders of one connection."""
        while line := (await reader.readline()).decode("utf-8", "replace").strip():
            try:
                name, _, words = line.partition(" ")
                told = ""
                if name != "ping":
                    if name not in self.hosts:
                        raise ValueError(f"no host \"{name}\"")
                    told = await self.hosts[name].order(words)
                answer = f"ok {line} {told}".rstrip()
            except (ValueError, OSError) as e:
                answer = f"error {e}"
            writer.write(answer.encode() + b"\n")
            await writer.drain()
        writer.close()

    async def serve(self, control, hosts):
        """Runs until TERM or INT."""
        for domain, port in hosts:
            self.hosts[domain] = Host(self, domain, port)
            await self.hosts[domain].up()
        if os.path.exists(control):
            os.unlink(control)
        await asyncio.start_unix_server(self.control, control)
        stop = asyncio.Event()
        for sig in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sig, stop.set)
        print("peer: up: " + ", ".join(f"{d} 127.0.0.1:{p}" for d, p in hosts), flush=True)
        await stop.wait()
        for host in self.hosts.values():
            await host.down()


class PeerClient:
    """What day and tests know of the peer: its orders and its mailboxes."""

    def __init__(self, folder, control, ports):
        self.folder, self.control, self.ports = folder, control, ports
        self.kept = {}  # {path: (about, bytes)} of whole messages: they do not change

    def order(self, words):
        """Gives one order and returns what its answer tells; HouseError when it is refused."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.control)
            s.sendall(words.encode() + b"\n")
            answer = s.makefile(encoding="utf-8").readline().strip()
        if not answer.startswith("ok "):
            raise HouseError(f"peer: {words}: {answer}")
        return answer.removeprefix(f"ok {words}").strip()

    def held(self, domain):
        """Messages whose sender waits for an answer since the last `hang`."""
        return int(self.order(f"{domain} held"))

    def answers(self):
        """True when the control socket answers."""
        try:
            self.order("ping")
            return True
        except OSError:
            return False

    def messages(self, domain):
        """All whole messages of a domain, in order: [(number, about, bytes)]."""
        folder = os.path.join(self.folder, "all" if domain == "*" else domain, "new")
        found = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name.endswith(".json"):
                path = os.path.join(folder, name[:-5])
                if path not in self.kept:
                    with open(path + ".json", encoding="utf-8") as f, open(path + ".eml", "rb") as message:
                        self.kept[path] = json.load(f), message.read()
                found.append((name[:-5], *self.kept[path]))
        return found

    def wait(self, domain, want, what, limit=30, logs=()):
        """Waits for a message that want(about, bytes) accepts; returns (about, bytes)."""
        others = set()  # each is asked about once

        def look():
            for name, about, message in self.messages(domain):
                if name not in others and want(about, message):
                    return about, message
                others.add(name)
            return None
        return wait_for(look, f"{what} at {domain}", limit, logs)


def main():
    """`python3 -m contrib.house.peer --folder DIR --gnupg DIR --control SOCKET --cert F --key F DOMAIN=PORT...`"""
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("folder", "gnupg", "control", "cert", "key"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("hosts", nargs="+", metavar="DOMAIN=PORT")
    args = p.parse_args()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(args.cert, args.key)
    hosts = [(h.rpartition("=")[0], int(h.rpartition("=")[2])) for h in args.hosts]
    asyncio.run(Peer(args.folder, args.gnupg, tls).serve(args.control, hosts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
