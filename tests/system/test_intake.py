"""Mail from outside: answers find their letter, the unknown wait for the clerk's word, programs' mail is noted."""

import email.policy
import email.utils
import re
import smtplib

import pytest

from contrib.house.letters import mail, reply, rows
from contrib.house.mailbox import lines_of as text_of
from contrib.house.outside import DOMAINS
from contrib.house.waiting import wait_for

REGISTRY = "surat.diskominfo@dumai.example"
COMPANY_ADDRESS = "humas@pelabuhan.example"
HEAD, CLERK = "kadis.diskominfo", "kasubbag-umum.diskominfo"


def outside(office, subject, text="Isi.\n", sender="Warga Contoh <warga@surel.example>", to=REGISTRY, extra=(), envelope=None,
            **kw):
    """A mail of somebody outside, handed to the MX: DKIM-signed where the domain has a key. extra: more header fields."""
    m = mail(sender, [to], subject, text, **kw)
    for name, value in extra:
        m[name] = value
    address = email.utils.parseaddr(sender)[1]
    if address.rpartition("@")[2] in DOMAINS:
        office.house.outside.send(address, [to], m, envelope=envelope)
    else:
        office.house.from_outside(address if envelope is None else envelope, [to], m)
    return m


def confirmed_letter(office):
    """A letter that reached the company: (subject, number, the company's copy)."""
    subject = office.subject("Surat keluar")
    sent = office.send_letter(subject=subject)
    number = office.confirmed(HEAD, sent)
    _, raw = office.outside(number)
    return subject, number, email.message_from_bytes(raw, policy=email.policy.default)


def answer(office, got, text, sender="PT Contoh Pelabuhan <humas@pelabuhan.example>", extra=(), subject=None, envelope=None):
    """The company's plain reply."""
    to = email.utils.parseaddr(got["Reply-To"])[1]
    words = subject or office.subject("Re: jawaban")
    m = outside(office, words, text, sender, to, extra, envelope, in_reply_to=got["Message-ID"])
    return words, m


def test_answer_finds_its_letter_by_token(office):
    subject, number, got = confirmed_letter(office)
    words, _ = answer(office, got, "Kami hadir dua orang.\n\nDikirim dari iPhone saya\n")
    shown = office.presented(words)
    assert f"Menjawab surat kita nomor {number}" in text_of(shown)
    original = [p for p in shown.walk() if p.get_content_type() == "message/rfc822"]
    assert len(original) == 1 and "Kami hadir dua orang." in original[0].get_payload(0).get_content()
    (entry,) = office.agenda(words)
    assert entry["sender"] == "PT Contoh Pelabuhan" and entry["channel"] == "email"
    assert f"[Surat masuk {entry['n']}]" in shown["Subject"]
    ours = office.letter(subject, "replied")
    thread = office.ctl("letter", "show", number)["thread"]
    assert any(r["kind"] == "answer" and r["subject"] == words for r in thread), thread
    assert ours["number"] == number
    clerk = office.presented(words, CLERK, "[Agenda ")
    assert email.utils.parseaddr(clerk["Reply-To"])[1].startswith("terima+")
    about, receipt = office.outside(f"agenda {entry['n']}")
    receipt = email.message_from_bytes(receipt, policy=email.policy.default)
    assert receipt["Auto-Submitted"] and about["mail_from"] in ("", "<>", None)
    assert sorted(v["result"] for v in about["dkim"]) == ["pass", "pass"]


def test_answer_without_token_by_references(office):
    _, number, got = confirmed_letter(office)
    words = office.subject("Jawaban")
    outside(office, words, "Terlampir.\n", "PT Contoh Pelabuhan <humas@pelabuhan.example>", in_reply_to=got["Message-ID"])
    assert f"Menjawab surat kita nomor {number}" in text_of(office.presented(words))


