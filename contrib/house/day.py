"""`make run`: a working day, played on the private house with real clients, told as a table.

Each step does something a person does and waits for what that person would see. A step that fails says why and the day
goes on. `--once` ends with the day's result; else the house stays up until Ctrl-C, with the settings for a mail client.
"""

import argparse
import email
import email.policy
import email.utils
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import time
import unicodedata

from .afternoon import Afternoon
from .instance import Instance
from .letters import COMPANY, PROVINCE, TYPED, answers, mail, number_in, reply, rows
from .mailbox import files_of, text_of
from .people import PEOPLE
from .verdict import Gpg
from .waiting import HouseError, wait_for

WIB = 7 * 3600  # office time, Asia/Jakarta
LETTER_LIMIT = 90  # seconds; a letter with a PDF takes about one, on a busy machine more
LIST = ("Daftar Peserta.csv", "text/csv", "no;nama;unit\n1;Pejabat Contoh 04;Aplikasi\n2;Pejabat Contoh 05;IKP\n".encode())


class Day:
    """The played day; rows is what the table shows."""

    def __init__(self, house, say=print):
        self.house, self.say = house, say
        self.rows, self.failed = [], 0
        self.logs = [house.log(n) for n in ("mtagw", "dovecot", "peer")]
        self.gpg = None
        self.tree = ""  # what lacak@ answered

    # ------------------------------------------------------------------ telling

    def step(self, who, what, play):
        """Plays one step; play returns a dict of number, state, seal, dkim (any may be absent)."""
        at = time.strftime("%H.%M.%S", time.gmtime(time.time() + WIB))
        try:
            told = play() or {}
            told.setdefault("state", "beres")
        except Exception as e:  # whatever a step dies of is told, and the day goes on
            self.failed += 1
            told = {"state": "GAGAL"}
            words = str(e) if isinstance(e, HouseError) else f"{type(e).__name__}: {e}"
            self.say(f"-- {who}: {what}: FAILED\n{textwrap.indent(words, '   ')}")
        self.rows.append((at, who, what, told.get("number", ""), told["state"], told.get("seal", ""), told.get("dkim", "")))
        if told["state"] != "GAGAL":
            self.say(f"-- {at} {who}: {what}")
        return told

    def table(self):
        """The day as text: columns as wide as they must be, `what` folded."""
        head = ("jam", "siapa", "apa", "nomor", "keadaan", "segel (gpg)", "DKIM (penerima luar)")
        what_max = 46
        lines = []
        for row in [head] + self.rows:
            folded = textwrap.wrap(row[2], what_max) or [""]
            lines.append((*row[:2], folded[0], *row[3:]))
            lines += [("", "", more, "", "", "", "") for more in folded[1:]]
        widths = [max(width(line[i]) for line in lines) for i in range(len(head))]
        text = ["  ".join(cell + " " * (w - width(cell)) for cell, w in zip(line, widths)).rstrip() for line in lines]
        text.insert(1, "  ".join("-" * w for w in widths))
        return "\n".join(text)

    def last_line(self):
        """What programs look for."""
        return f"day: {len(self.rows)} steps, {len(self.rows) - self.failed} ok, {self.failed} failed"

    # ------------------------------------------------------------------ helps of the steps

    def inbox_wait(self, login, want, what, folder="INBOX", limit=LETTER_LIMIT):
        """A message in a position's mailbox."""
        with self.house.mailbox(login) as box:
            return box.wait(want, what, folder, limit, self.logs)

    def confirmation(self, login, sent):
        """The confirmation of a letter: an answer to the mail with a number in it. Gives (message, number)."""
        message = self.inbox_wait(login, lambda m: answers(m, sent) and number_in(text_of(m)) and
                                  not (m["Subject"] or "").startswith("["), "confirmation with the number")
        return message, number_in(text_of(message))

    def at_peer(self, domain, number, limit=LETTER_LIMIT):
        """The letter of this number in an outside mailbox, with the verdicts demanded good."""
        about, message = self.house.peer.wait(
            domain, lambda a, b: number.encode() in b.replace(b"=\r\n", b""), f"letter {number}", limit, self.logs)
        return about, message, self.verdicts(about)

    @staticmethod
    def verdicts(about):
        """{seal, dkim} for the table; HouseError when one is not good."""
        seal, marks = about["openpgp"], about["dkim"]
        if seal["result"] != "good":
            raise HouseError(f"the peer's gpg says {seal['result']}: {seal}")
        if not all(seal["protected"].values()) or "subject" not in seal["protected"]:
            raise HouseError(f"protected header fields differ from the outer ones: {seal['protected']}")
        good = {m["algorithm"] for m in marks if m["result"] == "pass"}
        if not {"rsa-sha256", "ed25519-sha256"} <= good or any(m["result"] != "pass" for m in marks):
            raise HouseError(f"the peer's DKIM verdicts: {marks}")
        return {"seal": "baik", "dkim": "pass: rsa, ed25519"}

    def letter(self, number):
        """The letter's row of `mtagwctl letter list`."""
        for row in rows(self.house.ctl("letter", "list", json_out=True)):
            if row.get("number") == number:
                return row
        raise HouseError(f"mtagwctl letter list does not know {number}")

    # ------------------------------------------------------------------ the morning

    def play(self):
        """All steps in order."""
        told = self.step("kadis.diskominfo", "menulis surat biasa kepada PT Contoh Pelabuhan dan Dinas Kesehatan, "
                         "satu lampiran; konfirmasi bernomor diterima", self.write_letter)
        first = told.get("number")
        self.step("kadis.dinkes", "surat itu ada di kotak suratnya, lengkap dengan lampiran",
                  lambda: self.read_inside(self.need(first)))
        self.step("pelabuhan.example", "surat itu diterima di luar, tanda tangan diperiksa",
                  lambda: self.read_outside(self.need(first)))
        self.step("kabid-aplikasi.diskominfo", "mengirim pesan biasa kepada kabid-ikp", self.memo)
        told = self.step("kadis.diskominfo", "surel tanpa jenis ke provinsi: kembali sebagai pratinjau, belum terkirim",
                         self.preview)
        shown, sent = told.get("shown"), told.get("sent")
        self.step("kadis.diskominfo", "membalas pratinjau dengan OK: terkirim sebagai surat",
                  lambda: self.release(self.need(shown), sent))
        self.step("kabid-aplikasi.diskominfo", "mencoba menandatangani surat keluar: ditolak dengan aturannya",
                  self.refused)
        told = self.step("kadis.diskominfo", "menulis lagi ke PT Contoh Pelabuhan saat servernya mati: surat menunggu",
                         self.waiting)
        second = told.get("number")
        self.step("pelabuhan.example", "servernya hidup lagi: surat yang menunggu tiba",
                  lambda: self.goes(self.need(second)))
        Afternoon(self, first, second).play()

    @staticmethod
    def need(value):
        """What an earlier step should have given."""
        if not value:
            raise HouseError("not possible: the step before failed")
        return value

    def write_letter(self):
        """(a) A letter to a company and another agency."""
        sent = mail("kadis.diskominfo", [TYPED, COMPANY, ("Kepala Dinas Kesehatan", "kadis.dinkes@dumai.example")],
                    "Undangan Rapat Koordinasi Data Pelabuhan",
                    "Sehubungan dengan pembangunan pusat data pelabuhan, kami mengundang Saudara pada rapat koordinasi "
                    "hari Senin pukul 09.00 WIB di ruang rapat Dinas Komunikasi dan Informatika.\n\n"
                    "Daftar peserta kami lampirkan.\n\nDemikian kami sampaikan, atas perhatian Saudara diucapkan terima "
                    "kasih.\n", [LIST])
        self.house.submit("kadis.diskominfo", sent)
        _, number = self.confirmation("kadis.diskominfo", sent)
        return {"number": number, "state": self.letter(number)["state"]}

    def read_inside(self, number):
        """The same letter in the other agency's mailbox; the seal is checked with gpg here too."""
        message = self.inbox_wait("kadis.dinkes", lambda m: number in text_of(m), f"letter {number}")
        if LIST[0] not in files_of(message):
            raise HouseError(f"enclosure {LIST[0]} is missing; there are {sorted(files_of(message))}")
        verdict = self.gpg.check(message.raw)
        if verdict["result"] != "good":
            raise HouseError(f"gpg says {verdict['result']}: {verdict}")
        return {"number": number, "state": self.letter(number)["state"], "seal": "baik"}

    def read_outside(self, number):
        """The same letter at the company: text, PDF, enclosure, verdicts."""
        about, message, verdicts = self.at_peer("pelabuhan.example", number)
        files = files_of(email.message_from_bytes(message, policy=email.policy.default))
        if files.get(LIST[0]) != LIST[2]:
            raise HouseError(f"enclosure {LIST[0]} is not what was sent; there are {sorted(files)}")
        if not any(n.lower().endswith(".pdf") and d.startswith(b"%PDF-") for n, d in files.items()):
            raise HouseError(f"no PDF among {sorted(files)}")
        if not about["tls"]:
            raise HouseError("came without TLS though STARTTLS was offered")
        state = wait_for(lambda: (s := self.letter(number)["state"]) in ("delivered", "dispatched", "closed") and s,
                         f"letter {number} counts as delivered", 20, self.logs[:1])
        return {"number": number, "state": state, **verdicts}

    def memo(self):
        """(b) A pesan between two rooms."""
        sent = mail("kabid-aplikasi.diskominfo", ["kabid-ikp.diskominfo@dumai.example"], "Jadwal pemeliharaan server",
                    "Server diperbarui nanti sore pukul 16.00. Mohon diumumkan.\n")
        self.house.submit("kabid-aplikasi.diskominfo", sent)
        got = self.inbox_wait("kabid-ikp.diskominfo", lambda m: m["Subject"] == sent["Subject"], "the pesan")
        if got.get_content_type() == "multipart/signed":
            raise HouseError("a pesan came sealed like a letter")
        return {"state": "pesan", "number": "-"}

    def preview(self):
        """(c) Untyped mail to the outside comes back and nobody outside has it."""
        sent = mail("kadis.diskominfo", [PROVINCE], "Permohonan Data Menara Telekomunikasi",
                    "Mohon bantuan data menara telekomunikasi di wilayah Kota Dumai tahun berjalan.\n")
        self.house.submit("kadis.diskominfo", sent)
        shown = self.inbox_wait("kadis.diskominfo", lambda m: (m["Subject"] or "").startswith("[") and answers(m, sent),
                                "preview")
        if not email.utils.parseaddr(shown["Reply-To"] or "")[1].startswith("ttd+"):
            raise HouseError(f"the preview's Reply-To is {shown['Reply-To']!r}")
        if self.house.peer.messages("riau.example"):
            raise HouseError("the mail left before it was released")
        return {"state": "pratinjau", "shown": shown, "sent": sent}

    def release(self, shown, sent):
        """(c) OK sends it."""
        self.house.submit("kadis.diskominfo", reply("kadis.diskominfo", shown, "OK\n"))
        about, _ = self.house.peer.wait("riau.example", lambda a, b: a["openpgp"]["result"] != "none", "the released letter",
                                        LETTER_LIMIT, self.logs)
        wanted = next((r for r in rows(self.house.ctl("letter", "list", json_out=True))
                       if r.get("subject") == sent["Subject"]), None)
        if not wanted or not wanted.get("number"):
            raise HouseError("mtagwctl letter list does not show the released letter with a number")
        return {"number": wanted["number"], "state": wanted["state"], **self.verdicts(about)}

    def refused(self):
        """(d) Someone without the authority gets a notice that names the rule; the letter stays a draft."""
        sent = mail("kabid-aplikasi.diskominfo", [TYPED, COMPANY], "Penawaran Kerja Sama Aplikasi",
                    "Kami menawarkan kerja sama pengembangan aplikasi pelabuhan.\n")
        self.house.submit("kabid-aplikasi.diskominfo", sent)
        notice = self.inbox_wait("kabid-aplikasi.diskominfo", lambda m: answers(m, sent), "notice of the refusal")
        drafts = [r for r in rows(self.house.ctl("letter", "list", json_out=True)) if r.get("subject") == sent["Subject"]]
        if [r["state"] for r in drafts] != ["draft"]:
            raise HouseError(f"the letter should be one draft: {drafts}")
        steps = rows(self.house.ctl("exchange", "list", "--letter", str(drafts[0]["id"]), json_out=True))
        rules = {s.get("rule") for s in steps} - {None, ""}
        if not any(rule in text_of(notice) for rule in rules):
            raise HouseError(f"the notice names none of the rules {sorted(rules)}:\n{text_of(notice)}")
        if any(sent["Subject"].encode() in m for _, _, m in self.house.peer.messages("pelabuhan.example")):
            raise HouseError("the refused letter left all the same")
        return {"state": "draft", "number": "-"}

    def waiting(self):
        """(e) The company's server is down: the letter is numbered and waits."""
        self.house.peer.order("pelabuhan.example down")
        sent = mail("kadis.diskominfo", [TYPED, COMPANY], "Perubahan Jadwal Rapat Koordinasi",
                    "Rapat koordinasi diundur ke hari Selasa pukul 13.30 WIB.\n")
        self.house.submit("kadis.diskominfo", sent)
        _, number = self.confirmation("kadis.diskominfo", sent)

        def tried():
            return [r for r in rows(self.house.ctl("queue", "list", json_out=True))
                    if "pelabuhan.example" in str(r) and int(r.get("tries", r.get("attempts", 0)) or 0) > 0]
        wait_for(tried, "the letter waits in the queue with a try behind it", 60, self.logs[:1])
        return {"number": number, "state": "menunggu"}

    def goes(self, number):
        """(e) The server is back: it arrives."""
        self.house.peer.order("pelabuhan.example up")
        _, _, verdicts = self.at_peer("pelabuhan.example", number)
        return {"number": number, "state": self.letter(number)["state"], **verdicts}


