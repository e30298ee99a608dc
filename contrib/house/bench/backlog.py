"""A backlog of letters drained with an empty and with a long history.

Two houses of their own, one with a history, in turn. Letters are submitted while router, verify and sender stand still; the clock
runs from the moment they go on until the sink has the last. The history is made by generate_series: letters with their recipients,
mails, outgoing messages, attempts, numbers, agenda entries and exchange rows, spread over the year, without bodies. Making it
is not measured: the superuser does it in that house's own database without fsync, without asking foreign keys, and with indexes that are
made after the rows. Fsync stands again, tables are vacuumed and analyzed and all of it is on the disk before the clock runs.
"""

import calendar
import os
import time
from concurrent.futures import ThreadPoolExecutor

from ..waiting import HouseError
from .asking import Asking
from .house import LIMIT, House

WAITING, HISTORY, ROUNDS = 5000, 2_000_000, 3
PIECE = 100_000
# While the history is made.
QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0",
         "shared_buffers": "1GB", "max_wal_size": "16GB", "checkpoint_timeout": "1h", "maintenance_work_mem": "512MB"}
# ids as the programs make them: milliseconds << 22; in the year's partitions as all real ones, and below those
IDS = ("select g as n, (({base}::bigint + g::bigint * {step}) << 22) as id, {base}::bigint + g::bigint * {step} as at "
       "from generate_series({first}, {last}) g")
HASH = "decode(repeat('00', 32), 'hex')"
WHO = "'kadis.ukur01', null::bigint, 'kadis.ukur01@dumai.example'"
TABLES = (
    "insert into mail.message (id, body_id, channel, received_at, sender, rcpts, login, from_address, mime_message_id, subject, size, "
    "state, letter_id) select id, id, 'submission', at, 'kadis.ukur01@dumai.example', array['surat-biasa@dumai.example', "
    "'humas@sink.example'], 'kadis.ukur01@dumai.example', 'kadis.ukur01@dumai.example', '<' || id || '@history.example>', 'Riwayat ' || n, "
    "4500, 'routed', id + 1 from ids",
    "insert into office.letter (id, message_id, type, scope, direction, state, state_at, agency, position, incumbency, login, subject, "
    "summary, classification_code, security_class, urgency, xml, canonical_sha256, mime_message_id, policy_version, rule_id, created_at) "
    f"select id + 1, id, 'ordinary_letter', 'outside', 'outgoing', 'dispatched', at, 'UKUR01', {WHO}, 'Riwayat ' || n, '', '000', 'open', "
    f"'normal', '', {HASH}, '<l' || id || '@history.example>', 1, 'ttd-kepala-pd', at from ids",
    "insert into office.letter_recipient (letter_id, n, role, inside, name, address) select id + 1, 1, 'main', false, '', "
    "'humas@sink.example' from ids",
    "insert into mail.outgoing (id, message_id, letter_id, kind, form, position, from_address, mime_message_id, subject, size, eight_bit, "
    "segments, sha256, created_at) select id + 2, id, id + 1, 'letter', 'outside', 'kadis.ukur01', 'kadis.ukur01@dumai.example', '<l' || id || "
    f"'@history.example>', 'Riwayat ' || n, 9000, false, array[id, 0, 9000], {HASH}, at from ids",
    "insert into office.letter_form (letter_id, form, ref, size, sha256, created_at) select id + 1, 'outside', id + 2, 9000, "
    f"{HASH}, at from ids",
    "insert into mail.attempt (id, delivery_id, outgoing_id, letter_id, recipient, route, outcome, code, started_at, at) select id + 3, "
    "id + 3, id + 2, id + 1, 'humas@sink.example', 'smtp', 'delivered', 250, at, at from ids",
    "insert into office.number_ledger (series, year, n, state, letter_id, number, letter_date, at, position, incumbency, login) select "
    f"'surat/RIWAYAT', 2020, n, 'assigned', id + 1, '000/' || n || '/RIWAYAT/2020', '2020-12-31', at, {WHO} from ids",
    "insert into office.agenda_entry (id, agency, direction, year, n, letter_id, entry_date, letter_number, letter_date, subject, sender, "
    "destination, summary, security_class, urgency, classification_code, channel, at) select id + 4, 'RIWAYAT', 'outgoing', 2020, n, id + 1, "
    "'2020-12-31', '000/' || n || '/RIWAYAT/2020', '2020-12-31', 'Riwayat ' || n, 'kadis.ukur01', 'humas@sink.example', '', 'open', 'normal', "
    "'000', 'email', at from ids",
    "insert into office.token (id, kind, letter_id, created_at, expires_at) select id + 5, 'reply', id + 1, at, at + 1 from ids",
    "insert into audit.exchange (id, at, event, outcome, message_id, letter_id, salt, canonical, sha256) select id + 8, at, 'history', "
    f"'ok', id, id + 1, {HASH}, '', {HASH} from ids",
)