def test_one_mail_to_several_addresses_of_an_agency_is_one_letter(office):
    _, number, got = confirmed_letter(office)
    words = office.subject("Ke semua")
    to = [f"{HEAD}@dumai.example", email.utils.parseaddr(got["Reply-To"])[1], REGISTRY, "surat.dinkes@dumai.example"]
    m = mail(f"PT Contoh Pelabuhan <{COMPANY_ADDRESS}>", to, words, "Untuk semua.\n")
    office.house.outside.send(COMPANY_ADDRESS, to, m)
    assert f"Menjawab surat kita nomor {number}" in text_of(office.presented(words))
    office.presented(words, "kadis.dinkes")
    assert sorted(r["agency"] for r in office.agenda(words)) == ["DINKES", "DISKOMINFO"]


def test_answer_by_quoted_number_and_a_stranger(office):
    _, number, _ = confirmed_letter(office)
    words = office.subject("Perihal surat Saudara")
    outside(office, words, f"Menunjuk surat nomor {number}, kami setuju.\n", "Direksi <direksi@pelabuhan.example>")
    assert f"Menjawab surat kita nomor {number}" in text_of(office.presented(words))
    strange = office.subject("Perihal surat orang")
    outside(office, strange, f"Menunjuk surat nomor {number}.\n", "Orang <orang@lain.example>")
    shown, _ = office.listed(strange)
    part = text_of(shown).split(f"Hal: {strange}")[1].split("\n\n")[0]
    assert "surat kita" not in part, "a number quoted by somebody it was not sent to proves nothing"


def test_strangers_token_is_linked_and_closes_nothing(office):
    subject, number, got = confirmed_letter(office)
    words, _ = answer(office, got, "Saya bukan penerimanya.\n", "Lain <lain@lain.example>")
    shown, _ = office.listed(words)
    assert f"Menyebut surat kita nomor {number}, tetapi pengirimnya lain" in text_of(shown)
    assert office.letter(subject)["state"] == "delivered"
    assert not office.agenda(words)


def test_citizen_is_numbered_only_after_the_clerks_word(office):
    words = office.subject("Keluhan jalan")
    outside(office, words, "Jalan di depan rumah saya rusak.\n")
    shown, n = office.listed(words)
    assert "Jalan di depan rumah saya rusak." in text_of(shown) and "belum terbukti" in text_of(shown)
    assert not office.agenda(words)
    office.house.submit(CLERK, reply(CLERK, shown, f"{n} OK\n"))
    office.presented(words)
    assert len(office.agenda(words)) == 1
    done = office.see(CLERK, lambda m: words in text_of(m) and "Sudah dilaksanakan" in m["Subject"], "what was done")
    assert "dicatat sebagai surat masuk" in text_of(done)
    office.house.submit(CLERK, reply(CLERK, shown, f"{n} OK\n"))
    office.see(CLERK, lambda m: words in text_of(m) and "sudah diputuskan" in text_of(m), "done before")
    assert len(office.agenda(words)) == 1


def test_one_reply_for_many_whole_or_not_at_all(office):
    good, fixed, noise = (office.subject(w) for w in ("Undangan", "tanpa judul", "PROMO"))
    for words in (good, fixed, noise):
        outside(office, words, f"Isi {words}.\n", f"Pengirim <a{abs(hash(words))}@surel.example>")
    shown, n = office.listed(good)
    shown = office.see(CLERK, lambda m: all(w in text_of(m) for w in (good, fixed, noise)), "one list with all", office.WAITING)
    number = {w: int(re.search(rf"^(\d+)\. .*\n(?:   .*\n)*?   Hal: {re.escape(w)}$", text_of(shown), re.M).group(1))
              for w in (good, fixed, noise)}
    office.house.submit(CLERK, reply(CLERK, shown, f"{number[good]} OK\n999 OK\n{number[noise]} buang\n"))
    asked = office.see(CLERK, lambda m: "Belum ada yang dicatat" in (m["Subject"] or "") and "999" in text_of(m), "the question")
    assert "buang" in text_of(asked) and not office.agenda(good)
    better = office.subject("Permohonan data")
    office.house.submit(CLERK, reply(CLERK, asked, f"{number[good]} OK\n{number[noise]} BUKAN SURAT\n{number[fixed]} hal: {better}\n"))
    office.letter(good, "presented")
    assert office.letter(noise, "noise")
    wait_for(lambda: office.agenda(better), "the corrected subject in the agenda", 60)
    assert not office.agenda(noise) and not office.agenda(fixed)


