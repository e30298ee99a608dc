"""An independent count of what became of a load: the outside peer's folder, the mailboxes over IMAP, the database by SQL.

What an item brings about is learnt, not written down: a run without a fault (Calm) tells which mails each kind puts into which
mailbox and which rows it leaves in the trail; after a fault each item must have brought just that.
"""

import collections
import email
import email.policy
import os
import re
from dataclasses import dataclass, field

from .letters import COMPANY
from .mailbox import quoted
from .people import PEOPLE
from .verdict import Gpg, check_dkim, read_records

LETTERS = ("out", "both", "in")
DOMAIN = COMPANY[1].partition("@")[2]
# Rows that an honest second try leaves beside the usual ones: not counted.
# ReceiptWithheld: a correspondent gets ten receipts a day.
AGAIN = {("ReceiptWithheld", "done"), ("RelayToNonERDSFailure", "deferred"), ("ContentConsignmentFailure", "deferred"), ("StageWaiting", "waiting"),
         ("WaitingTold", "waiting"), ("Quarantined", "done")}
LAST = {("RelayToNonERDSFailure", "uncertain"), ("RelayToNonERDSFailure", "failed"), ("RelayToNonERDSFailure", "expired")}
# What is missing where the company did not get it, or nobody knows.
ABSENT = {("RelayToNonERDS", "delivered"), ("LetterDispatched", "done")}
# Deliveries into the house that Dovecot has whole and has not answered: by the item they came of.
OPEN_INSIDE = ("select distinct m.mime_message_id from mail.delivery d join mail.outgoing o on o.id = d.outgoing_id join "
               "mail.message m on m.id = o.message_id where d.state = 'claimed' and d.route = 'lmtp' and d.dot_at is not null")
OPEN = ("select id from mail.delivery where state = 'claimed' and route = 'smtp' and dot_at is not null")
TRAIL = """
with m as (select id, mime_message_id from mail.message where mime_message_id in ({ids})),
 l as (select l.id, m.mime_message_id from office.letter l join m on m.id = l.message_id),
 d as (select a.delivery_id, m.mime_message_id from mail.attempt a join mail.outgoing o on o.id = a.outgoing_id
   join m on m.id = o.message_id where o.kind <> 'acknowledgement'),  -- a correspondent gets ten receipts a day
 x as (select x.id, x.event, x.outcome, coalesce(x.rule_id, '') as rule, m.mime_message_id from audit.exchange x
   join m on m.id = x.message_id where x.delivery_id is null
  union select x.id, x.event, x.outcome, coalesce(x.rule_id, ''), l.mime_message_id from audit.exchange x
   join l on l.id = x.letter_id where x.delivery_id is null and x.message_id is null
  union select x.id, x.event, x.outcome, coalesce(x.rule_id, ''), d.mime_message_id from audit.exchange x
   join d on d.delivery_id = x.delivery_id)
select mime_message_id, event, outcome, rule, count(*) from x group by 1, 2, 3, 4"""


