"""The afternoon of the played day: answers come home, the clerk settles a list, the head gives an order on what came in."""

import email
import email.policy
import email.utils
import re

from .letters import mail, reply, rows
from .mailbox import files_of, lines_of
from .waiting import HouseError, wait_for

HEAD, CLERK = "kadis.diskominfo", "kasubbag-umum.diskominfo"
APLIKASI, IKP, EOFFICE = "kabid-aplikasi.diskominfo", "kabid-ikp.diskominfo", "kasi-eoffice.diskominfo"
REGISTRY = "surat.diskominfo@dumai.example"
COMPANY = "humas@pelabuhan.example"
WAITING = "Belum Diagendakan"
ANSWER, COMPLAINT, PROMO = "Kesediaan rapat", "Keluhan jaringan internet kelurahan", "PROMO hosting murah"


class Afternoon:
    """Steps on the day's house; what one finds out the next ones use."""

    def __init__(self, day, first, second):
        self.day, self.house, self.first, self.second = day, day.house, first, second
        self.shown = {}

    def play(self):
        """All steps in order."""
        step = self.day.step
        step(COMPANY, "menjawab dari telepon, di atas dan tanpa kutipan: jawaban menemukan suratnya", self.answer)
        step("warga.example", "seorang warga menulis; juga datang iklan dari orang tak dikenal: menunggu, belum bernomor",
             self.strangers)
        step("mx.pelabuhan.example", "pantulan terlambat untuk surat kedua: surat itu dibuka kembali", self.bounce)
        step(CLERK, "menyelesaikan daftar dengan satu balasan: warga dicatat, iklan tidak", self.settle)
        step(HEAD, "membalas \"OK nanti saya baca\": ditanya kembali, tidak ada yang dilakukan", self.unclear)
        step(HEAD, "program cutinya menjawab: tidak ada yang terjadi", self.vacation)
        step(HEAD, "memberi disposisi kepada dua bidang", self.order)
        step(APLIKASI, "meneruskan kepada Kasi E-Office", self.pass_on)
        step(EOFFICE, "melapor dengan lampiran dan menutup tugasnya", self.report)
        step(IKP, "menolak dengan alasan; kadis menggantinya dengan sekretaris", self.decline)
        step(APLIKASI, "selesai; sekretaris selesai; surat ditutup ke atas", self.close)
        step(HEAD, "bertanya lacak@: riwayat disposisi lengkap", self.trace)

    # ------------------------------------------------------------------ helps

    def see(self, login, want, what, folder="INBOX"):
        """A message in a mailbox, not one that was seen before."""
        return self.day.inbox_wait(login, want, what, folder)

    def send(self, login, shown, text, files=()):
        """A person's reply to what was shown."""
        sent = mail(login, [shown["Reply-To"]], "Re: " + shown["Subject"], text, files, in_reply_to=shown["Message-ID"])
        self.house.submit(login, sent)
        return sent

    def agenda(self, subject):
        """Agenda numbers of incoming letters with this subject."""
        return [r["n"] for r in rows(self.house.ctl("agenda", "list", json_out=True))
                if r["subject"] == subject and r["direction"] == "incoming"]

    def row(self, subject):
        """The letter of this subject."""
        found = [r for r in rows(self.house.ctl("letter", "list", json_out=True)) if r["subject"] == subject]
        if not found:
            raise HouseError(f"mtagwctl letter list does not know \"{subject}\"")
        return found[0]

    def await_state(self, subject, state):
        """The letter once it has this state."""
        return wait_for(lambda: self.row(subject)["state"] == state and self.row(subject), f"\"{subject}\" {state}", 60,
                        self.day.logs[:1])

    def presented(self, subject):
        """What the head got."""
        return self.see(HEAD, lambda m: (m["Subject"] or "").startswith("[Surat masuk ") and subject in m["Subject"],
                        f"\"{subject}\" laid before the head")

    # ------------------------------------------------------------------ what comes in

    def answer(self):
        """The company's plain reply finds its letter."""
        number = self.day.need(self.first)
        _, raw, _ = self.day.at_peer("pelabuhan.example", number)
        got = email.message_from_bytes(raw, policy=email.policy.default)
        to = email.utils.parseaddr(got["Reply-To"])[1]
        m = mail(f"PT Contoh Pelabuhan <{COMPANY}>", [to], ANSWER, "Siap, kami hadir dua orang.\n\nDikirim dari iPhone saya\n",
                 in_reply_to=got["Message-ID"])
        self.house.outside.send(COMPANY, [to], m)
        shown = self.presented(ANSWER)
        if f"Menjawab surat kita nomor {number}" not in lines_of(shown):
            raise HouseError(f"the cover does not name the letter it answers:\n{lines_of(shown)}")
        self.shown["answer"] = shown
        self.house.peer.wait("pelabuhan.example", lambda a, b: a["mail_from"] == "<>" and b"Diterima" in b, "the receipt", 60,
                             self.day.logs)
        thread = self.house.ctl("letter", "show", number, json_out=True)["thread"]
        if not any(r["subject"] == ANSWER for r in thread):
            raise HouseError(f"letter show {number} does not tell the answer: {thread}")
        return {"number": f"agenda {self.agenda(ANSWER)[0]}", "state": self.day.letter(number)["state"]}

    def strangers(self):
        """A citizen and a spammer wait for the clerk."""
        self.house.outside.send("siti@warga.example", [REGISTRY], mail(
            "Siti <siti@warga.example>", [REGISTRY], COMPLAINT, "Internet di kelurahan kami putus sejak Senin.\n"))
        self.house.from_outside("promo@hosting.example", [REGISTRY], mail(
            "Hosting <promo@hosting.example>", [REGISTRY], PROMO, "Diskon 90%!\n"))
        self.shown["list"] = self.see(CLERK, lambda m: (m["Subject"] or "").startswith("Belum diagendakan") and COMPLAINT in lines_of(m) and PROMO in lines_of(m), "the list",
                                    WAITING)
        if self.agenda(COMPLAINT) or self.agenda(PROMO):
            raise HouseError("a stranger's mail got an agenda number by itself")
        return {"number": "-", "state": "menunggu"}

    def bounce(self):
        """A late report reopens the letter."""
        number = self.day.need(self.second)
        about, _, _ = self.day.at_peer("pelabuhan.example", number)
        path = about["mail_from"].strip("<>")
        report = "\r\n".join((
            "From: MAILER-DAEMON@mx.pelabuhan.example", f"To: {path}", "Subject: Undelivered Mail Returned to Sender",
            f"Date: {email.utils.formatdate()}", "Message-ID: <pantulan@mx.pelabuhan.example>", "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b", "",
            "--b", "Content-Type: text/plain", "", "Kotak surat penuh.", "",
            "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.pelabuhan.example", "",
            f"Final-Recipient: rfc822; {COMPANY}", "Action: failed", "Status: 5.2.2",
            "Diagnostic-Code: smtp; 552 5.2.2 mailbox full", "", "--b--", ""))
        self.house.from_outside("", [path], report.encode())
        self.see(CLERK, lambda m: (m["Subject"] or "").startswith("Tidak sampai") and number in lines_of(m), "the bounce")
        state = wait_for(lambda: (s := self.day.letter(number)["state"]) == "failed" and s, "the letter failed", 60)
        return {"number": number, "state": state}

    def settle(self):
        """One reply for many."""
        text = lines_of(self.shown["list"])

        def number(subject):
            return re.search(rf"^(\d+)\. .*\n(?:   .*\n)*?   Hal: {re.escape(subject)}$", text, re.M).group(1)
        self.house.submit(CLERK, reply(CLERK, self.shown["list"], f"{number(COMPLAINT)} OK\n{number(PROMO)} BUKAN SURAT\n"))
        self.shown["complaint"] = self.presented(COMPLAINT)
        self.await_state(PROMO, "noise")
        if self.agenda(PROMO):
            raise HouseError("the spam got an agenda number")
        return {"number": f"agenda {self.agenda(COMPLAINT)[0]}", "state": self.row(COMPLAINT)["state"]}

    # ------------------------------------------------------------------ what is not an order

    def unclear(self):
        """A sentence is no order."""
        self.send(HEAD, self.shown["answer"], "OK nanti saya baca\n")
        self.see(HEAD, lambda m: "OK nanti saya baca" in lines_of(m) and "Jawaban belum jelas" in (m["Subject"] or ""),
                 "the question")
        return {"state": "ditanya", "number": "-"}

    def vacation(self):
        """A program's answer is no order and gets no answer."""
        shown = self.shown["answer"]
        m = mail(HEAD, [shown["Reply-To"]], "Di luar kantor: " + shown["Subject"], "1 TL besok\n", in_reply_to=shown["Message-ID"])
        m["Auto-Submitted"] = "auto-replied"
        self.house.submit(HEAD, m)
        wait_for(lambda: any(x["event"] == "PromptAnswered" and x["outcome"] == "ignored"
                             for x in rows(self.house.ctl("exchange", "list", json_out=True))), "the trail tells it", 60)
        if self.row(ANSWER)["state"] != "presented":
            raise HouseError("the vacation answer did something")
        return {"state": "diabaikan", "number": "-"}

    # ------------------------------------------------------------------ the order

    def ordered(self, login, subject):
        """The order as its recipient reads it."""
        return self.see(login, lambda m: (m["Subject"] or "").startswith("[LAPOR]") and subject in m["Subject"], "the order")

    def order(self):
        """A head block to two divisions."""
        self.send(HEAD, self.shown["complaint"],
                  "Kepada: kabid aplikasi, kabid ikp\nHarap: tindak lanjuti\nBatas: besok\nCatatan: hubungi warganya.\n")
        for login in (APLIKASI, IKP):
            self.shown[login] = self.ordered(login, COMPLAINT)
        text = lines_of(self.shown[APLIKASI])
        if "hubungi warganya." not in text:
            raise HouseError(f"the order lacks its note:\n{text}")
        self.shown["given"] = self.see(HEAD, lambda m: (m["Subject"] or "").startswith("Disposisi dikirim"), "the confirmation")
        return {"number": f"agenda {self.agenda(COMPLAINT)[0]}", "state": self.row(COMPLAINT)["state"]}

    def pass_on(self):
        """Numbers from the prompt."""
        self.send(APLIKASI, self.shown[APLIKASI], "Kepada: kasi e-office\nHarap: tindak lanjuti\nBatas: besok\n")
        self.shown[EOFFICE] = self.ordered(EOFFICE, COMPLAINT)
        return {"state": "diteruskan", "number": "-"}

    def report(self):
        """A report with an enclosure, and the end of the task."""
        self.send(EOFFICE, self.shown[EOFFICE], "SELESAI\nJaringan sudah diperbaiki, berita acara terlampir.\n",
                  [("Berita Acara.csv", "text/csv", b"tanggal;hasil\n25-11-2026;pulih\n")])
        got = self.see(APLIKASI, lambda m: "sudah diperbaiki" in lines_of(m), "the report")
        if not any("Berita Acara.csv" in str(f) for f in files_of(got)):
            raise HouseError(f"the report lacks its enclosure: {files_of(got)}")
        return {"state": "dilaporkan", "number": "-"}

    def decline(self):
        """One declines, the head replaces him."""
        self.send(IKP, self.shown[IKP], "TOLAK: bukan tugas bidang kami\n")
        told = self.see(HEAD, lambda m: "bukan tugas bidang kami" in lines_of(m) and "Ditolak" in (m["Subject"] or ""),
                        "the decline")
        self.send(HEAD, told if told["Reply-To"] else self.shown["complaint"],
                  "Kepada: sekretaris\nHarap: tindak lanjuti\nBatas: besok\n")
        self.shown["sekretaris"] = self.ordered("sekretaris.diskominfo", COMPLAINT)
        return {"state": "diganti", "number": "-"}

    def close(self):
        """SELESAI closes upward."""
        self.send(APLIKASI, self.shown[APLIKASI], "SELESAI\n")
        self.send("sekretaris.diskominfo", self.shown["sekretaris"], "SELESAI\nWarga sudah dihubungi.\n")
        self.see(HEAD, lambda m: "Dengan itu surat ini selesai" in lines_of(m) and COMPLAINT in m["Subject"], "the end")
        return {"number": f"agenda {self.agenda(COMPLAINT)[0]}", "state": self.await_state(COMPLAINT, "done")["state"]}

    def trace(self):
        """The tree."""
        n = self.agenda(COMPLAINT)[0]
        self.house.submit(HEAD, mail(HEAD, ["lacak@dumai.example"], f"agenda {n}", "\n"))
        got = self.see(HEAD, lambda m: (m["Subject"] or "").startswith("Riwayat") and COMPLAINT in m["Subject"], "the tree")
        for words in ("Kepala Seksi Pengelolaan E-Office", "bukan tugas bidang kami"):
            if words not in lines_of(got):
                raise HouseError(f"the tree lacks \"{words}\":\n{lines_of(got)}")
        self.day.tree = lines_of(got).strip()
        return {"number": f"agenda {n}", "state": "lengkap"}