class History:
    """Makes the history of a house whose gateway does not run."""

    def __init__(self, house):
        self.house = house

    def _sql(self, text, limit=600):
        return self.house.postgres.sql(text, "mtagw", limit=limit)

    def _settings(self, values):
        """Of the server, which is started again."""
        house = self.house
        self._sql("".join(f"alter system set {name} = '{value}';" for name, value in values.items()))
        house.asking.close()
        house.processes.stop("postgres")
        house.postgres.start()
        house.asking = Asking(house.postgres)

    def _tables(self):
        """Those that get rows, partitions each for itself, the largest first."""
        names = ", ".join(f"'{t.split()[2]}'::regclass" for t in TABLES)
        return self._sql(f"select c.oid::regclass from pg_class c left join pg_inherits i on i.inhrelid = c.oid where c.relkind = 'r' and "
                         f"(c.oid in ({names}) or i.inhparent in ({names})) order by pg_total_relation_size(c.oid) desc").split()

    def _rows(self, rows):
        """In pieces, two sessions."""
        base = calendar.timegm((time.gmtime().tm_year, 1, 1, 0, 0, 0)) * 1000
        step = max(1, (int((time.time() - 3600) * 1000) - base) // (rows + 1))

        def piece(first):
            ids = IDS.format(base=base, step=step, first=first, last=min(rows, first + PIECE - 1))
            self._sql("set session_replication_role = replica;" + "".join(f"with ids as materialized ({ids}) {t};" for t in TABLES))
        with ThreadPoolExecutor(2) as both:
            list(both.map(piece, range(1, rows + 1, PIECE)))

    def _without_indexes(self, fill):
        """fill while no index of these tables is kept; they are made anew (REINDEX marks them good again)."""
        names = ", ".join(f"'{t}'::regclass" for t in self._tables())
        self._sql(f"update pg_index set indisready = false, indisvalid = false where indrelid in ({names})")
        fill()

        def finish(table):
            self._sql(f"reindex table {table}; vacuum (freeze, analyze) {table}")
        with ThreadPoolExecutor(2) as both:
            list(both.map(finish, self._tables()))
        bad = self._sql("select indexrelid::regclass from pg_index where not (indisvalid and indisready)").split()
        if bad:
            raise HouseError(f"indexes that were not made anew: {' '.join(bad)}")

    def make(self, rows):
        """So many letters; a word about it."""
        begun = time.monotonic()
        before = {name: self._sql(f"show {name}").strip() for name in QUICK}
        try:
            self._settings(QUICK)
            self._sql("insert into office.series_head values ('surat/RIWAYAT', '2020-12-31'); "
                      "insert into office.series values ('surat/RIWAYAT', 2020, 1)")
            self._without_indexes(lambda: self._rows(rows))
            self._sql("analyze")
        finally:
            self._settings(before)
        self._sql("checkpoint")
        os.sync()  # what was written while fsync was off
        size = self._sql("select pg_size_pretty(pg_database_size(current_database()))").strip()
        return f"history of {rows} letters made in {time.monotonic() - begun:.0f} s, database {size}"


class Backlog:
    """See the head of this file."""

    def __init__(self, bench):
        self.bench = bench

    def _drain(self, house, total):
        """Letters a second."""
        load = self.bench.load
        house.halt()
        try:
            load.start(house.writers(), port=house.ports["submission"], tls=True, total=total, sink=True, sessions=10, limit=LIMIT)
            end = time.monotonic() + LIMIT
            while house.waiting()[0] < total:
                if time.monotonic() > end:
                    raise HouseError("the backlog was not taken in")
                time.sleep(0.2)
            begun = time.monotonic()
        finally:
            house.wake()
        told = load.finish()
        house.quiet()
        return told["arrived"] / (told["begun"] + told["sink_seconds"] - begun)

    def row(self, name):
        """Rate with history beside that without."""
        bench = self.bench
        total, rounds = (WAITING, ROUNDS) if not bench.quick else (1000, 1)
        history = HISTORY if not bench.quick else 100_000
        empty, full = [House(bench.build, bench.load.sink, name=f"bench-{n}") for n in ("empty", "history")]
        told = {empty: [], full: []}
        try:
            for house in told:
                house.start()
            full.stop_gateway()
            bench.report.note(f"{name}: {History(full).make(history)}")
            # its connections to the database ended with the server
            full.processes.stop("dovecot")
            full.dovecot.start()
            full.start_gateway()
            for house in told:
                self._drain(house, total // 10)  # both servers have only just started
            for n in range(rounds):
                for house in (empty, full)[::1 if n % 2 == 0 else -1]:
                    told[house].append(self._drain(house, total))
        finally:
            for house in told:
                house.stop()
        bench.report.ratio(name, told[full], told[empty], ">=0.85", f"letters/s, {total} waiting; peer is ours without history")