class Reader:
    """Looks again and again; what was seen is not fetched twice."""

    def __init__(self, house):
        self.house = house
        self.peer, self.mails = [], []  # (subject, Reply-To, Message-ID, path) | (login, folder, subject, Reply-To, Message-ID)
        self.names, self.uids = set(), {}
        self.gpg = Gpg(os.path.join(house.runtime, "count-gnupg"), os.path.join(house.peer.folder, "keys"))

    def sql(self, text):
        """Rows of the database as lists of text."""
        return [line.split("\t") for line in self.house.postgres.sql(text, "mtagw", limit=300).splitlines()]

    def look(self):
        """Reads what is new at the peer and in all mailboxes."""
        folder = os.path.join(self.house.peer.folder, DOMAIN, "new")
        for name in sorted(set(os.listdir(folder)) - self.names):
            if not name.endswith(".json"):
                continue
            self.names.add(name)
            path = os.path.join(folder, name[:-5] + ".eml")
            with open(path, "rb") as f:
                head = parse(f.read().partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            self.peer.append((text(head["Subject"]), text(head["Reply-To"]), text(head["Message-ID"]), path))
        for person in PEOPLE:
            with self.house.mailbox(person.login) as box:
                for name in box.folders():
                    self.look_into(box, person.login, name)

    def look_into(self, box, login, name):
        """One folder."""
        last = self.uids.get((login, name), 0)
        if box.imap.select(quoted(name), readonly=True)[0] != "OK":
            return
        kind, rows = box.imap.uid("FETCH", f"{last + 1}:*", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT REPLY-TO MESSAGE-ID)])")
        for row in rows if kind == "OK" else []:
            if not isinstance(row, tuple):
                continue
            uid = int(re.search(rb"UID (\d+)", row[0]).group(1))
            if uid > last:  # n:* gives the last one even when it is older
                head = parse(row[1])
                self.uids[login, name] = max(uid, self.uids.get((login, name), 0))
                self.mails.append((login, name, text(head["Subject"]), text(head["Reply-To"]), text(head["Message-ID"])))

    def unsigned(self, some=None):
        """Letters at the peer that are not sealed and signed twice. some: those to check by gpg and dkimpy too."""
        bad = []
        for subject, _, _, path in self.peer:
            with open(path, "rb") as f:
                message = f.read()
            head = parse(message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            if not subject.startswith("Gangguan"):
                continue
            if head.get_content_type() != "multipart/signed" or len(head.get_all("DKIM-Signature", [])) != 2:
                bad.append(path)
            elif some is not None and path in some:
                records = read_records(os.path.join(self.house.peer.folder, "dns.txt"))
                if (self.gpg.check(message)["result"] != "good" or
                        [v["result"] for v in check_dkim(message, records)] != ["pass", "pass"]):
                    bad.append(path)
        return bad


def parse(data):
    """A header block."""
    return email.message_from_bytes(data, policy=email.policy.default)


def text(value):
    """A field's text on one line, '' for none."""
    return " ".join(str(value or "").split())


def ids_of(items):
    """An SQL list of Message-IDs."""
    return ", ".join("'" + i.message_id.replace("'", "''") + "'" for i in items)


@dataclass
class Told:
    """What items brought about. Keys are Message-IDs of items."""

    mails: dict  # Counter of (login, folder, subject with the item's own as @ and digits as #)
    peer: dict  # copies at the company
    trail: dict  # Counter of (event, outcome, rule)
    messages: collections.Counter  # rows of mail.message: a second one is a second letter
    numbers: collections.Counter
    orders: collections.Counter
    noticed: set  # people were told that it waits, or it was set aside: notices of that are delivered too


def told(reader, items, peer_from, mails_from):
    """What the items of a run brought about, seen since these places in the reader's lists."""
    about = {i.about: i.message_id for i in items}
    by = Told(collections.defaultdict(collections.Counter), collections.Counter(), collections.defaultdict(collections.Counter),
              collections.Counter(), collections.Counter(), collections.Counter(), set())
    for subject, *_ in reader.peer[peer_from:]:
        if subject in about:
            by.peer[about[subject]] += 1
    for login, folder, subject, *_ in reader.mails[mails_from:]:
        found = re.search(r"Gangguan \S+ \d+", subject)
        if found and found.group() in about:
            plain = re.sub(r"\d+", "#", subject.replace(found.group(), "@"))
            by.mails[about[found.group()]][login, folder, plain] += 1
    ids = ids_of(items)
    for mid, event, outcome, rule, n in reader.sql(TRAIL.format(ids=ids)):
        if event in ("WaitingTold", "Quarantined"):
            by.noticed.add(mid)
        if (event, outcome) not in AGAIN:
            by.trail[mid][event, outcome, rule] += int(n)
    for mid, n in reader.sql(f"select mime_message_id, count(*) from mail.message where mime_message_id in ({ids}) group by 1"):
        by.messages[mid] = int(n)
    for mid, n in reader.sql("select m.mime_message_id, count(*) from office.number_ledger n join office.letter l on l.id = "
                             f"n.letter_id join mail.message m on m.id = l.message_id where m.mime_message_id in ({ids}) "
                             "group by 1"):
        by.numbers[mid] = int(n)
    for mid, n in reader.sql("select m.mime_message_id, count(*) from office.disposition d join mail.message m on m.id = "
                             f"d.message_id where m.mime_message_id in ({ids}) group by 1"):
        by.orders[mid] = int(n)
    return by


class Calm:
    """What each kind (of each writer) brings about when nothing happens."""

    def __init__(self):
        self.of = {}

    def learn(self, items, by):
        """From an undisturbed run: all items of a kind must agree."""
        for i in items:
            seen = (by.mails[i.message_id], by.trail[i.message_id], by.orders[i.message_id])
            known = self.of.setdefault((i.kind, i.login), seen)
            assert known == seen, f"two undisturbed {i.kind} of {i.login} differ:\n{known}\n{seen}"


@dataclass
class Row:
    """A line of the table. words: what is wrong, for a person."""

    fault: str
    letters: int = 0
    answered: int = 0
    retried: int = 0  # clients that lost an answer after the final dot
    arrived: int = 0
    refused: int = 0  # the company said 5yz: told to the writer
    twice: int = 0
    dovecot: int = 0  # of its killing: saved, and dead before it noted that it was
    uncertain: int = 0
    open: int = 0
    lost: int = 0
    numbers: int = 0
    gaps: int = 0
    trail: int = 0  # items whose rows are not complete
    hand: int = 0
    seconds: float = 0
    words: list = field(default_factory=list)

    HEAD = ("fault", "letters", "answered 250", "250 lost, sent again", "arrived", "refused by the peer", "twice", "twice in a mailbox, Dovecot "
            "killed before it noted the first", "uncertain", "open at kill", "lost", "numbers", "gaps", "trail incomplete", "needs a hand", "seconds to recover")

    def cells(self):
        """Its cells as text."""
        return [str(v) for v in (self.fault, self.letters, self.answered, self.retried, self.arrived, self.refused, self.twice,
                                 self.dovecot, self.uncertain, self.open, self.lost, self.numbers, self.gaps, self.trail, self.hand,
                                 f"{self.seconds:.1f}")]


def judge(row, reader, items, by, calm, saved):
    """Fills the row from what was seen. saved: items of which Dovecot had a mail and had not answered when it was killed.

    A letter counts as arrived when all it should have brought is there just once.
    """
    uncertain = {m for (m,) in reader.sql(
        "select distinct m.mime_message_id from mail.delivery d join mail.outgoing o on o.id = d.outgoing_id join mail.message m "
        f"on m.id = o.message_id where d.state = 'uncertain' and d.last_text <> '' and m.mime_message_id in ({ids_of(items)})")}
    row.letters, row.answered = len(items), sum(i.answered for i in items)
    row.retried = sum(i.lost > 0 for i in items)
    row.words += [f"refused: {i.about}: {i.refused}" for i in items if i.refused]
    for i in items:
        judge_item(row, i, by, calm.of[i.kind, i.login], i.message_id in uncertain, i.message_id in saved)


def judge_item(row, i, by, calm, uncertain, saved):
    """One item."""
    mid, want = i.message_id, 1 if i.kind in ("out", "both") else 0
    mails, trail, orders = calm
    copies, got = by.peer[mid], by.mails[mid]
    failed = any(key[:2] == ("RelayToNonERDSFailure", "failed") for key in by.trail[mid])
    again = any(n > mails[k] for k, n in got.items() if mails[k])
    twice = by.messages[mid] > 1 or copies > 1 or by.orders[mid] > orders or by.numbers[mid] > 1 or (again and not saved)
    row.dovecot += again and saved
    missing = mails - got
    if uncertain:
        row.uncertain += 1
    row.refused += failed
    if twice:
        row.twice += 1
        row.words.append(f"twice: {i.kind} {i.about}: messages {by.messages[mid]}, at the peer {copies}, orders "
                         f"{by.orders[mid]}, numbers {by.numbers[mid]}, mails more than usual {dict(got - mails)}")
    if not i.answered:
        row.words.append(f"no 250: {i.kind} {i.about} after {i.tries} tries")
    elif missing or (copies < want and not uncertain and not failed) or by.orders[mid] < orders:
        row.lost += 1
        row.words.append(f"lost: {i.kind} {i.about}: messages {by.messages[mid]}, at the peer {copies} of {want}, missing "
                         f"{dict(missing)}, orders {by.orders[mid]} of {orders}")
    elif not twice and (copies == want):
        row.arrived += 1
    judge_trail(row, i, by.trail[mid], trail, uncertain or failed, mid in by.noticed)


def judge_trail(row, i, got, want, open_end, noticed):
    """Each row that belongs to it, once; beside them only those of honest second tries."""
    if not i.answered:
        return
    refusable = open_end or noticed or i.kind in ("incoming", "answer")  # their receipt
    missing = {k: n for k, n in (want - got).items() if not (open_end and k[:2] in ABSENT)}
    more = {k: n for k, n in (got - want).items() if not (refusable and k[:2] in LAST | EXTRA)}
    if missing or more:
        row.trail += 1
        row.words.append(f"trail: {i.kind} {i.about}: missing {missing}, more {more}")


# Rows of the notices about a failure.
EXTRA = {("ContentConsignment", "delivered"), ("FailureNotified", "done"), ("ContentConsignmentFailure", "failed")}


def books(reader):
    """(numbers given, gaps or doubles) of all series and agendas."""
    given = gaps = 0
    for table, key in (("office.number_ledger", "series, year"), ("office.agenda_entry", "agency, direction, year")):
        for *_, count, distinct, first, last in reader.sql(
                f"select {key}, count(*), count(distinct n), min(n), max(n) from {table} group by {key}"):
            given += int(count) if table.endswith("ledger") else 0
            gaps += int(last) - int(first) + 1 - int(distinct) + int(count) - int(distinct) + int(first) - 1
    return given, gaps
