"""One kept-open psql for questions asked again and again: a new one each time would cost more than what is waited for."""

import subprocess

from ..postgres import PORT
from ..process import clean_env
from ..waiting import HouseError

END = "--end of the answer"


class Asking:
    """psql as the superuser of the house's database, in a session of its own."""

    def __init__(self, postgres):
        command = [*postgres.prefix, "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-h", postgres.socket_dir, "-p", str(PORT), "-U",
                   postgres.superuser, "-d", "mtagw"]
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      env=clean_env(PSQLRC="/dev/null"), cwd="/", start_new_session=True)

    def ask(self, sql):
        """Rows of fields."""
        self.popen.stdin.write(f"{sql};\n\\echo {END}\n")
        self.popen.stdin.flush()
        rows = []
        while True:
            line = self.popen.stdout.readline()
            if not line:
                raise HouseError("psql of the bench ended")
            if line.rstrip("\n") == END:
                return rows
            if line.startswith("ERROR"):
                raise HouseError(f"{sql}: {line}")
            rows.append(line.rstrip("\n").split("\t"))

    def close(self):
        """Ends it."""
        self.popen.stdin.close()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen.stdout.close()
