"""The clock of the office: the year rolls over at midnight of Asia/Jakarta, leap days are days, a clock that jumps back
does not take the dates of a series with it.

A house of its own whose clock_offset_secs is moved between letters, with a restart, over the same state.
"""

import datetime
import email
import email.policy
import re

import pytest

from contrib.house.instance import Instance
from contrib.house.letters import COMPANY, TYPED, answers, mail, number_in, rows
from contrib.house.mailbox import text_of
from contrib.house.waiting import wait_for

CITY = datetime.timezone(datetime.timedelta(hours=7))
YEAR = datetime.datetime.now(CITY).year
LEAP = next(y for y in range(YEAR + 2, YEAR + 10) if y % 4 == 0 and (y % 100 or y % 400 == 0))
WRITER = "kadis.diskominfo"
DINKES = ("Kepala Dinas Kesehatan", "kadis.dinkes@dumai.example")
DOMAIN = COMPANY[1].partition("@")[2]


def offset(*when):
    """Seconds by which the clock has to be moved so that the city's time is this."""
    return round(datetime.datetime(*when, tzinfo=CITY).timestamp() - datetime.datetime.now(CITY).timestamp())


class ClockHouse:
    """The house and what was sent in it, in order."""

    def __init__(self, house):
        self.house, self.count = house, 0

    def move(self, *when):
        """Restarts the gateway with the city's time at `when`."""
        assert self.house.stop_gateway() == 0
        with open(self.house.conf, encoding="utf-8") as f:
            text = re.sub(r"(?m)^clock_offset_secs = .*$", f"clock_offset_secs = {offset(*when)}", f.read())
        with open(self.house.conf, "w", encoding="utf-8") as f:
            f.write(text)
        self.house.start_gateway()

    def letter(self):
        """Sends a letter outside and to another agency; (row of `letter list`, message that came outside)."""
        self.count += 1
        sent = mail(WRITER, [TYPED, COMPANY, DINKES], f"Uji tanggal {self.count}", "Isi surat.\n")
        self.house.submit(WRITER, sent)
        logs = [self.house.log("mtagw")]
        with self.house.mailbox(WRITER) as box:
            told = box.wait(lambda m: answers(m, sent) and number_in(text_of(m)), "confirmation", limit=60, logs=logs)
        number = number_in(text_of(told))
        # Its verdicts mean nothing here: the peer's clock is not moved, so our signatures are of its future or past.
        _, message = self.house.peer.wait(DOMAIN, lambda a, b: number.encode() in b.replace(b"=\r\n", b""), number, 60, logs)
        row = next(r for r in rows(self.house.ctl("letter", "list", json_out=True)) if r["subject"] == sent["Subject"])
        assert row["number"] == number
        wait_for(lambda: len(self.agenda(number)) == 2, "both agencies registered it", 60, logs)
        return row, email.message_from_bytes(message, policy=email.policy.default)

    def agenda(self, number):
        """Agenda entries of a letter by agency."""
        return {r["agency"]: r for r in rows(self.house.ctl("agenda", "list", json_out=True)) if r["number"] == number}

    def series(self):
        """{(year, n): date} of the agency's numbers, and {year: next}."""
        def sql(text):
            return [r.split("\t") for r in self.house.postgres.sql(text, "mtagw").splitlines()]
        given = {(int(y), int(n)): d for y, n, d in sql("select year, n, letter_date from office.number_ledger "
                                                        "where series = 'surat/DISKOMINFO'")}
        heads = {int(y): int(n) for y, n in sql("select year, next from office.series where id = 'surat/DISKOMINFO'")}
        return given, heads


@pytest.fixture(name="office", scope="module")
def fixture_office():
    """The house on the last evening of this year."""
    house = Instance("test-clock", overrides={"clock_offset_secs": str(offset(YEAR, 12, 31, 23, 40))}, say=lambda *_: None)
    try:
        house.start()
        yield ClockHouse(house)
    finally:
        house.stop()


def check(office, n, year, day, printed):
    """Sends a letter: its running number and its date, in the lists, both agendas and in the letter itself."""
    row, message = office.letter()
    assert row["number"].endswith(f"/{n}/DISKOMINFO/{year}")
    assert row["date"] == day
    agenda = office.agenda(row["number"])
    assert {a: (e["date"], e["n"]) for a, e in agenda.items()} == {"DISKOMINFO": (day, n), "DINKES": (day, n)}
    assert printed in text_of(message)
    return message


def test_year_leap_day_and_a_clock_that_goes_back(office):
    check(office, 1, YEAR, f"{YEAR}-12-31", f"31 Desember {YEAR}")
    check(office, 2, YEAR, f"{YEAR}-12-31", f"31 Desember {YEAR}")
    office.move(YEAR + 1, 1, 1, 0, 1)
    message = check(office, 1, YEAR + 1, f"{YEAR + 1}-01-01", f"1 Januari {YEAR + 1}")
    assert message["Date"].datetime.astimezone(CITY).date() == datetime.date(YEAR + 1, 1, 1)
    # Back into the old year: the new one goes on, at the date of its last letter.
    office.move(YEAR, 12, 30, 9, 0)
    check(office, 2, YEAR + 1, f"{YEAR + 1}-01-01", f"1 Januari {YEAR + 1}")
    given, heads = office.series()
    assert given == {(YEAR, 1): f"{YEAR}-12-31", (YEAR, 2): f"{YEAR}-12-31",
                     (YEAR + 1, 1): f"{YEAR + 1}-01-01", (YEAR + 1, 2): f"{YEAR + 1}-01-01"}
    assert heads == {YEAR: 3, YEAR + 1: 3}
    office.move(LEAP, 2, 29, 12, 0)
    message = check(office, 1, LEAP, f"{LEAP}-02-29", f"29 Februari {LEAP}")
    assert message["Date"].datetime.astimezone(CITY).date() == datetime.date(LEAP, 2, 29)
    assert office.series()[1] == {YEAR: 3, YEAR + 1: 3, LEAP: 2}
