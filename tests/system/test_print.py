"""The sealed PDF says what the letter says: nothing runs off the page, no character is left out in silence, points keep
their numbers."""

import email
import email.message
import email.policy
import email.utils
import re
import subprocess

from contrib.house.letters import COMPANY, TYPED, mail
from contrib.house.mailbox import files_of, text_of

DINKES = ("Kepala Dinas Kesehatan", "kadis.dinkes@dumai.example")
PAGE_WIDTH, MARGIN = 609.4, 56.6  # points of F4 and its right margin


def poppler(pdf, form):
    """What pdftotext says of it."""
    return subprocess.run(["pdftotext", form, "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


def sent_out(office, letter):
    """The PDF and both mails (outside, inside) of a letter that was submitted."""
    number = office.confirmed("kadis.diskominfo", letter)
    _, message = office.outside(number)
    outside = email.message_from_bytes(message, policy=email.policy.default)
    inside = office.see("kadis.dinkes", lambda m: number in text_of(m), "the letter inside")
    return next(d for n, d in files_of(outside).items() if n.startswith("Surat-")), outside, inside


def test_words_wider_than_a_line_stay_on_the_page(office):
    word = "x" * 1500
    url = "https://contoh.example/" + "a" * 200 + "/b?c=" + "d" * 100
    body = f"Dengan hormat {word} selesai.\n\n1. Lihat {url}\n2. dua\n\nHari : {'y' * 300}\nTempat : {'z' * 300}\n"
    pdf, _, _ = sent_out(office, office.send_letter(to=(COMPANY, DINKES), text=body))
    text = "".join(poppler(pdf, "-raw").split())
    assert word in text and url in text and "y" * 300 in text
    assert text.count("z") >= 300, "these go on behind the foot of the first page"
    right = [float(x) for x in re.findall(r'xMax="([0-9.]+)"', poppler(pdf, "-bbox"))]
    assert right and max(right) <= PAGE_WIDTH - MARGIN + 0.5


def test_enclosures_of_one_name_are_told_apart(office):
    files = [("a.pdf", "application/pdf", b"satu"), ("a.pdf", "application/pdf", b"dua")]
    _, outside, inside = sent_out(office, office.send_letter(to=(COMPANY, DINKES), files=files))
    for got in (outside, inside):
        assert files_of(got)["a.pdf"] == b"satu" and files_of(got)["a (2).pdf"] == b"dua"
        assert "a (2).pdf" in text_of(got), "the letter lists it by that name"


HTML = """<html><body><p>Dengan ini:</p><ol><li>pertama</li><li>kedua<ol type="a"><li>anak</li><li>cucu<ol><li>cicit</li></ol>
</li></ol></li><li>ketiga</li></ol><p>Lalu:</p><ol start="5"><li>lima</li><li>enam</li></ol></body></html>"""
POINTS = ["1. pertama", "2. kedua", "   a. anak", "   b. cucu", "      1. cicit", "3. ketiga", "5. lima", "6. enam"]


def test_points_of_html_keep_their_numbers(office):
    """Who reads "butir 2.b.1" finds it in the text, the HTML and the PDF."""
    sent = email.message.EmailMessage()
    sent["From"], sent["To"] = "kadis.diskominfo@dumai.example", ", ".join((TYPED, COMPANY[1], DINKES[1]))
    sent["Subject"], sent["Message-ID"] = office.subject("Butir"), email.utils.make_msgid(domain="client.example")
    sent.set_content(HTML, subtype="html")
    office.house.submit("kadis.diskominfo", sent)
    pdf, outside, inside = sent_out(office, sent)
    for got in (outside, inside):
        lines = text_of(got).splitlines()
        margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip() in POINTS)
        assert [line[margin:] for line in lines if line.strip() in map(str.strip, POINTS)] == POINTS
    lines = [line for line in poppler(pdf, "-layout").splitlines() if " ".join(line.split()) in map(str.strip, POINTS)]
    assert [" ".join(line.split()) for line in lines] == list(map(str.strip, POINTS))
    right = [len(line) - len(line.lstrip()) for line in lines]
    assert right[0] == right[1] < right[2] == right[3] < right[4] and right[0] == right[5] == right[6], right
    html = next(p for p in inside.walk() if p.get_content_type() == "text/html").get_content()
    assert re.sub(r"<[^>]*>|\s", "", html).count("".join("".join(POINTS[:6]).split())) == 1


def test_characters_that_cannot_be_printed_are_asked_back_unnumbered(office):
    """U+10FFF0 and U+10FFF1 are in no font: neither a letter nor a preview of one goes on with blanks in their place."""
    for typed in (True, False):
        subject = office.subject("Huruf")
        sent = mail("kadis.diskominfo", [TYPED, COMPANY] if typed else [COMPANY], subject, "Nama: \U0010fff0\U0010fff1, caf\u00e9.\n")
        office.house.submit("kadis.diskominfo", sent)
        told = office.see("kadis.diskominfo", lambda m: subject in (m["Subject"] or ""), "the notice")
        assert "(U+10FFF0)" in text_of(told) and "(U+10FFF1)" in text_of(told) and "U+00E9" not in text_of(told)
        assert told["Subject"].startswith("Tidak dikirim") and "Belum ada nomor yang dipakai" in text_of(told)
        assert not office.letters(subject)
        assert not office.outside_count(subject)


def test_characters_of_other_scripts_do_not_matter_where_no_pdf_is_made(office):
    """A pesan is the writer's own mail."""
    subject = office.subject("Pesan huruf")
    office.house.submit("kadis.diskominfo", mail("kadis.diskominfo", [DINKES], subject, "\U0010fff0\n"))
    got = office.see("kadis.dinkes", lambda m: m["Subject"] == subject, "the pesan")
    assert "\U0010fff0" in text_of(got)
