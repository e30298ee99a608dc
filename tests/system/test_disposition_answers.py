"""Answers to orders as people write them: what is meant is done, what is not understood is asked back by name."""

import pytest

from test_disposition import (APP, HEAD, IKP, SECRETARY, action_of, answered, arrived, flat, forward, orders, say, states,
                              told, tree, until)

from contrib.house.letters import mail, rows
from contrib.house.mailbox import files_of, text_of


@pytest.mark.parametrize("text,words", [
    ("2 TL 31/02\n", '"31/02"'),
    ("2,4 TL sebelum jumat jam 10\n", '"sebelum jumat jam 10"'),
    ("2 UDK, 4 kerjakan\n", '"4 kerjakan"'),
    ("kpd: kabid ikp / harp: TL / tgt: jumat\n", '"TL / tgt: jumat"'),
])
def test_what_is_not_understood_is_named_and_nothing_is_ordered(office, text, words):
    shown = arrived(office)
    said = flat(answered(office, HEAD, say(office, HEAD, shown, text)))
    assert words in said, said
    assert orders(office, shown.about) == []


def test_batal_takes_back_the_order_whose_confirmation_is_answered(office):
    shown = arrived(office)
    first = answered(office, HEAD, say(office, HEAD, shown, "2 TL besok\n"))
    second = answered(office, HEAD, say(office, HEAD, shown, "4 UDK, 3 TL lusa\n"))
    infra = "kabid-infra.diskominfo"
    until(office, shown.about, {IKP: "sent", APP: "sent", infra: "sent"})
    # to the letter itself: which of the two is not told
    said = answered(office, HEAD, say(office, HEAD, shown, "BATAL\n"))
    assert "Belum ada yang dibatalkan" in flat(said) and "Kepala Bidang Informasi" in flat(said), flat(said)
    until(office, shown.about, {IKP: "sent", APP: "sent", infra: "sent"})
    answered(office, HEAD, say(office, HEAD, first, "BATAL\n"))
    until(office, shown.about, {IKP: "recalled", APP: "sent", infra: "sent"})
    # once more to the first: it is over, and the second is not taken in its place
    said = flat(answered(office, HEAD, say(office, HEAD, first, "BATAL\n")))
    assert "Tidak ada disposisi Saudara" in said, said
    answered(office, HEAD, say(office, HEAD, second, "BATAL\n"))
    until(office, shown.about, {IKP: "recalled", APP: "recalled", infra: "recalled"})
    assert office.letter(shown.about)["state"] == "presented"


