"""A presented letter is ordered on by replies from a phone; everybody sees what became of it; bad input changes nothing."""

import email.utils
import re
import time
from email.message import EmailMessage

import pytest

from contrib.house.letters import answers, mail, reply, rows
from contrib.house.mailbox import files_of, text_of
from contrib.house.waiting import wait_for

HEAD, CLERK, IKP, APP, STAFF = ("kadis.diskominfo", "kasubbag-umum.diskominfo", "kabid-ikp.diskominfo",
                                "kabid-aplikasi.diskominfo", "kasi-eoffice.diskominfo")
SECRETARY = "sekretaris.diskominfo"
COMPANY = "direktur@pelabuhan.example"  # not who test_intake writes as: a correspondent gets ten receipts a day
REGISTRY = "surat.diskominfo@dumai.example"


def arrived(office, words="Permohonan"):
    """A letter from a known company, numbered by itself: the mail that lays it before the head, with its subject."""
    subject = office.subject(words)
    m = EmailMessage()
    m["From"], m["To"], m["Subject"] = f"PT Contoh Pelabuhan <{COMPANY}>", REGISTRY, subject
    m.set_content(f"Nomor: {subject.split()[-1]}/CP/XI/2026\nTanggal: 20-11-2026\n\nMohon data titik akses.\n")
    m.add_attachment(b"%PDF-1.4 contoh", maintype="application", subtype="pdf", filename="lampiran.pdf")
    office.house.outside.send(COMPANY, [REGISTRY], m)
    return laid(office, subject)


def laid(office, subject):
    """The presented letter; .about is its subject."""
    shown = office.see(HEAD, lambda m: subject in (m["Subject"] or "") and
                       (m["Reply-To"] or "").startswith("disposisi+"), "the presented letter")
    shown.about = subject
    return shown


def say(office, login, shown, text, **kw):
    """Replies to what was shown; returns the mail."""
    sent = reply(login, shown, text)
    for name, data in kw.get("files", {}).items():
        sent.add_attachment(data, maintype="application", subtype="pdf", filename=name)
    office.house.submit(login, sent)
    return sent


def told(office, login, words, about, what=None):
    """A mail whose subject begins with these words, on this letter."""
    return office.see(login, lambda m: (m["Subject"] or "").startswith(words) and about in m["Subject"],
                      what or f"{words} to {login}")


def answered(office, login, sent):
    """What the gateway said to a mail."""
    return office.see(login, lambda m: answers(m, sent) and m["Message-ID"] != sent["Message-ID"] and
                      sent["Message-ID"] in (m["In-Reply-To"] or ""), "the answer")


def orders(office, about):
    """Rows of the letter's orders: {to: row} in order of time."""
    return [r for r in rows(office.ctl("disposition", "list", "--limit", "1000")) if r["subject"] == about]


def states(office, about):
    """{position: state}"""
    return {r["to"]: r["state"] for r in orders(office, about)}


def until(office, about, wanted):
    """Waits until the orders are as wanted."""
    wait_for(lambda: states(office, about) == wanted, f"orders {wanted}", 90, office.logs[:1])


def flat(message):
    """What it says, whatever lines were wrapped."""
    return " ".join(text_of(message).split())