def test_all_at_once(office):
    first, second = office.subject("Brosur"), office.subject("Brosur")
    outside(office, first)
    outside(office, second)
    office.listed(second)
    shown = office.see(CLERK, lambda m: first in text_of(m) and second in text_of(m), "one list with both", office.WAITING)
    office.house.submit(CLERK, reply(CLERK, shown, "Bukan surat semua\n"))
    assert office.letter(first, "noise") and office.letter(second, "noise")


def test_same_number_twice_is_warned_of(office):
    number = f"12/PT-{office.subject('x').split()[-1]}/2026"
    text = f"Nomor: {number}\nTanggal: 20 November 2026\n\nKami mengundang.\n"
    first = office.subject("Undangan")
    outside(office, first, text, "PT Satu <surat@satu.example>")
    shown, n = office.listed(first)
    office.house.submit(CLERK, reply(CLERK, shown, f"{n} OK\n"))
    office.letter(first, "presented")
    (entry,) = office.agenda(first)
    assert entry["number"] == number and entry["letter_date"] == "2026-11-20"
    again = office.subject("Undangan lagi")
    outside(office, again, text, "PT Satu <surat@satu.example>")
    shown, _ = office.listed(again)
    part = text_of(shown).split(f"Hal: {again}")[1].split("\n\n")[0]
    assert f"agenda {entry['n']}" in part and "PERHATIAN" in part and "1 surat pengirim ini" in part


def test_known_correspondent_gets_no_second_number_unasked(office):
    number = f"7/PT-{office.subject('x').split()[-1]}/2026"
    text = f"Nomor: {number}\nTanggal: 20 November 2026\n\nKami mengundang.\n"
    first, again = office.subject("Undangan"), office.subject("Undangan ulang")
    outside(office, first, text, f"PT Contoh Pelabuhan <{COMPANY_ADDRESS}>")
    office.presented(first)
    outside(office, again, text, f"PT Contoh Pelabuhan <{COMPANY_ADDRESS}>")
    shown, _ = office.listed(again)
    assert f"agenda {office.agenda(first)[0]['n']}" in part_of(shown, again) and not office.agenda(again)


def test_ralat_corrects_with_trail(office):
    _, _, got = confirmed_letter(office)
    words, _ = answer(office, got, "Setuju.\n")
    shown = office.presented(words, CLERK, "[Agenda ")
    better = office.subject("Persetujuan jadwal")
    office.house.submit(CLERK, reply(CLERK, shown, f"RALAT\nHal: {better}\nNomor: 7/X/2026\n"))
    office.see(CLERK, lambda m: (m["Subject"] or "").startswith("Diralat") and better in m["Subject"], "the correction")
    (entry,) = office.agenda(better)
    assert entry["number"] == "7/X/2026"
    trail = office.exchanges(office.letter(words, None))
    assert any(x["event"] == "AgendaCorrected" and words in str(x["detail"]) for x in trail), trail


@pytest.mark.parametrize("fields", [(("Auto-Submitted", "auto-replied"),), (("X-Autoreply", "yes"), ("Precedence", "bulk"))])
def test_vacation_answer_is_noted_never_numbered_never_answered(office, fields):
    subject, number, got = confirmed_letter(office)
    words, _ = answer(office, got, "Saya cuti sampai Senin.\n", extra=fields, subject=office.subject("Di luar kantor"))

    def noted():
        return [r for r in office.ctl("letter", "show", number)["thread"] if r["subject"] == words]
    wait_for(noted, "the answer noted with its letter", 60)
    assert not office.agenda(words) and not office.letters(words)
    assert office.letter(subject)["state"] == "delivered"
    assert office.outside_count(words) == 0


