"""A letter goes out signed: numbered, sealed, DKIM-signed, registered, delivered inside and outside."""

import email
import email.policy
import email.utils
import re
import subprocess

import pytest

from contrib.house.letters import COMPANY, PROVINCE, TYPED, answers, mail, number_in, reply, rows
from contrib.house.mailbox import files_of, text_of
from contrib.house.people import BY_LOGIN
from contrib.house.verdict import Gpg, split_signed

DINKES = ("Kepala Dinas Kesehatan", "kadis.dinkes@dumai.example")
DELIVERED = ("delivered", "dispatched", "closed")


def pdf_text(pdf):
    """What pdftotext reads, lines as they stand on the page."""
    return subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


def parsed(message):
    """Bytes to a message."""
    return email.message_from_bytes(message, policy=email.policy.default)


def test_letter_is_confirmed_delivered_and_signed(office):
    data = bytes(range(256)) * 40
    sent = office.send_letter(to=(COMPANY, DINKES), files=[("lampiran.bin", "application/octet-stream", data)])
    number = office.confirmed("kadis.diskominfo", sent)

    about, message = office.outside(number)
    assert about["openpgp"]["result"] == "good"
    assert about["openpgp"]["protected"]["subject"] is True
    assert all(about["openpgp"]["protected"].values())
    assert sorted(d["algorithm"] for d in about["dkim"] if d["result"] == "pass") == ["ed25519-sha256", "rsa-sha256"]
    assert about["tls"]
    assert about["rcpt_to"] == [COMPANY[1]]
    letter = parsed(message)
    files = files_of(letter)
    assert files["lampiran.bin"] == data
    pdf = [n for n in files if n.lower().endswith(".pdf")]
    assert len(pdf) == 1 and files[pdf[0]].startswith(b"%PDF-")
    assert number in text_of(letter)
    assert email.utils.parseaddr(letter["From"])[1] == "surat.diskominfo@dumai.example"
    assert email.utils.parseaddr(letter["Reply-To"])[1].startswith("surat.diskominfo+")
    assert TYPED not in message.decode("utf-8", "replace")

    inside = office.see("kadis.dinkes", lambda m: number in text_of(m), "the letter inside")
    assert files_of(inside)["lampiran.bin"] == data
    assert inside["Message-ID"] == letter["Message-ID"]
    assert inside["DKIM-Signature"] is None, "what stays inside carries no DKIM signature"
    assert office.letter(sent["Subject"], DELIVERED)["number"] == number


def test_dkim_oversigns(office):
    sent = office.send_letter()
    about, _ = office.outside(office.confirmed("kadis.diskominfo", sent))
    for verdict in about["dkim"]:
        for field in ("from", "to", "subject", "date", "message-id"):
            assert verdict["headers"].count(field) == 2, (verdict["algorithm"], field)


def test_sealed_part_is_seven_bit(office):
    sent = office.send_letter(text="Huruf beraksen: é ü \u201ckutipan\u201d.\n" + "x" * 2000 + "\n")
    _, message = office.outside(office.confirmed("kadis.diskominfo", sent))
    signed, _ = split_signed(message)
    assert max(signed) < 128
    assert max(len(line) for line in signed.split(b"\r\n")) <= 998
    assert b"\r" not in signed.replace(b"\r\n", b"") and b"\n" not in signed.replace(b"\r\n", b"")


def test_a_changed_byte_is_noticed_outside(office, tmp_path):
    sent = office.send_letter()
    _, message = office.outside(office.confirmed("kadis.diskominfo", sent))
    judge = Gpg(str(tmp_path / "g"), office.peer.folder + "/keys")
    assert judge.check(message)["result"] == "good"
    signed, _ = split_signed(message)
    at = message.index(signed) + len(signed) // 2
    assert judge.check(message[:at] + bytes([message[at] ^ 1]) + message[at + 1:])["result"] == "bad"


def test_type_by_head_line(office):
    sent = mail("kadis.diskominfo", [COMPANY], office.subject(), "Jenis: surat biasa\n\nIsi surat.\n")
    office.house.submit("kadis.diskominfo", sent)
    number = office.confirmed("kadis.diskominfo", sent)
    _, message = office.outside(number)
    assert "Jenis:" not in text_of(parsed(message))


def test_agenda_has_the_six_fields(office):
    sent = office.send_letter(to=(COMPANY, DINKES))
    number = office.confirmed("kadis.diskominfo", sent)
    office.letter(sent["Subject"], DELIVERED)
    mine = [r for r in rows(office.ctl("agenda", "list")) if number in str(r)]
    assert mine, "the letter stands in no agenda"
    for entry in mine:
        for field in ("date", "number", "subject", "sender", "destination", "summary"):
            assert entry.get(field), f"{field} is empty in {entry}"


