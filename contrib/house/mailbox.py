"""IMAP as a person's mail client speaks it."""

import email
import email.policy
import functools
import imaplib
import ssl

from .waiting import HouseError, wait_for


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
        self.login = login
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
        uids = self._ok(self.imap.uid("SEARCH", "ALL"))[0].split()
        return [(uid.decode(), self.fetch(uid)) for uid in uids]

    def fetch(self, uid):
        """One message of the selected folder, parsed; `.raw` holds its bytes."""
        for row in self._ok(self.imap.uid("FETCH", uid, "(BODY.PEEK[])")):
            if isinstance(row, tuple):
                message = email.message_from_bytes(row[1], policy=email.policy.default)
                message.raw = row[1]
                return message
        raise HouseError(f"IMAP of {self.login}: message {uid} is not there")

    def wait(self, want, what, folder="INBOX", limit=30, logs=(), seen=()):
        """Waits for a message that want(message) accepts in a folder (or one of a list); returns it.

        seen: Message-IDs not to look at again.
        """
        folders = [folder] if isinstance(folder, str) else folder

        def look():
            for name in folders:
                for _, message in self.messages(name):
                    if message["Message-ID"] not in seen and want(message):
                        message.folder = name
                        return message
            return None
        return wait_for(look, f"{what} in the mailbox of {self.login} ({', '.join(folders)})", limit, logs, pause=0.1)


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