def test_late_bounce_reopens_its_letter(office):
    subject, number, got = confirmed_letter(office)
    about, _ = office.outside(number)
    path = about["mail_from"]
    assert path.startswith("kembali+")
    report = (
        "From: MAILER-DAEMON@mx.pelabuhan.example\r\nTo: {0}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Date: Wed, 25 Nov 2026 10:00:00 +0700\r\nMessage-ID: <{1}@mx.pelabuhan.example>\r\nMIME-Version: 1.0\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nMailbox full.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.pelabuhan.example\r\n\r\n"
        "Final-Recipient: rfc822; humas@pelabuhan.example\r\nAction: failed\r\nStatus: 5.2.2\r\n"
        "Diagnostic-Code: smtp; 552 5.2.2 mailbox full\r\n\r\n--b--\r\n").format(path, office.subject("b").replace(" ", ""))
    office.house.from_outside("", [path], report.encode())
    told = office.see(CLERK, lambda m: (m["Subject"] or "").startswith("Tidak sampai") and number in text_of(m), "the bounce")
    assert "552 5.2.2 mailbox full" in text_of(told) and "cetak" in text_of(told)
    office.see(HEAD, lambda m: (m["Subject"] or "").startswith("Tidak sampai") and number in text_of(m), "word to its writer")
    assert office.letter(subject, "failed")
    assert not office.agenda("Undelivered Mail Returned to Sender")


def test_report_off_its_path_changes_nothing(office):
    subject, number, got = confirmed_letter(office)
    report = (
        f"From: evil@lain.example\r\nTo: {REGISTRY}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nGagal.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; lain.example\r\n\r\n"
        f"Final-Recipient: rfc822; {COMPANY_ADDRESS}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {got['Message-ID']}\r\nSubject: x\r\n\r\nx\r\n--b--\r\n")
    office.house.from_outside("evil@lain.example", [REGISTRY], report.encode())
    office.see(CLERK, lambda m: (m["Subject"] or "").startswith("Laporan yang tidak terbukti") and number in text_of(m), "the report")
    assert office.letter(subject)["state"] == "delivered"


def test_what_was_no_letter_may_become_one(office):
    words = office.subject("Surat warga salah tekan")
    outside(office, words)
    shown, n = office.listed(words)
    office.house.submit(CLERK, reply(CLERK, shown, f"{n} BUKAN SURAT\n"))
    office.letter(words, "noise")
    office.house.submit(CLERK, reply(CLERK, shown, f"{n} OK\n"))
    office.presented(words)
    assert len(office.agenda(words)) == 1


def test_ok_to_all_leaves_what_is_warned_of(office):
    forged, honest = office.subject("Rekening baru"), office.subject("Surat jujur")
    m = mail(f"PT <{COMPANY_ADDRESS}>", [REGISTRY], forged, "Bayar.\n", [("rekening.pdf", "application/pdf", b"%PDF-1.4")])
    office.house.outside.send(COMPANY_ADDRESS, [REGISTRY], m, dkim_domain=None, ip="127.0.9.9")
    outside(office, honest)
    office.listed(honest)
    shown = office.see(CLERK, lambda m: (m["Subject"] or "").startswith("Belum diagendakan") and forged in text_of(m)
                       and honest in text_of(m), "one list with both", office.WAITING)
    assert "Usul: OK" not in part_of(shown, forged) and "rekening.pdf" in part_of(shown, forged)
    office.see(CLERK, lambda m: m["Subject"] == forged, "the mail itself beside the list", office.WAITING)
    office.house.submit(CLERK, reply(CLERK, shown, "OK semua\n"))
    office.presented(honest)
    done = office.see(CLERK, lambda m: (m["Subject"] or "").startswith("Sudah dilaksanakan") and forged in text_of(m), "what was done")
    assert "ditinggalkan karena ada peringatan" in text_of(done) and not office.agenda(forged)


