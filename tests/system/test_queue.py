"""The queue: what waits, why, and what an administrator does with it."""

from contrib.house.letters import COMPANY, mail

from contrib.house.waiting import wait_for

DOMAIN = "pelabuhan.example"


def waiting(office, words, limit=60):
    """The queue row that speaks of these words, once a try is behind it."""
    def look():
        found = [r for r in office.queue(words) if int(r.get("tries", r.get("attempts", 0)) or 0) > 0]
        return found[0] if found else None
    return wait_for(look, f"a queue row for {words}", limit, office.logs[:1])


def test_letter_waits_for_a_peer_that_is_down_and_goes(office):
    office.peer.order(f"{DOMAIN} down")
    sent = office.send_letter()
    number = office.confirmed("kadis.diskominfo", sent)
    assert waiting(office, DOMAIN)
    office.peer.order(f"{DOMAIN} up")
    about, _ = office.outside(number)
    assert about["openpgp"]["result"] == "good"
    wait_for(lambda: not office.queue(DOMAIN), "the queue row is gone", 30, office.logs[:1])
    assert office.outside_count(number) == 1


def test_temporary_refusal_is_tried_again(office):
    office.peer.order(f"{DOMAIN} answer 451 4.3.0 besok saja")
    sent = office.send_letter()
    number = office.confirmed("kadis.diskominfo", sent)
    assert "besok saja" in str(office.ctl("queue", "show", str(waiting(office, DOMAIN)["id"])))
    office.peer.order(f"{DOMAIN} normal")
    office.outside(number)


def test_refusal_for_good_is_told_the_writer_or_the_clerk(office):
    office.peer.order(f"{DOMAIN} refuse-rcpt 550 5.1.1 tidak dikenal")
    sent = office.send_letter()
    office.confirmed("kadis.diskominfo", sent)
    office.letter(sent["Subject"], "failed")

    def told(m):
        return any(p.get_content_type() == "message/delivery-status" for p in m.walk()) and (
            "Diagnostic-Code: smtp; 550 5.1.1 tidak dikenal" in m.as_string())
    for login in ("kadis.diskominfo", "kasubbag-umum.diskominfo"):
        if office.has(login, told):
            break
    else:
        office.see("kasubbag-umum.diskominfo", told, "failure notice in the form of RFC 3464",
                   ["INBOX", "Gagal Kirim", "Belum Diagendakan"])


def test_lost_reply_after_the_dot_is_uncertain_and_never_resent(office):
    office.peer.order(f"{DOMAIN} cut")
    sent = office.send_letter()
    number = office.confirmed("kadis.diskominfo", sent)
    office.outside(number)
    row = wait_for(lambda: [r for r in office.queue(DOMAIN) if r.get("state") == "uncertain"], "state uncertain", 60,
                   office.logs[:1])[0]
    office.peer.order(f"{DOMAIN} normal")
    # What comes later overtakes it, it itself is not sent again.
    after = office.send_letter()
    office.outside(office.confirmed("kadis.diskominfo", after))
    assert office.outside_count(number) == 1
    office.house.ctl("queue", "retry", str(row["id"]))
    wait_for(lambda: office.outside_count(number) == 2, "an administrator's retry sends it", 60, office.logs[:1])


def test_hold_and_release(office):
    office.peer.order(f"{DOMAIN} down")
    sent = office.send_letter()
    number = office.confirmed("kadis.diskominfo", sent)
    row = waiting(office, DOMAIN)
    # What is being tried at this moment cannot be held.
    wait_for(lambda: office.house.ctl("queue", "hold", str(row["id"]), check=False).returncode == 0, "it is held", 30)
    office.peer.order(f"{DOMAIN} up")
    after = office.send_letter()
    office.outside(office.confirmed("kadis.diskominfo", after))
    assert office.outside_count(number) == 0
    office.house.ctl("queue", "release", str(row["id"]))
    office.outside(number)


def test_fail_by_hand_ends_it(office):
    office.peer.order(f"{DOMAIN} down")
    sent = office.send_letter()
    office.confirmed("kadis.diskominfo", sent)
    row = waiting(office, DOMAIN)
    office.house.ctl("queue", "fail", str(row["id"]))
    office.letter(sent["Subject"], "failed")
    assert not [r for r in office.queue(DOMAIN) if r["id"] == row["id"]]


def test_other_destinations_do_not_wait(office):
    office.peer.order(f"{DOMAIN} hang")
    slow = office.send_letter()
    office.confirmed("kadis.diskominfo", slow)
    fast = office.send_letter(to=(("Provinsi", "surat@riau.example"),))
    office.outside(office.confirmed("kadis.diskominfo", fast), "riau.example", 30)
    sent = mail("kadis.diskominfo", ["kabid-ikp.diskominfo@dumai.example"], office.subject(), "x\n")
    office.house.submit("kadis.diskominfo", sent)
    office.see("kabid-ikp.diskominfo", lambda m: m["Subject"] == sent["Subject"], "a pesan meanwhile", limit=30)
    assert office.peer.held(DOMAIN) == 1
    office.peer.order(f"{DOMAIN} normal")
    row = wait_for(lambda: [r for r in office.queue(slow["Subject"]) if r["state"] == "uncertain"], "state uncertain", 60,
                   office.logs[:1])[0]
    office.house.ctl("queue", "fail", row["id"])


def test_without_starttls_policy_of_the_hop_decides(office):
    office.peer.order(f"{DOMAIN} no-starttls")
    sent = office.send_letter(to=(COMPANY,))
    about, _ = office.outside(office.confirmed("kadis.diskominfo", sent))
    assert about["tls"] is False  # the hop is written tls=may
