"""Mails as the sample people write them, and how the gateway's answers are known again."""

import email.utils
import re
from email.message import EmailMessage

from .people import BY_LOGIN, DOMAIN

NUMBER = re.compile(r"(?<![\w/])[\w.-]+(?:/[\w.-]+){2,4}/20\d\d(?![\w/])")
TYPED = f"surat-biasa@{DOMAIN}"
COMPANY = ("PT Contoh Pelabuhan", "humas@pelabuhan.example")
PROVINCE = ("Dinas Kominfo Provinsi Riau", "surat@riau.example")


def mail(login, to, subject, text, files=(), in_reply_to=None, message_id=True):
    """An ordinary mail of an ordinary client. to: addresses or (name, address); files: (name, type, bytes)."""
    m = EmailMessage()
    if login in BY_LOGIN:
        m["From"] = email.utils.formataddr((BY_LOGIN[login].what, BY_LOGIN[login].address))
    else:
        m["From"] = login
    m["To"] = ", ".join(email.utils.formataddr(t) if isinstance(t, tuple) else t for t in to)
    m["Subject"] = subject
    m["Date"] = email.utils.formatdate(localtime=False)
    if message_id:
        m["Message-ID"] = email.utils.make_msgid(domain="client.example")
    if in_reply_to:
        m["In-Reply-To"] = in_reply_to
        m["References"] = in_reply_to
    m["User-Agent"] = "contoh"
    m.set_content(text)
    for name, kind, data in files:
        main, _, sub = kind.partition("/")
        m.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return m


def reply(login, shown, text):
    """A plain reply to what was shown: to its Reply-To, quoting nothing of it."""
    return mail(login, [shown["Reply-To"] or shown["From"]], "Re: " + (shown["Subject"] or ""), text,
                in_reply_to=shown["Message-ID"])


def answers(message, mail_sent):
    """Whether a received message belongs to a mail that was sent: by thread, else by its subject."""
    thread = f"{message['In-Reply-To'] or ''} {message['References'] or ''}"
    if mail_sent["Message-ID"] and mail_sent["Message-ID"] in thread:
        return True
    return mail_sent["Subject"] in (message["Subject"] or "")


def number_in(text):
    """The first letter number of a text, '' when it has none."""
    found = NUMBER.search(text)
    return found.group(0) if found else ""


def rows(answer):
    """The rows of an answer of `mtagwctl --json`, whether bare or under one name."""
    if isinstance(answer, list):
        return answer
    for value in answer.values():
        if isinstance(value, list):
            return value
    return []