def test_forged_answer_with_a_token_waits(office):
    subject, number, got = confirmed_letter(office)
    words = office.subject("Jawaban palsu")
    to = email.utils.parseaddr(got["Reply-To"])[1]
    office.house.outside.send(COMPANY_ADDRESS, [to], mail(f"PT <{COMPANY_ADDRESS}>", [to], words, "x\n"), dkim_domain=None,
                              ip="127.0.9.9")
    shown, _ = office.listed(words)
    assert "mungkin palsu" in part_of(shown, words) and number
    assert office.letter(subject)["state"] == "delivered"


def test_our_own_domain_from_outside_is_called_a_forgery(office):
    words = office.subject("Segera transfer")
    outside(office, words, "Tolong segera.\n", "Kepala Dinas <kadis.diskominfo@dumai.example>")
    shown, _ = office.listed(words)
    part = text_of(shown).split(f"Hal: {words}")[1].split("\n\n")[0]
    assert "mungkin palsu" in part
    assert office.outside_count(words) == 0


def test_a_colleagues_account_cannot_answer_the_list(office):
    words = office.subject("Surat warga")
    outside(office, words)
    shown, n = office.listed(words)
    office.house.submit("kabid-ikp.diskominfo", reply("kabid-ikp.diskominfo", shown, f"{n} OK\n"))
    told = office.see("kabid-ikp.diskominfo", lambda m: "akun yang benar" in (m["Subject"] or ""), "the right account named")
    assert "kasubbag-umum.diskominfo@dumai.example" in text_of(told)
    assert not office.agenda(words)


def test_null_sender_is_a_program(office):
    subject, number, got = confirmed_letter(office)
    words, _ = answer(office, got, "Jawaban dari program yang tidak mengaku.\n", envelope="")
    wait_for(lambda: [r for r in office.ctl("letter", "show", number)["thread"] if r["subject"] == words], "it is noted", 60)
    assert office.outside_count(words) == 0 and not office.agenda(words), "no number and no receipt"
    assert office.letter(subject)["state"] == "delivered"


def test_a_colleagues_forward_keeps_the_citizen(office):
    words = office.subject("Permohonan izin")
    inner = mail("Budi <budi@surel.example>", ["kabid-ikp@dumai.example"], words, "Mohon izin keramaian.\n")
    outer = mail("kabid-ikp.diskominfo", [REGISTRY], "Fwd: " + words, "Mohon diagendakan.\n")
    outer.add_attachment(inner)
    office.house.submit("kabid-ikp.diskominfo", outer)
    shown, n = office.listed(words)
    assert "Budi (budi@surel.example)" in text_of(shown)
    office.house.submit(CLERK, reply(CLERK, shown, f"{n} OK\n"))
    got = office.presented(words)
    assert "Mohon izin keramaian." in got.as_string() and "Mohon diagendakan." in got.as_string()
    (entry,) = office.agenda(words)
    assert entry["sender"] == "Budi"


def test_an_inline_forward_too(office):
    words = office.subject("Aduan")
    outer = mail("kabid-ikp.diskominfo", [REGISTRY], words, "Mohon diagendakan.\n\n---------- Forwarded message ---------\n"
                 "Dari: Ani <ani@surel.example>\nDate: Rab, 25 Nov 2026\nSubject: Aduan\nTo: kabid\n\nLampu jalan mati.\n")
    office.house.submit("kabid-ikp.diskominfo", outer)
    shown, _ = office.listed(words)
    assert "Ani (ani@surel.example)" in text_of(shown)


# ---------------------------------------------------------------------- what claims to be somebody

def part_of(shown, subject):
    """The lines of a list about one mail."""
    return text_of(shown).split(f"Hal: {subject}")[1].split("\n\n")[0]


@pytest.mark.parametrize("how", [{"dkim_domain": None}, {"dkim_domain": "riau.example"}, {"dkim_domain": None, "ip": "127.0.9.9"}])
def test_forged_correspondent_gets_no_number_and_no_receipt(office, how):
    words = office.subject("Perubahan rekening")
    m = mail(f"PT Contoh Pelabuhan <{COMPANY_ADDRESS}>", [REGISTRY], words, "Mohon bayar ke rekening baru.\n")
    office.house.outside.send(COMPANY_ADDRESS, [REGISTRY], m, **{"ip": "127.0.9.9", **how})
    shown, _ = office.listed(words)
    assert "mungkin palsu" in part_of(shown, words)
    assert not office.agenda(words) and office.outside_count(words) == 0