def test_every_step_is_an_exchange_with_rule_and_version(office):
    sent = office.send_letter()
    office.confirmed("kadis.diskominfo", sent)
    letter = office.letter(sent["Subject"], DELIVERED)
    steps = office.exchanges(letter)
    assert len(steps) >= 4
    ruled = [s for s in steps if s.get("rule")]
    assert ruled and all(s.get("policy_version") for s in ruled)


def test_numbers_follow_each_other(office):
    found = []
    for _ in range(3):
        sent = office.send_letter(to=(DINKES,))
        found.append([int(n) for n in re.findall(r"(?<=/)\d+(?=/)", office.confirmed("kadis.diskominfo", sent))][0])
    assert found == list(range(found[0], found[0] + 3))


def test_two_hosts_outside(office):
    sent = office.send_letter(to=(COMPANY, PROVINCE))
    number = office.confirmed("kadis.diskominfo", sent)
    ids = {parsed(office.outside(number, d)[1])["Message-ID"] for d in ("pelabuhan.example", "riau.example")}
    assert len(ids) == 1


def test_forwarded_mail_has_one_name(office):
    """A mail forwarded as an attachment without a name is called the same in the text and as a file."""
    sent = mail("kadis.diskominfo", [TYPED, COMPANY], office.subject(), "Kami teruskan surel berikut.\n")
    sent.add_attachment(mail("humas@pelabuhan.example", ["surat.diskominfo@dumai.example"], "Asli", "isi asli\n"))
    office.house.submit("kadis.diskominfo", sent)
    _, message = office.outside(office.confirmed("kadis.diskominfo", sent))
    letter = parsed(message)
    assert b"isi asli" in files_of(letter)["pesan-1.eml"]
    assert "1. pesan-1.eml (" in text_of(letter)


def test_own_signature_of_the_writer_is_told(office):
    """A mail that its writer signed becomes a letter under the agency's seal; the confirmation says what is left behind."""
    subject = office.subject()
    signed = (f"From: kadis.diskominfo@dumai.example\r\nTo: {TYPED}, {COMPANY[1]}\r\nSubject: {subject}\r\n"
              "MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha256; "
              'protocol="application/pgp-signature"; boundary=s\r\n\r\n--s\r\n\r\nIsi bertanda tangan.\r\n--s\r\n'
              "Content-Type: application/pgp-signature; name=signature.asc\r\n\r\n"
              "-----BEGIN PGP SIGNATURE-----\r\n\r\niQ\r\n-----END PGP SIGNATURE-----\r\n--s--\r\n")
    office.house.submit("kadis.diskominfo", signed.encode(), [TYPED, COMPANY[1]])
    told = office.see("kadis.diskominfo", lambda m: subject in (m["Subject"] or ""), "the confirmation")
    assert "tanda tangan digital pada pesan Saudara tidak ikut" in text_of(told)
    _, message = office.outside(number_in(text_of(told)))
    letter = parsed(message)
    assert "Isi bertanda tangan." in text_of(letter)
    assert sum(n == "signature.asc" for n in files_of(letter)) <= 1, "only the agency's own signature travels"


def test_inline_signature_leaves_no_armor(office):
    text = ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nIsi satu.\n- -- dua\n"
            "-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----\n")
    sent = office.send_letter(text=text)
    _, message = office.outside(office.confirmed("kadis.diskominfo", sent))
    assert "BEGIN PGP SIGNED" not in text_of(parsed(message))
    assert "Isi satu." in text_of(parsed(message))


def test_without_seal_nothing_claims_one(office, law):
    law("seal.xml", 'seal="yes" dkim="yes"', 'seal="no" dkim="yes"')
    sent = office.send_letter(to=(COMPANY, DINKES))
    told = office.see("kadis.diskominfo", lambda m: answers(m, sent), "the confirmation")
    assert re.search(r"Segel +: tidak ada\b", text_of(told))
    number = number_in(text_of(told))
    about, message = office.outside(number)
    letter = parsed(message)
    assert about["openpgp"]["result"] == "none"
    assert all(d["result"] == "pass" for d in about["dkim"]) and about["dkim"]
    assert "segel" not in text_of(letter) and "signature.asc" not in files_of(letter)
    pdf = next(d for n, d in files_of(letter).items() if n.endswith(".pdf"))
    assert "segel" not in pdf_text(pdf)
    inside = office.see("kadis.dinkes", lambda m: number in text_of(m), "the letter inside")
    assert inside.get_content_type() == "multipart/signed", "the inside form is still sealed"


def letter_of(office, number):
    """Words of text and of PDF of an outside letter, each as one line."""
    message = parsed(office.outside(number)[1])
    pdf = next(d for n, d in files_of(message).items() if n.lower().endswith(".pdf"))
    return [" ".join(text.split()) for text in (text_of(message), pdf_text(pdf))]


