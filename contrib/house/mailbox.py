"""IMAP as a person's mail client speaks it."""

import collections
import email
import email.policy
import functools
import imaplib
import re
import ssl

from .waiting import HouseError, wait_for

# What was fetched once is not fetched and parsed again: {mailbox of this server and UIDVALIDITY: {uid: message}}.
FETCHED = collections.defaultdict(dict)


@functools.lru_cache(maxsize=None)
def trust(ca):
    """A client context that trusts only this CA."""
    return ssl.create_default_context(cafile=ca)


def quoted(name):
    """A mailbox name as an IMAP quoted string."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Mailbox:
    """One logged-in session over TLS."""

    def __init__(self, host, port, ca, login, password):
        self.login, self.port = login, port
        self.imap = imaplib.IMAP4_SSL(host, port, ssl_context=trust(ca), timeout=60)
        self.imap.login(login, password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.imap.logout()
        except (OSError, imaplib.IMAP4.error):
            pass

    def folders(self):
        """Names of all subscribed folders."""
        return [row.decode().rpartition(' "/" ')[2].strip('"') for row in self._ok(self.imap.lsub()) if row]

    def _ok(self, answer):
        kind, data = answer
        if kind != "OK":
            raise HouseError(f"IMAP of {self.login}: {data}")
        return data

    def messages(self, folder="INBOX"):
        """All messages of a folder: [(uid, EmailMessage)], old ones first. A folder that is not there is empty."""
        kind, _ = self.imap.select(quoted(folder), readonly=True)
        if kind != "OK":
            return []
        validity = self.imap.response("UIDVALIDITY")[1][0]
        known = FETCHED[self.port, self.login, folder, validity]
        uids = [uid.decode() for uid in self._ok(self.imap.uid("SEARCH", "ALL"))[0].split()]
        known.update(self.fetch([uid for uid in uids if uid not in known]))
        return [(uid, known[uid]) for uid in uids]

    def fetch(self, uids):
        """{uid: message} of messages of the selected folder, parsed; `.raw` holds the bytes of each."""
        found = {}
        for row in self._ok(self.imap.uid("FETCH", ",".join(uids), "(UID BODY.PEEK[])")) if uids else []:
            if isinstance(row, tuple):
                message = email.message_from_bytes(row[1], policy=email.policy.default)
                message.raw = row[1]
                found[re.search(rb"UID (\d+)", row[0]).group(1).decode()] = message
        missing = set(uids) - set(found)
        if missing:
            raise HouseError(f"IMAP of {self.login}: messages {', '.join(missing)} are not there")
        return found

    def wait(self, want, what, folder="INBOX", limit=30, logs=(), seen=()):
        """Waits for a message that want(message) accepts in a folder (or one of a list); returns it.

        seen: Message-IDs not to look at again.
        """
        folders = [folder] if isinstance(folder, str) else folder
        others = set()  # a message does not change: it is asked about once

        def look():
            for name in folders:
                for uid, message in self.messages(name):
                    if (name, uid) in others:
                        continue
                    if message["Message-ID"] not in seen and want(message):
                        message.folder = name
                        return message
                    others.add((name, uid))
            return None
        return wait_for(look, f"{what} in the mailbox of {self.login} ({', '.join(folders)})", limit, logs)


def text_of(message):
    """The plain text a person reads."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        for part in message.walk():
            if part.get_content_type() == "text/plain":
                break
        else:
            return ""
    try:
        return part.get_content()
    except (LookupError, KeyError):  # a charset or type nobody knows: as clients show it
        return (part.get_payload(decode=True) or b"").decode("ascii", "replace")


def files_of(message):
    """{file name: bytes} of the named parts."""
    return {p.get_filename(): p.get_payload(decode=True) for p in message.walk() if p.get_filename()}


def lines_of(message):
    """The same, its lines ended as Python ends them."""
    return text_of(message).replace("\r\n", "\n")