def width(text):
    """Columns a text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def client_settings(house):
    """What one types into a mail client."""
    p = house.ports
    lines = [
        "Settings for a mail client (user name = whole address, password below):",
        f"  IMAP  localhost  port {p['imaps']} SSL/TLS   or {p['imap']} STARTTLS",
        f"  SMTP  localhost  port {p['submissions']} SSL/TLS   or {p['submission']} STARTTLS, normal password",
        f"  trust this CA file: {house.certs['ca']}",
        f"  mail from outside:  localhost port {p['mx']} (no login)",
        f"  mtagwctl:           {house.libexec}/mtagwctl -c {house.conf} status",
        "",
    ]
    lines += [f"  {person.address:<42} {house.passwords.get(person.address, ''):<14} {person.what}" for person in PEOPLE]
    return "\n".join(lines)


def watch(house):
    """Stays until a signal or until a part of the house ends by itself. Returns that part's words, '' for the signal."""
    while True:
        for name in ("postgres", "dovecot", "peer", "mtagw"):
            words = house.processes.alive_check(name)()
            if words:
                return words
        time.sleep(0.5)


def on_signal(*_):
    """TERM ends as Ctrl-C does."""
    raise KeyboardInterrupt


def main():
    """The command."""
    p = argparse.ArgumentParser(prog="day", description=__doc__.splitlines()[0])
    p.add_argument("--once", action="store_true", help="end with the day's result instead of staying up")
    p.add_argument("--build", help="folder of the built programs (default: build)")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)  # a shell starts what runs in its background deaf to it
    sys.stdout.reconfigure(line_buffering=True)
    house = Instance("instance", build=args.build, preferred_ports=True)
    try:
        return play(house, args.once)
    except KeyboardInterrupt:
        print("\nending")
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
        house.stop()


def play(house, once):
    """Starts, plays, tells; stays unless once."""
    day = Day(house)
    opened = day.step("rumah", "PostgreSQL, Dovecot, mtagw dan dunia luar berdiri",
                      lambda: {"state": "berdiri", "house": house.start()})
    if "house" in opened:
        home = tempfile.mkdtemp(prefix="gpg-", dir=house.runtime)
        day.gpg = Gpg(home, os.path.join(house.peer.folder, "keys"))
        day.play()
        shutil.rmtree(home, ignore_errors=True)
        print("\n" + day.table() + "\n\n" + day.tree + "\n\n" + client_settings(house) + "\n")
    if once or "house" not in opened:
        house.stop()
        print(day.last_line())
        return 1 if day.failed else 0
    print(("not separated: all parts run as this user\n" if not house.root else "") +
          "the house stays up; Ctrl-C ends it\n" + day.last_line())
    words = watch(house)
    print(f"ending: {words}; see {house.logs}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