def test_signature_block_names_rank_and_nip(office):
    sent = office.send_letter()
    head = BY_LOGIN["kadis.diskominfo"]
    for text in letter_of(office, office.confirmed("kadis.diskominfo", sent)):
        block = text[text.index("KEPALA DINAS KOMUNIKASI DAN INFORMATIKA,"):]
        assert f"{head.name} {head.rank} NIP. {head.nip}" in block, block
        assert text.startswith("PEMERINTAH KOTA DUMAI DINAS KOMUNIKASI DAN INFORMATIKA Jalan Contoh"), text


def take_office(office, login, *options, seal=None):
    """A person takes a position that nobody of the house holds; seal: the name on its agency's new key."""
    address = f"{login}@dumai.example"
    office.house.passwords[address] = office.house.new_password()
    office.house.ctl("account", "add", address, "--password-stdin", *options,
                     input_text=office.house.passwords[address] + "\n")
    if seal:
        office.house.ctl("key", "create-seal", f"surat.{login.partition('.')[2]}@dumai.example", seal)
    return address


def test_acting_head_signs_as_acting(office):
    head = take_office(office, "kadis.dlh", "--name", "Pejabat Contoh 21", "--nip", "197001011995031000", "--rank",
                       "Pembina Tk. I", "--grade", "IV/b", "--capacity", "acting_vacant", seal="Dinas Lingkungan Hidup")
    sent = office.send_letter(head)
    for text in letter_of(office, office.confirmed(head, sent)):
        assert "Plt. KEPALA DINAS LINGKUNGAN HIDUP, " in text


def test_assistant_signs_on_behalf(office):
    """The sign rule says by which right; the preview shows it, and OK sends what was shown."""
    name = take_office(office, "asisten3.setda", "--name", "Pejabat Contoh 22")
    block = "a.n. SEKRETARIS DAERAH KOTA DUMAI ASISTEN ADMINISTRASI UMUM, Pejabat Contoh 22"
    sent = office.send_letter(name)
    page = "a.n. SEKRETARIS DAERAH KOTA DUMAI ASISTEN ADMINISTRASI UMUM, Diterbitkan secara elektronik"
    text, pdf = letter_of(office, office.confirmed(name, sent))
    assert block in text and page in pdf

    untyped = mail(name, [COMPANY], office.subject("Pratinjau"), "Mohon data.\n")
    office.house.submit(name, untyped)
    shown = office.see(name, lambda m: (m["Subject"] or "").startswith("[TTD]") and answers(m, untyped), "the preview")
    assert block in " ".join(text_of(shown).split())
    office.house.submit(name, reply(name, shown, "OK\n"))
    assert block in letter_of(office, office.confirmed(name, untyped))[0]


def test_preview_of_a_predecessor_is_not_signed(office):
    """What the preview showed must be what is signed: another person at the same desk gets it asked anew."""
    name = take_office(office, "asisten2.setda", "--name", "Pejabat Contoh 23")
    untyped = mail(name, [COMPANY], office.subject("Pratinjau"), "Mohon data.\n")
    office.house.submit(name, untyped)
    shown = office.see(name, lambda m: (m["Subject"] or "").startswith("[TTD]") and answers(m, untyped), "the preview")
    office.house.ctl("account", "disable", name)
    take_office(office, "asisten2.setda", "--name", "Pejabat Contoh 24")
    office.house.submit(name, reply(name, shown, "OK\n"))
    told = office.see(name, lambda m: "lewat waktu" in (m["Subject"] or ""), "the answer to OK")
    assert "pratayang baru" in text_of(told)
    assert not office.letter(untyped["Subject"]).get("number") and not office.outside_count(untyped["Subject"])


def test_waiting_for_a_key_is_told_once(office):
    """No key of the agency: nothing leaves, writer, clerk and administrator get one notice, and the letter goes by itself."""
    head, clerk = (take_office(office, f"{who}.dishub", "--name", "Pejabat Contoh 20") for who in ("kadis", "kasubbag-umum"))
    seal = "surat.dishub@dumai.example"
    sent = office.send_letter(head)
    mine = lambda m: sent["Subject"] in (m["Subject"] or "")  # noqa: E731
    told = {who: office.see(who, mine, f"the notice to {who}") for who in (head, clerk, "kasi-eoffice.diskominfo")}
    assert all("menunggu" in text_of(m) and "kunci segel" in text_of(m) for m in told.values())
    assert seal in text_of(told["kasi-eoffice.diskominfo"]), "the administrator is told which key"
    assert not office.letters(sent["Subject"]) and not office.outside_count(sent["Subject"])

    office.house.ctl("key", "create-seal", seal, "Dinas Perhubungan Kota Dumai")
    number = office.confirmed(head, sent)
    _, message = office.outside(number)
    assert parsed(message).get_content_type() == "multipart/signed"
    with office.house.mailbox(head) as box:
        assert len([m for _, m in box.messages("INBOX") if (m["Subject"] or "").startswith("Menunggu")]) == 1