def action_of(message):
    """Action of a delivery status report (RFC 3464)."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            return part.get_payload()[1]["Action"]
    return None


def sql(office, text):
    """Runs SQL, where only time could change what is there."""
    return office.house.postgres.sql(text, "mtagw")


def tree(office, about):
    """What the administrator sees."""
    letter = office.letter(about)
    return office.house.ctl("disposition", "show", str(letter["id"])).stdout


def test_head_block_to_two_passed_on_reported_declined_replaced_closed(office):
    shown = arrived(office)
    about = shown.about
    sent = say(office, HEAD, shown, "Kepada: kabid ikp, kabid aplikasi\nHarap: tindak lanjuti, koordinasi\nBatas: 3 hari\n"
                                    "Catatan: siapkan bahan rapat\n\nDikirim dari iPhone saya\n")
    given = answered(office, HEAD, sent)
    text = text_of(given)
    assert "Kepala Bidang Informasi dan Komunikasi Publik" in text and "Kepala Bidang Aplikasi E-Government" in text
    assert "Tindak lanjuti; Koordinasikan" in text and "siapkan bahan rapat" in text and "iPhone" not in text
    assert re.search(r"Batas   : \w+, \d+ \w+ 20\d\d pukul 23\.59", text), text
    until(office, about, {IKP: "sent", APP: "sent"})
    assert office.letter(about)["state"] == "disposed"

    order = told(office, APP, "[LAPOR]", about)
    text = text_of(order)
    assert "Kepala Dinas Komunikasi dan Informatika memberi Saudara disposisi" in text
    assert f"{shown.about.split()[-1]}/CP/XI/2026" in text and "1. Kepala Seksi Pengelolaan E-Office" in text and "SELESAI" in text
    html = order.get_body(preferencelist=("html",)).get_content()
    assert "siapkan bahan rapat" in html and "http:" not in html
    original = [p for p in order.walk() if p.get_content_type() == "message/rfc822"]
    assert len(original) == 1 and original[0].get_payload(0)["Subject"] == about
    assert email.utils.parseaddr(order["To"])[1] == f"{APP}@dumai.example" and order["Cc"] is None
    other = told(office, IKP, "[LAPOR]", about)
    assert other["Reply-To"] != order["Reply-To"]
    shared = set(order["References"].split()) & set(other["References"].split())
    assert shared, "clients thread them"

    # the division passes it on by number, its section reports with an enclosure
    sent = say(office, APP, order, "1 TL besok\n")
    assert "Kepala Seksi Pengelolaan E-Office" in text_of(answered(office, APP, sent))
    below = told(office, STAFF, "[LAPOR]", about)
    assert "Kepala Bidang Aplikasi E-Government memberi" in text_of(below)
    assert "Kepala Bidang Aplikasi E-Government: diteruskan" in text_of(below), "the trail so far"
    assert office.letter(about)["state"] == "in_progress"
    say(office, STAFF, below, "Data sudah dikumpulkan, terlampir.\n", files={"data.pdf": b"%PDF-1.4 laporan"})
    report = told(office, APP, "Laporan Kepala Seksi", about)
    assert "Data sudah dikumpulkan" in text_of(report)
    assert files_of(report)["data.pdf"] == b"%PDF-1.4 laporan"
    until(office, about, {IKP: "sent", APP: "passed_on", STAFF: "reported"})

    # the other declines and is replaced on the same prompt
    say(office, IKP, other, "TOLAK: bukan tugas bidang kami\n")
    declined = told(office, HEAD, "[DISPOSISI] Ditolak", about)
    assert "bukan tugas bidang kami" in text_of(declined)
    say(office, HEAD, declined, "Kepada: sekretaris\nHarap: selesaikan\n")
    third = told(office, SECRETARY, "[LAPOR]", about)

    # SELESAI closes upward: section, division, secretary, letter
    say(office, STAFF, below, "SELESAI\nSudah tuntas.\n")
    done = told(office, APP, "Selesai", about)
    assert "Sudah tuntas." in text_of(done) and "Balas SELESAI untuk menutup tugas Saudara" in flat(done)
    say(office, APP, done, "SELESAI\n")
    told(office, HEAD, "Selesai, Kepala Bidang Aplikasi", about)
    assert office.letter(about)["state"] == "in_progress"
    say(office, SECRETARY, third, "selesai\n")
    last = told(office, HEAD, "Selesai, Sekretaris", about)
    assert "Dengan itu surat ini selesai." in text_of(last)
    assert office.letter(about, "done")
    told(office, CLERK, "Surat selesai", about)

    shown_tree = tree(office, about)
    for words in ("Kepala Bidang Aplikasi E-Government: selesai", "ditolak", "bukan tugas bidang kami", "Laporan",
                  "(1 berkas)", "Laporan akhir", "Sekretaris Dinas Komunikasi dan Informatika: selesai"):
        assert words in shown_tree, shown_tree
    assert re.search(r"  - Kepala Seksi Pengelolaan E-Office: selesai \d+ \w+ 20\d\d \d\d\.\d\d", shown_tree), shown_tree
    events = [x["event"] for x in office.exchanges(office.letter(about))]
    for event in ("DispositionGiven", "DispositionPassedOn", "DispositionReported", "DispositionDeclined", "DispositionDone",
                  "LetterDone"):
        assert event in events


def test_numbers_give_orders_and_information_needs_no_answer(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n4 UDK\n")
    told(office, IKP, "[LAPOR]", shown.about)
    know = told(office, APP, "[DISPOSISI] Untuk diketahui", shown.about)
    assert "SELESAI" not in text_of(know)
    until(office, shown.about, {IKP: "sent", APP: "sent"})
    say(office, IKP, told(office, IKP, "[LAPOR]", shown.about), "SELESAI\n")
    assert office.letter(shown.about, "done"), "what is for information holds nothing up"


@pytest.mark.parametrize("text,words", [
    ("Kepada: kabid ikpp, kabid aplikasi\nHarap: TL\n", '"kabid ikpp" bukan nama jabatan'),
    ("Kepada: sekda\nHarap: TL\n", "DSP-02"),
    ("Kepada: kadis.dinkes, kabid ikp\nHarap: TL\n", "DSP-04"),
    ("Kepada: kasi e-office\nHarap: TL\n", "bukan"),
    ("Kepada: kabid ikp\nHarap: abrakadabra\n", "bukan pilihan"),
    ("Kepada: kabid ikp\nHarap: TL\nBatas: kemarin\n", "Batas"),
    ("Kepada: kabid ikp\n", "Apa yang diharapkan"),
    ("9 TL besok\n", "Nomor 9"),
    ("OK nanti saya baca\n", "Belum ada yang dilakukan"),
    ("OK\n", "Belum ada yang dilakukan"),
])
def test_one_problem_and_nothing_is_ordered(office, text, words):
    shown = arrived(office)
    sent = say(office, HEAD, shown, text)
    said = answered(office, HEAD, sent)
    assert words in text_of(said), text_of(said)
    assert orders(office, shown.about) == []
    # the question can be answered in its turn
    say(office, HEAD, said, "2 TL\n")
    until(office, shown.about, {IKP: "sent"})


def test_suggestions_are_given_and_not_taken(office):
    shown = arrived(office)
    said = text_of(answered(office, HEAD, say(office, HEAD, shown, "Kepada: kabid aplikas\nHarap: TL\n")))
    assert "Mungkin maksud Saudara: Kepala Bidang Aplikasi E-Government" in said.replace("\n", " ")
    assert orders(office, shown.about) == []


def test_twice_over_a_bad_line_is_done_once(office):
    shown = arrived(office)
    first = reply(HEAD, shown, "2 TL besok\n")
    office.house.submit(HEAD, first)
    answered(office, HEAD, first)
    office.house.submit(HEAD, first)  # the same mail: its 250 was lost
    again = say(office, HEAD, shown, "2 TL besok\n")  # the phone wrote a new one
    said = text_of(answered(office, HEAD, again))
    assert re.search(r"sudah dicatat pukul \d\d\.\d\d", said), said
    assert len(orders(office, shown.about)) == 1
    order = told(office, IKP, "[LAPOR]", shown.about)
    for n in range(2):
        sent = say(office, IKP, order, "Sedang kami kerjakan.\n")
        said = text_of(answered(office, IKP, sent))
        assert ("sudah dicatat pukul" in said) == (n == 1), said
    with office.house.mailbox(HEAD) as box:
        assert sum("Laporan" in (m["Subject"] or "") and shown.about in m["Subject"] for _, m in box.messages()) == 1


def test_batal_takes_it_back_while_nobody_acted(office):
    shown = arrived(office)
    given = answered(office, HEAD, say(office, HEAD, shown, "2,4 TL besok\n"))
    order = told(office, IKP, "[LAPOR]", shown.about)
    answered(office, HEAD, say(office, HEAD, given, "BATAL\n"))
    until(office, shown.about, {IKP: "recalled", APP: "recalled"})
    assert office.letter(shown.about)["state"] == "presented"
    told(office, IKP, "Disposisi dibatalkan", shown.about)
    told(office, APP, "Disposisi dibatalkan", shown.about)
    # a reply to a recalled order
    said = text_of(answered(office, IKP, say(office, IKP, order, "SELESAI\n")))
    assert "sudah dibatalkan oleh Kepala Dinas" in said
    assert states(office, shown.about)[IKP] == "recalled"
    # the same order is a new one then
    say(office, HEAD, shown, "2 TL besok\n")
    wait_for(lambda: [r["state"] for r in orders(office, shown.about) if r["to"] == IKP] == ["recalled", "sent"],
             "the order given anew", 60)


def test_batal_is_refused_once_somebody_acted(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    say(office, IKP, told(office, IKP, "[LAPOR]", shown.about), "Sudah kami mulai.\n")
    told(office, HEAD, "Laporan", shown.about)
    said = text_of(answered(office, HEAD, say(office, HEAD, shown, "BATAL\n")))
    assert "sudah dijawab oleh Kepala Bidang Informasi" in said.replace("\n", " ")
    assert states(office, shown.about) == {IKP: "reported"}


def test_wrong_account_and_strangers_token_do_nothing(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    order = told(office, IKP, "[LAPOR]", shown.about)
    sent = say(office, APP, order, "SELESAI\n")
    answered(office, APP, sent)
    assert states(office, shown.about) == {IKP: "sent"}
    local, _, domain = email.utils.parseaddr(order["Reply-To"])[1].partition("@")
    forged = local[:-1] + ("a" if local[-1] != "a" else "b")
    sent = mail(IKP, [f"{forged}@{domain}"], f"Re: {shown.about}", "SELESAI\n")
    office.house.submit(IKP, sent)
    answered(office, IKP, sent)
    assert states(office, shown.about) == {IKP: "sent"}


def test_token_of_last_year_is_refused(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    order = told(office, IKP, "[LAPOR]", shown.about)
    sql(office, f"update office.token set expires_at = {int(time.time() * 1000) - 86400000} where id in (select token "
                "from office.disposition d join office.letter l on l.id = d.letter_id "
                f"where l.subject = '{shown.about}')")
    said = text_of(answered(office, IKP, say(office, IKP, order, "SELESAI\n")))
    assert "lewat waktu" in said
    assert states(office, shown.about) == {IKP: "sent"}


def test_vacation_mail_to_an_action_address_does_nothing(office):
    shown = arrived(office)
    vacation = reply(HEAD, shown, "2 TL besok\n\nSaya sedang cuti.\n")
    vacation["Auto-Submitted"] = "auto-replied"
    office.house.submit(HEAD, vacation)
    say(office, HEAD, shown, "4 TL besok\n")
    until(office, shown.about, {APP: "sent"})


def test_reply_to_all_of_forty_orders_nobody(office):
    shown = arrived(office)
    sent = reply(HEAD, shown, "2 TL besok\n")
    sent["Cc"] = ", ".join(f"orang{n}@luar.example" for n in range(40))
    office.house.submit(HEAD, sent)
    said = text_of(answered(office, HEAD, sent))
    assert "juga dialamatkan kepada pihak lain" in said.replace("\n", " ")
    assert orders(office, shown.about) == [] and office.outside_count(shown.about, "*") == 0


def forward(shown, to, text, prompt=True):
    """The head forwards the presented letter from a phone: its quoted header reads like head lines."""
    quoted = (f"{text}\n---------- Pesan terusan ----------\nDari: E-Office Kota Dumai <{REGISTRY}>\n"
              f"Tanggal: Sel, 24 Nov 2026 pukul 08.00\nSubjek: {shown['Subject']}\n"
              f"Kepada: Kepala Bidang Aplikasi E-Government <{APP}@dumai.example>\n\nHarap: TL\nIsi surat.\n")
    m = mail(HEAD, [*([shown["Reply-To"]] if prompt else []), *to], "Fwd: " + shown["Subject"], quoted,
             in_reply_to=shown["Message-ID"])
    if shown["References"]:
        m.replace_header("References", f"{shown['References']} {shown['Message-ID']}")
    return m


def test_empty_forward_is_asked_back(office):
    shown = arrived(office)
    for to, prompt in ((), True), ((f"{IKP}@dumai.example",), True), ((f"{IKP}@dumai.example",), False):
        sent = forward(shown, to, "", prompt)
        office.house.submit(HEAD, sent)
        answered(office, HEAD, sent)
    assert orders(office, shown.about) == []


@pytest.mark.parametrize("prompt", [True, False])
def test_forward_with_words_orders_its_recipients(office, prompt):
    shown = arrived(office)
    office.house.submit(HEAD, forward(shown, [f"{IKP}@dumai.example"], "TL ya, libatkan media.\n", prompt))
    until(office, shown.about, {IKP: "sent"})
    order = told(office, IKP, "[LAPOR]", shown.about)
    assert "libatkan media" in text_of(order)
    # and so does the division's forward of the order
    sent = mail(IKP, [f"{STAFF}@dumai.example"], "Fwd: " + order["Subject"], "FYI\n", in_reply_to=order["Message-ID"])
    office.house.submit(IKP, sent)  # nobody of his own: an ordinary mail
    office.see(STAFF, lambda m: m["Message-ID"] == sent["Message-ID"], "the ordinary mail")
    assert states(office, shown.about) == {IKP: "sent"}


def test_forward_to_a_superior_is_an_ordinary_mail(office):
    shown = arrived(office)
    sent = forward(shown, ["sekda@dumai.example"], "Mohon arahan.\n", False)
    office.house.submit(HEAD, sent)
    office.see("sekda", lambda m: m["Message-ID"] == sent["Message-ID"], "the ordinary mail")
    assert orders(office, shown.about) == []


def test_explain_tells_why_an_order_was_refused(office):
    shown = arrived(office)
    sent = say(office, HEAD, shown, "Kepada: sekda\nHarap: TL\n")
    said = flat(answered(office, HEAD, sent))
    assert "Disposisi tidak dapat diberikan ke atas" in said and "DSP-02" in said
    message = next(x["message"] for x in office.exchanges(office.letter(shown.about)) if x["rule"] == "disposisi-ke-atasan")
    text = office.house.ctl("policy", "explain", str(message)).stdout
    assert "disposisi-ke-atasan" in text and "DSP-02" in text, text


def test_report_that_begins_like_a_command_is_asked_back(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    order = told(office, IKP, "[LAPOR]", shown.about)
    for text in ("OK nanti saya baca\n", "TOLAK\n", "Kepada: kadis\nHarap: TL\n"):
        answered(office, IKP, say(office, IKP, order, text))
    assert states(office, shown.about) == {IKP: "sent"}


def test_numbered_list_is_a_report(office):
    shown = arrived(office)
    say(office, HEAD, shown, "4 TL besok\n")
    order = told(office, APP, "[LAPOR]", shown.about)
    say(office, APP, order, "1. Rapat sudah dilaksanakan\n2. Notulen menyusul\n")
    assert "2. Notulen menyusul" in text_of(told(office, HEAD, "Laporan", shown.about))
    assert states(office, shown.about) == {APP: "reported"}


def test_an_order_that_nobody_gets_is_told_to_its_giver(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    order = told(office, IKP, "[LAPOR]", shown.about)
    say(office, IKP, order, "1 TL besok\n")  # a position without an account in the sample house
    failed = office.see(IKP, lambda m: "kasi-informasi" in (m["Subject"] or "") and shown.about in m["Subject"], "the failure")
    assert action_of(failed) == "failed"


def test_head_closes_a_letter_that_needs_no_order(office):
    shown = arrived(office)
    say(office, HEAD, shown, "SELESAI\n")
    told(office, CLERK, "Surat selesai", shown.about)
    assert office.letter(shown.about, "done")
    said = text_of(answered(office, HEAD, say(office, HEAD, shown, "selesai\n")))
    assert "sudah dinyatakan selesai pukul" in said.replace("\n", " ")


def test_closing_takes_what_hangs_below_along(office):
    shown = arrived(office)
    say(office, HEAD, shown, "4 TL\n")
    order = told(office, APP, "[LAPOR]", shown.about)
    say(office, APP, order, "1 TL\n")
    below = told(office, STAFF, "[LAPOR]", shown.about)
    say(office, APP, order, "SELESAI sudah kami kerjakan sendiri\n")
    answered(office, APP, say(office, APP, order, "SELESAI\nSudah kami kerjakan sendiri.\n"))
    until(office, shown.about, {APP: "done", STAFF: "recalled"})
    assert "dibatalkan" in text_of(answered(office, STAFF, say(office, STAFF, below, "SELESAI\n")))


def test_lacak_shows_the_tree_to_the_own_agency_alone(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    told(office, IKP, "[LAPOR]", shown.about)
    n = next(r["n"] for r in rows(office.ctl("agenda", "list", "--limit", "1000")) if r["subject"] == shown.about and
             r["direction"] == "incoming")
    asked = mail(SECRETARY, ["lacak@dumai.example"], f"agenda {n}", "Mohon info.\n")
    office.house.submit(SECRETARY, asked)
    said = text_of(answered(office, SECRETARY, asked))
    assert "Kepala Bidang Informasi dan Komunikasi Publik: belum dijawab" in said, said
    for login, words in (("kadis.dinkes", f"agenda {n}"), (SECRETARY, "agenda 99999"), (SECRETARY, "surat kemarin")):
        asked = mail(login, ["lacak@dumai.example"], words, "Mohon info.\n")
        office.house.submit(login, asked)
        assert "Kepala Bidang Informasi" not in text_of(answered(office, login, asked))


def test_reminder_before_and_escalation_after(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL 5 hari\n")
    told(office, IKP, "[LAPOR]", shown.about)
    now = int(time.time() * 1000)
    move = ("update office.disposition set due_at = {}, created_at = {} where letter_id = (select id from office.letter "
            f"where subject = '{shown.about}'); update mail.work set next_at = 0 where kind = 'remind'")
    sql(office, move.format(now + 3600000, now - 30 * 86400000))
    reminded = told(office, IKP, "[LAPOR] Mengingatkan", shown.about)
    assert reminded["Reply-To"].startswith("lapor+")
    assert sql(office, "select 1 from mail.work where kind = 'remind'"), "no escalation waits for its day"
    assert not [r for r in office.queue("remind") if r["kind"] == "remind"]  # a calendar is no queue
    sql(office, move.format(now - 20 * 86400000, now - 30 * 86400000))
    late = told(office, HEAD, "[TERLAMBAT]", shown.about)
    assert "TERLAMBAT" in text_of(late) and late["Reply-To"].startswith("disposisi+")
    say(office, IKP, reminded, "SELESAI\n")
    assert office.letter(shown.about, "done")
    tree_text = tree(office, shown.about)
    assert "diingatkan" in tree_text and "dilaporkan terlambat" in tree_text


def test_order_on_a_letter_of_another_agency(office):
    """A letter between agencies is laid before the head there too; what he orders carries its sealed form."""
    sent = office.send_letter("kadis.dinkes", to=[f"{HEAD}@dumai.example"], subject=office.subject("Permintaan data"))
    number = office.confirmed("kadis.dinkes", sent)
    shown = laid(office, sent["Subject"])
    assert number in text_of(shown) and "dari dalam pemerintah kota" in text_of(shown)
    say(office, HEAD, shown, "Kepada: kabid ikp\nHarap: tindak lanjuti\n")
    got = told(office, IKP, "[LAPOR]", sent["Subject"])
    assert any(p.get_content_type() == "application/pgp-signature" for p in got.walk()), "the sealed letter is attached"
    say(office, IKP, got, "SELESAI\nSudah dikirim.\n")
    told(office, HEAD, "Selesai", sent["Subject"])
    assert office.letter(sent["Subject"])["state"] == "delivered", "its sender's state is not touched"