def test_batal_after_all_else_is_done_leaves_the_letter_done(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    say(office, IKP, told(office, IKP, "[LAPOR]", shown.about), "SELESAI\n")
    done = told(office, HEAD, "Selesai", shown.about)
    given = answered(office, HEAD, say(office, HEAD, done, "4 TL besok\n"))
    until(office, shown.about, {IKP: "done", APP: "sent"})
    assert office.letter(shown.about)["state"] != "done"
    said = answered(office, HEAD, say(office, HEAD, given, "BATAL\n"))
    assert "dengan itu surat ini selesai" in flat(said), flat(said)
    until(office, shown.about, {IKP: "done", APP: "recalled"})
    assert office.letter(shown.about, "done")


def test_the_same_words_with_other_files_are_another_report(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    order = told(office, IKP, "[LAPOR]", shown.about)
    for name, data, repeated in (("h3.pdf", b"%PDF-1.4 tiga", False), ("h4.pdf", b"%PDF-1.4 empat", False),
                                 ("h4.pdf", b"%PDF-1.4 empat", True)):
        sent = say(office, IKP, order, "Terlampir\n", files={name: data})
        assert ("sudah dicatat pukul" in flat(answered(office, IKP, sent))) == repeated
    for name, data in (("h3.pdf", b"%PDF-1.4 tiga"), ("h4.pdf", b"%PDF-1.4 empat")):
        got = office.see(HEAD, lambda m: (m["Subject"] or "").startswith("Laporan") and shown.about in m["Subject"] and
                         name in files_of(m), name)
        assert files_of(got)[name] == data


def test_forward_that_names_the_presented_mail_alone_is_an_order(office):
    """Some phones put only the Message-ID of what they forward into References."""
    shown = arrived(office)
    sent = forward(shown, [f"{IKP}@dumai.example"], "TL besok\n", False)
    sent.replace_header("References", shown["Message-ID"])
    office.house.submit(HEAD, sent)
    until(office, shown.about, {IKP: "sent"})
    # nothing names it: an ordinary mail, whatever its subject says
    other = forward(shown, [f"{APP}@dumai.example"], "TL besok\n", False)
    del other["References"], other["In-Reply-To"]
    office.house.submit(HEAD, other)
    office.see(APP, lambda m: m["Message-ID"] == other["Message-ID"], "the ordinary mail")
    assert states(office, shown.about) == {IKP: "sent"}


BELOW = "Pada Sel, 24 Nov 2026 pukul 08.00 E-Office <surat@dumai.example> menulis:\n> Isi surat.\n\n"


def test_answer_below_the_quotation_is_told_where_to_write(office):
    shown = arrived(office)
    said = flat(answered(office, HEAD, say(office, HEAD, shown, BELOW + "2 TL besok\n")))
    assert "Tulis di atas kutipan" in said and orders(office, shown.about) == [], said
    say(office, HEAD, shown, "4 TL besok\n")
    order = told(office, APP, "[LAPOR]", shown.about)
    for text in ("1 TL besok\n", "SELESAI\n"):
        said = flat(answered(office, APP, say(office, APP, order, BELOW + text)))
        assert "Tulis di atas kutipan" in said, said
    assert states(office, shown.about) == {APP: "sent"}
    say(office, APP, order, BELOW + "Rapat sudah dilaksanakan.\n")  # words are a report wherever they stand
    until(office, shown.about, {APP: "reported"})


@pytest.mark.parametrize("text", ["1. sudah rapat\n2. selesai\n", "1, besok kami laporkan\n", "Catatan: warga sudah dihubungi\n"])
def test_short_report_that_looks_like_an_order_is_told_how_to_report(office, text):
    shown = arrived(office)
    say(office, HEAD, shown, "4 TL besok\n")
    order = told(office, APP, "[LAPOR]", shown.about)
    asked = answered(office, APP, say(office, APP, order, text))
    said = flat(asked)
    assert "awali baris pertama dengan kata Laporan" in said, said
    assert states(office, shown.about) == {APP: "sent"}
    say(office, APP, asked, "Laporan: " + text)
    assert text.split("\n", maxsplit=1)[0] in text_of(told(office, HEAD, "Laporan", shown.about))


def test_position_without_an_account_is_told_in_words_and_in_the_tree(office):
    shown = arrived(office)
    say(office, HEAD, shown, "2 TL besok\n")
    order = told(office, IKP, "[LAPOR]", shown.about)
    assert "(nomor bawahan)" in text_of(order) and "Tindak lanjuti, TL (1)" in flat(order), text_of(order)
    say(office, IKP, order, "1 TL besok\n")
    failed = office.see(IKP, lambda m: "kasi-informasi" in (m["Subject"] or "") and shown.about in m["Subject"], "the failure")
    said = " ".join(failed.get_body(preferencelist=("plain",)).get_content().split())
    assert "belum mempunyai akun surel" in said and "exist" not in said, said
    assert action_of(failed) == "failed"
    assert "TIDAK SAMPAI" in tree(office, shown.about)


def asked(office, login, subject):
    """The answer of lacak@."""
    sent = mail(login, ["lacak@dumai.example"], subject, "Mohon info.\n")
    office.house.submit(login, sent)
    return answered(office, login, sent)


def test_lacak_reads_the_subject_of_a_presented_mail(office):
    shown = arrived(office)
    n = next(r["n"] for r in rows(office.ctl("agenda", "list", "--limit", "1000")) if r["subject"] == shown.about and
             r["direction"] == "incoming")
    assert shown.about in flat(asked(office, SECRETARY, f"Fwd: [Surat masuk {n}] undangan"))


def test_lacak_tells_what_became_of_an_outgoing_letter(office):
    sent = office.send_letter("kadis.dinkes", to=[f"{HEAD}@dumai.example"], subject=office.subject("Permintaan data"))
    number = office.confirmed("kadis.dinkes", sent)
    said = flat(asked(office, "kadis.dinkes", number))
    assert "Ini surat keluar perangkat daerah Saudara" in said and number in said, said
    assert f"{HEAD}@dumai.example" in said and "JAWABAN" in said, said
