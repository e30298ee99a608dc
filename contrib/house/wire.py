"""SMTP byte by byte, for what smtplib cannot say."""

import base64
import socket

from contrib.house.mailbox import trust


class Wire:
    """An SMTP session byte by byte, from an address of this machine, with first in front of it."""

    def __init__(self, port, limit=60, source="127.0.0.1", first=b"", tls=None):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=limit, source_address=(source, 0))
        self.buffer = b""
        self.send(first)
        if tls:
            self.sock = trust(tls).wrap_socket(self.sock, server_hostname="localhost")
        self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """Raw bytes. A peer that has closed meanwhile is seen at the next reply."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def line(self):
        """One line; b'' when the peer has closed."""
        while b"\n" not in self.buffer:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                line, self.buffer = self.buffer, b""
                return line
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line + b"\n"

    def reply(self):
        """(code, text of all lines); (0, '') when the peer has closed."""
        text = []
        while True:
            line = self.line().decode("utf-8", "replace")
            if not line:
                return 0, "\n".join(text)
            text.append(line[4:].rstrip("\r\n"))
            if line[3:4] != "-":
                return int(line[:3]), "\n".join(text)

    def say(self, command):
        """A command and its answer."""
        self.send(command.encode() + b"\r\n")
        return self.reply()

    def starttls(self, ca):
        """STARTTLS and the handshake."""
        assert self.say("STARTTLS")[0] == 220
        self.sock = trust(ca).wrap_socket(self.sock, server_hostname="localhost")

    def closed(self):
        """Whether the peer closes (or has closed) the connection."""
        while True:
            if not self.line():
                return True


def login_wire(house, address):
    """A session on submission, logged in."""
    wire = Wire(house.ports["submission"])
    wire.say("EHLO client.example")
    wire.starttls(house.certs["ca"])
    wire.say("EHLO client.example")
    plain = base64.b64encode(f"\0{address}\0{house.passwords[address]}".encode()).decode()
    assert wire.say(f"AUTH PLAIN {plain}")[0] == 235
    return wire