def test_two_from_prove_nothing(office):
    words = office.subject("Dua pengirim")
    m = mail(f"PT <{COMPANY_ADDRESS}>", [REGISTRY], words, "x\n").as_bytes()
    m = m.replace(b"From: ", b"From: Lain <lain@lain.example>\nFrom: ", 1).replace(b"\n", b"\r\n")
    with pytest.raises(smtplib.SMTPDataError, match="two From fields"):
        office.house.outside.send(COMPANY_ADDRESS, [REGISTRY], m)
    words = office.subject("Dua alamat pengirim")
    m = mail(f"PT <{COMPANY_ADDRESS}>, Lain <lain@lain.example>", [REGISTRY], words, "x\n")
    m["Sender"] = COMPANY_ADDRESS
    office.house.outside.send(COMPANY_ADDRESS, [REGISTRY], m)
    shown, _ = office.listed(words)
    assert "mungkin palsu" in part_of(shown, words) and not office.agenda(words)


def test_signature_over_another_part_proves_nothing(office):
    words = office.subject("Sebagian bertanda")
    inner = mail("x <x@warga.example>", [REGISTRY], "x", "Bagian bertanda tangan.\n")
    signed = office.house.outside.pgp_signed(office.house.outside.bytes_of(inner), "x@warga.example")
    head, _, body = signed.partition(b"\r\n\r\n")
    kind = re.search(rb"Content-Type: multipart/signed;.*?(?=\r\n\S|\Z)", head, re.S).group(0)
    m = (f"From: x <x@warga.example>\r\nTo: {REGISTRY}\r\nSubject: {words}\r\nMessage-ID: <{abs(hash(words))}@warga.example>\r\n"
         "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=luar\r\n\r\n--luar\r\nContent-Type: text/plain\r\n\r\n"
         "Bayar sekarang!\r\n--luar\r\n").encode() + kind + b"\r\n\r\n" + body + b"\r\n--luar--\r\n"
    office.house.outside.send("x@warga.example", [REGISTRY], m, dkim_domain=None)
    shown, _ = office.listed(words)
    assert "bertanda tangan elektronik" not in part_of(shown, words)


def test_report_about_a_letter_that_never_went_there_is_not_believed(office):
    subject, number, got = confirmed_letter(office)
    report = (
        "From: MAILER-DAEMON@palsu.example\r\nTo: {0}\r\nSubject: Undelivered {1}\r\nMIME-Version: 1.0\r\n"
        "Message-ID: <{2}@palsu.example>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nGagal.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; palsu.example\r\n\r\n"
        "Final-Recipient: rfc822; orang@palsu.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {3}\r\nSubject: x\r\n\r\nx\r\n--b--\r\n").format(
            REGISTRY, subject, abs(hash(subject)), got["Message-ID"])
    office.house.from_outside("", [REGISTRY], report.encode())
    office.see(CLERK, lambda m: (m["Subject"] or "") == f"Undelivered {subject}", "the report as it came", ["INBOX", "Otomatis"])
    assert office.letter(subject)["state"] == "delivered" and not office.agenda(f"Undelivered {subject}")
    assert number


def test_two_programs_do_not_answer_each_other_for_ever(office):
    for n in range(12):
        outside(office, office.subject("Jawaban mesin"), f"Pesan {n}\n", "Robot <robot@pelabuhan.example>")
    last = office.subject("Jawaban mesin terakhir")
    outside(office, last, "Pesan\n", "Robot <robot@pelabuhan.example>")
    office.presented(last)
    receipts = [a for _, a, _ in office.peer.messages("pelabuhan.example") if "robot@pelabuhan.example" in str(a["rcpt_to"])]
    assert 1 <= len(receipts) <= 10, "a correspondent gets ten receipts a day at most"
