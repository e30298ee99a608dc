"""What the machine itself gives: the limits that stand beside the figures."""

import os
import re
import time

from ..process import run


def fdatasync(folder, seconds=1.0):
    """fdatasync of 4 KB a second, one at a time, in a file that grows."""
    path = os.path.join(folder, "bench-fsync")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        begun, n = time.monotonic(), 0
        while time.monotonic() < begun + seconds:
            os.write(fd, b"x" * 4096)
            os.fdatasync(fd)
            n += 1
        return n / (time.monotonic() - begun)
    finally:
        os.close(fd)
        os.unlink(path)


def signatures(kind, seconds=1):
    """openssl speed: signatures a second and core of 'rsa2048' or 'ed25519'."""
    said = run(["openssl", "speed", "-seconds", str(seconds), kind], f"openssl speed {kind}", limit=60).stdout
    # "rsa 2048 bits 0.000253s 0.000008s   3949.3 131072.0": time and rate of signing, then of verifying
    found = re.findall(r"(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)\s*$", said.strip().splitlines()[-1])
    return float(found[0][0]) if found else 0.0


def rows(house, count=50000, batch=100):
    """Rows of 4 KB a second that PostgreSQL takes in durable batches of 100."""
    house.postgres.sql("create table public.bench_rows (id bigint primary key, bytes bytea not null)", "mtagw")
    try:
        begun = time.monotonic()
        # random bytes, as lz4 would press a repeated letter to nothing
        house.postgres.sql("do $$ declare piece bytea; begin select string_agg(sha256(g::text::bytea), '') into piece from "
                           f"generate_series(1, 128) g; for n in 1..{count // batch} loop insert into public.bench_rows "
                           f"select n * {batch} + i, piece from generate_series(1, {batch}) i; commit; end loop; end $$", "mtagw",
                           limit=120)
        return count / (time.monotonic() - begun)
    finally:
        house.postgres.sql("drop table public.bench_rows", "mtagw")


def versions():
    """{what: version} of what stands under ours."""
    told = {}
    for name, command in (("PostgreSQL", ["psql", "--version"]), ("Dovecot", ["dovecot", "--version"]),
                          ("GnuPG", ["gpg", "--version"]), ("OpenSSL", ["openssl", "version"])):
        told[name] = run(command, f"version of {name}").stdout.strip().splitlines()[0]
    return told


def durable(house):
    """The settings that make a commit safe."""
    asked = ("fsync", "synchronous_commit", "full_page_writes")
    return ", ".join(f"{name} {house.asking.ask('show ' + name)[0][0]}" for name in asked)
