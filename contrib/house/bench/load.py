"""The load generator (tests/load): one process that submits, receives and measures by one clock."""

import json
import os
import select
import subprocess
import tempfile

from ..waiting import HouseError

SLACK = 30  # seconds an answer may come after the limit of its round


class Load:
    """`with Load(build) as load:`; load.sink is the port of its sink."""

    def __init__(self, build):
        self.program = os.path.join(build, "tests", "load", "load")
        self.popen = self.folder = None
        self.sink = 0

    def __enter__(self):
        if not os.path.exists(self.program):
            raise HouseError(f"{self.program} is not built (make bench builds it)")
        self.folder = tempfile.TemporaryDirectory(prefix="mtagw-load-")
        # In a session of its own, so that Ctrl-C reaches only us; it ends with its input.
        self.popen = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.sink = self._answer(10)["sink"]
        return self

    def __exit__(self, *_):
        self.popen.stdin.close()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen.stdout.close()
        self.folder.cleanup()

    def _answer(self, limit):
        if not select.select([self.popen.stdout], [], [], limit)[0]:
            raise HouseError(f"the load generator said nothing for {limit} s")
        line = self.popen.stdout.readline()
        if not line:
            raise HouseError(f"the load generator ended with status {self.popen.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise HouseError(f"load generator: {answer['error']}")
        return answer

    def _say(self, line, limit):
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()
        return self._answer(limit + SLACK)

    def _people(self, people):
        """File of (login, password, sender, recipients) rows."""
        path = os.path.join(self.folder.name, "people")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(f"{login}\t{password}\t{sender}\t{' '.join(to)}\n" for login, password, sender, to in people)
        return path

    def start(self, people, **options):
        """Begins a round without waiting for its end (finish). options: see tests/load/main.c."""
        self.limit = options.setdefault("limit", 120)
        words = " ".join(f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in options.items())
        self.popen.stdin.write(f"round {words} people={self._people(people)}\n".encode())
        self.popen.stdin.flush()

    def finish(self):
        """What became of the round; HouseError when a message of it was lost, doubled or refused."""
        told = self._answer(self.limit + SLACK)
        if told["faults"] or told["failed"] or told["doubled"]:
            missing = told.get("missing", [])
            raise HouseError(f"load: {told['answered']} answered, {told['failed']} failed, {told['arrived']} in the sink, {told['doubled']} "
                             f"doubled, {told['strange']} strangers: {told['fault']}" + ("; missing: " + " ".join(missing) if missing else ""))
        return told

    def round(self, people, **options):
        """start and finish."""
        self.start(people, **options)
        return self.finish()

    def hold(self, people, **options):
        """Opens idle sessions and keeps them until release; how many."""
        options.setdefault("limit", 120)
        words = " ".join(f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in options.items())
        told = self._say(f"hold {words} people={self._people(people)}", options["limit"])
        if told["faults"]:
            raise HouseError(f"{told['held']} of {options['sessions']} idle sessions: {told['fault']}")
        return told["held"]

    def release(self):
        """Closes them."""
        self._say("release", 10)

    def flood(self, port, rate, seconds, ips):
        """So many connections a second that only want the server's first word; what became of them."""
        return self._say(f"flood port={port} rate={rate} seconds={seconds} ips={ips}", seconds + SLACK)

    def sample(self):
        """Path to which the sink writes its next message."""
        path = os.path.join(self.folder.name, "sample")
        self._say(f"sample {path}", 10)
        return path

    def count(self):
        """{"taken": messages in the sink since the start, "strange": of these not of the round that ran, "doubled": once more}."""
        return self._say("count", 10)
