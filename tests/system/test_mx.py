"""Domains without a next hop: their mail servers are found in the DNS, here a zone file, and tried one after another.

A house of its own whose zone names servers on other loopback addresses, with one port for all (mx_port). The servers
are aiosmtpd's and offer DSN (RFC 3461).
"""

import os
import re
import tempfile

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from contrib.house.instance import HOSTNAME, Instance
from contrib.house.waiting import free_port, wait_for

UP, DOWN = "127.0.0.11", "127.0.0.21"  # nobody listens on the latter
ZONE = f"""
cadangan.example. MX 20 kedua.cadangan.example.
cadangan.example. MX 10 pertama.cadangan.example.
pertama.cadangan.example. A {DOWN}
kedua.cadangan.example. A 127.0.0.22
kedua.cadangan.example. A {UP}
polos.example. A {UP}
tutup.example. MX 0 .
tutup.example. A {UP}
putar.example. MX 10 {HOSTNAME}.
putar.example. MX 20 kedua.cadangan.example.
mati.example. MX 10 pertama.cadangan.example.
"""


class DsnSession(SMTP):
    """Takes the parameters of RFC 3461, which aiosmtpd refuses, and writes them down."""

    async def smtp_MAIL(self, arg):
        """RET and ENVID."""
        self.event_handler.asked.append(arg)
        await super().smtp_MAIL(re.sub(r" (RET|ENVID)=\S+", "", arg))

    async def smtp_RCPT(self, arg):
        """NOTIFY."""
        self.event_handler.asked.append(arg)
        await super().smtp_RCPT(re.sub(r" NOTIFY=\S+", "", arg))


class Server:
    """A mail server that keeps what it gets."""

    def __init__(self, port):
        self.got, self.asked = [], []
        self.controller = Controller(self, hostname=UP, port=port)
        self.controller.factory = lambda: DsnSession(self, enable_SMTPUTF8=True)
        self.controller.start()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        """Offers DSN."""
        session.host_name = hostname
        return responses[:-1] + ["250-DSN"] + responses[-1:]

    async def handle_DATA(self, server, session, envelope):
        """Keeps it."""
        self.got.append((envelope.rcpt_tos, envelope.mail_from, envelope.content))
        return "250 2.0.0 kept"


@pytest.fixture(name="server", scope="module")
def fixture_server():
    """The one server that is up."""
    made = Server(free_port())
    yield made
    made.controller.stop()


@pytest.fixture(name="house", scope="module")
def fixture_house(server):
    """A house that asks the zone above; instead of the session's."""
    with tempfile.TemporaryDirectory(prefix="mtagw-zone-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        zone = os.path.join(folder, "zone")
        with open(zone, "w", encoding="ascii") as f:
            f.write(ZONE)
        made = Instance("test-mx", overrides={"dns_zone_file": zone, "mx_port": str(server.controller.port)},
                        say=lambda *_: None, relay=False)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def arrived(office, server, address):
    """Waits for the one message to an address; (return path, bytes)."""
    found = wait_for(lambda: [(sender, data) for rcpts, sender, data in server.got if rcpts == [address]],
                     f"a message to {address}", 90, office.logs[:1])
    assert len(found) == 1
    return found[0]


def test_servers_are_tried_in_order_until_one_takes_it(office, server):
    sent = office.send_letter(to=(("PT Cadangan", "humas@cadangan.example"),))
    number = office.confirmed("kadis.diskominfo", sent)
    _, message = arrived(office, server, "humas@cadangan.example")
    assert number.encode() in message.replace(b"=\r\n", b"")
    office.letter(sent["Subject"], ("dispatched", "delivered"))
    with open(office.house.log("mtagw"), encoding="utf-8") as f:
        closed = re.findall(r"sender_closed destination=cadangan.example remote=(\S+):\d+ ", f.read())
    assert closed[0] == DOWN and set(closed) <= {DOWN, "127.0.0.22"}


def test_domain_without_mx_is_its_own_server(office, server):
    office.send_letter(to=(("Polos", "surat@polos.example"),))
    arrived(office, server, "surat@polos.example")


def test_reports_are_asked_for_by_the_delivery(office, server):
    sent = office.send_letter(to=(("Polos", "laporan@polos.example"),))
    sender, _ = arrived(office, server, "laporan@polos.example")
    letter = office.letter(sent["Subject"], ("dispatched", "delivered"))
    (mail_from,) = [a for a in server.asked if sender in a]
    envelope_id = re.search(r" RET=HDRS ENVID=(\d+)$", mail_from).group(1)
    assert "TO:<laporan@polos.example> NOTIFY=FAILURE,DELAY" in server.asked
    assert envelope_id in str(office.exchanges(letter)), "the id is that of the delivery in the trail"


@pytest.mark.parametrize("domain, code", [("tutup.example", "5.1.10"), ("putar.example", "5.4.6"),
                                          ("tiada.example", "5.1.2")])
def test_domain_that_takes_no_mail_fails_at_once(office, server, domain, code):
    sent = office.send_letter(to=(("Tujuan", f"surat@{domain}"),))
    office.confirmed("kadis.diskominfo", sent)
    office.letter(sent["Subject"], "failed")

    def told(m):
        return domain in m.as_string() and any(p.get_content_type() == "message/delivery-status" and code in p.as_string()
                                               for p in m.walk())
    office.see("kasubbag-umum.diskominfo", told, f"a failure notice with {code}", ["INBOX", "Gagal Kirim"])
    assert not [r for r, *_ in server.got if domain in str(r)]


def test_domain_whose_servers_are_down_waits(office, server):
    office.send_letter(to=(("Mati", "surat@mati.example"),))
    row = wait_for(lambda: [r for r in office.queue("mati.example") if int(r["tries"]) > 0], "a row that was tried", 30,
                   office.logs[:1])[0]
    assert "refused" in str(office.ctl("queue", "show", str(row["id"])))
    office.house.ctl("queue", "fail", str(row["id"]))
