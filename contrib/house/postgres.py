"""A private PostgreSQL: reached by its Unix socket alone, a password for each role."""

import glob
import os
import signal

from .process import as_user, clean_env, run
from .waiting import HouseError, wait_for

PORT = 5432  # names the socket file; no TCP port is opened


class Postgres:
    """One cluster. owner: the uid it runs under (never 0: PostgreSQL refuses root)."""

    def __init__(self, data, socket_dir, log, owner, group, superuser, processes):
        self.data, self.socket_dir, self.log = data, socket_dir, log
        self.prefix = as_user(owner, group)
        self.superuser = superuser
        self.processes = processes
        found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
        versions = sorted((int(p.split("/")[4]), os.path.dirname(p)) for p in found if p.split("/")[4].isdigit())
        if not versions or versions[-1][0] < 15:
            raise HouseError("no PostgreSQL 15 or later under /usr/lib/postgresql (contrib/install run)")
        self.bin = versions[-1][1]

    def create(self):
        """initdb and settings. Durable as in real life: fsync and synchronous_commit stay on (an empty cluster need not be)."""
        run([*self.prefix, f"{self.bin}/initdb", "-D", self.data, "-U", self.superuser, "-A", "scram-sha-256",
             "--auth-local=peer", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync"], "initdb")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as f:
            f.write(f"listen_addresses = ''\nport = {PORT}\nunix_socket_directories = '{self.socket_dir}'\n"
                    "unix_socket_permissions = 0777\nfsync = on\nsynchronous_commit = on\n"
                    "password_encryption = 'scram-sha-256'\ndefault_toast_compression = 'lz4'\n"
                    "max_connections = 100\nshared_buffers = 64MB\nmax_wal_size = 512MB\nlog_min_messages = warning\n"
                    "log_line_prefix = '%m [%p] %q%u@%d '\nlc_messages = 'C'\n")
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as f:
            f.write(f"local all {self.superuser} peer\nlocal all all scram-sha-256\n")

    def start(self):
        """Starts the server and waits until it takes questions."""
        # stderr is ours already: the log may stand where this user could not open it.
        self.processes.start("postgres", [*self.prefix, f"{self.bin}/postgres", "-D", self.data], self.log,
                             stop=signal.SIGINT, limit=30)
        wait_for(lambda: run([f"{self.bin}/pg_isready", "-q", "-h", self.socket_dir, "-p", str(PORT)], "pg_isready",
                             check=False).returncode == 0,
                 "PostgreSQL takes connections", 60, [self.log], self.processes.alive_check("postgres"))

    def sql(self, text, database="postgres", limit=60):
        """Runs SQL as the superuser; gives unaligned rows, fields apart by a tab."""
        return run([*self.prefix, "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h",
                    self.socket_dir, "-p", str(PORT), "-U", self.superuser, "-d", database, "-f", "-"],
                   "psql", input_text=text, limit=limit, env=clean_env(PSQLRC="/dev/null")).stdout

    def create_roles(self, passwords, database, owner):
        """Login roles with their passwords, and the database of the owner that only these roles may enter."""
        lines = []
        for role, password in passwords.items():
            lines.append(f"CREATE ROLE {role} LOGIN PASSWORD '{password}';")
        lines.append(f"CREATE DATABASE {database} OWNER {owner};")
        lines.append(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;")
        for role in passwords:
            lines.append(f"GRANT CONNECT ON DATABASE {database} TO {role};")
        self.sql("\n".join(lines))
