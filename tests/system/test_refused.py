"""Who may not sign gets a notice that names the rule; the letter stays a draft; policy explain tells why."""

import email.policy

from contrib.house.letters import COMPANY, TYPED, answers, mail
from contrib.house.mailbox import text_of


def test_subordinate_may_not_sign(office):
    sent = office.send_letter("kabid-aplikasi.diskominfo")
    notice = office.see("kabid-aplikasi.diskominfo", lambda m: answers(m, sent), "the notice")
    letter = office.letter(sent["Subject"], "draft")
    rules = {s.get("rule") for s in office.exchanges(letter)} - {None, ""}
    assert any(rule in text_of(notice) for rule in rules), (rules, text_of(notice))
    assert notice["Auto-Submitted"] and notice["Auto-Submitted"] != "no"
    assert not letter.get("number")
    assert office.outside_count(sent["Subject"]) == 0


def test_explain_names_rule_and_outcome(office, tmp_path):
    message = mail("kabid-aplikasi.diskominfo", [TYPED, COMPANY], office.subject(), "Isi.\n")
    path = tmp_path / "surat.eml"
    path.write_bytes(message.as_bytes(policy=email.policy.SMTP))
    told = office.house.ctl("policy", "explain", str(path)).stdout
    assert "kabid-aplikasi.diskominfo" in told
    assert "ordinary_letter" in told
    refused = office.send_letter("kabid-aplikasi.diskominfo")
    letter = office.letter(refused["Subject"], "draft")
    rules = {s.get("rule") for s in office.exchanges(letter)} - {None, ""}
    assert any(rule in told for rule in rules), (rules, told)


def test_explain_of_the_head_says_yes(office, tmp_path):
    message = mail("kadis.diskominfo", [TYPED, COMPANY], office.subject(), "Isi.\n")
    path = tmp_path / "surat.eml"
    path.write_bytes(message.as_bytes(policy=email.policy.SMTP))
    subordinate = mail("kabid-aplikasi.diskominfo", [TYPED, COMPANY], office.subject(), "Isi.\n")
    other = tmp_path / "lain.eml"
    other.write_bytes(subordinate.as_bytes(policy=email.policy.SMTP))
    yes, no = (office.house.ctl("policy", "explain", str(p)).stdout for p in (path, other))
    assert yes != no


def test_two_subject_lines_are_asked_back(office):
    sent = mail("kadis.diskominfo", [TYPED, COMPANY], office.subject(), "Hal: Undangan\nHal: Pembatalan\n\nIsi.\n")
    office.house.submit("kadis.diskominfo", sent)
    notice = office.see("kadis.diskominfo", lambda m: answers(m, sent), "the notice")
    assert 'Baris "Hal:" ditulis lebih dari satu kali' in text_of(notice)
    assert office.outside_count(sent["Subject"]) == 0
    assert not [r for r in office.ctl("letter", "list", "--limit", "1000") if r["subject"] in ("Undangan", "Pembatalan")]
