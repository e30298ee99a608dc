"""A mail server that takes everything and keeps nothing: the far end of measurements.

It runs in a process of its own; the count of messages and the time of the last one are shared memory.
"""

import asyncio
import ctypes
import multiprocessing
import os
import signal
import socket
import time


class Protocol(asyncio.Protocol):
    """One session. Replies to pipelined commands leave in one write."""

    def __init__(self, counter, last):
        self.counter, self.last = counter, last
        self.rest, self.data = b"", False

    def connection_made(self, transport):
        """Greets."""
        self.transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data):
        """Takes what came as far as it is whole."""
        self.rest += data
        out = []
        while True:
            if self.data:
                end = self.rest.find(b"\r\n.\r\n")
                if end < 0:
                    break
                self.rest, self.data = self.rest[end + 5:], False
                self.last.value = time.monotonic()
                self.counter.value += 1
                out.append(b"250 2.0.0 taken\r\n")
                continue
            line, found, rest = self.rest.partition(b"\r\n")
            if not found:
                break
            self.rest = rest
            out.append(self.answer(line[:4].upper()))
        if out:
            self.transport.write(b"".join(out))

    def answer(self, verb):
        """The reply to one command."""
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 100000000\r\n"
        if verb == b"DATA":
            # So that a message whose first line is the dot is whole too.
            self.rest, self.data = b"\r\n" + self.rest, True
            return b"354 go on\r\n"
        if verb == b"QUIT":
            asyncio.get_running_loop().call_soon(self.transport.close)
            return b"221 2.0.0 bye\r\n"
        return b"250 2.0.0 ok\r\n"


def serve(listener, counter, last):
    """The process: until TERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    async def run():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, loop.stop)
        await loop.create_server(lambda: Protocol(counter, last), sock=listener)
        parent = os.getppid()
        while os.getppid() == parent:
            await asyncio.sleep(1)
    try:
        asyncio.run(run())
    except RuntimeError:  # the loop was stopped by TERM
        pass


class Sink:
    """`with Sink() as sink: sink.port`; one process counts, so the shared values need no lock."""

    def __init__(self):
        self.counter = multiprocessing.Value(ctypes.c_long, 0, lock=False)
        self.when = multiprocessing.Value(ctypes.c_double, 0, lock=False)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(
            target=serve, args=(self.listener, self.counter, self.when), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join(10)
        self.listener.close()

    def count(self):
        """Messages taken."""
        return self.counter.value

    def last(self):
        """When the last one was whole (time.monotonic)."""
        return self.when.value
