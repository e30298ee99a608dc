"""mtagwctl as a person and as a watching program use it."""

import pytest
from contrib.house.letters import COMPANY
from contrib.house.waiting import wait_for

DOMAIN = COMPANY[1].partition("@")[2]


def alarms(office):
    """Keys of `status` that have an alarm, and whether the exit status says the same."""
    done = office.house.ctl("--json", "status", check=False)
    found = [r["key"] for r in office.house.ctl("status", json_out=True, check=False) if r["alarm"]]
    assert done.returncode == (1 if found else 0), done.stdout + done.stderr
    return found


def test_status_is_a_table_without_an_empty_line(office):
    lines = office.house.ctl("status", check=False).stdout.splitlines()
    assert lines[0].split()[0] == "schema"
    assert all(line.strip() for line in lines)


def test_status_exits_1_with_an_alarm(office):
    assert "delivery_uncertain" not in alarms(office)
    office.peer.order(f"{DOMAIN} cut")
    office.confirmed("kadis.diskominfo", office.send_letter())
    row = wait_for(lambda: [r for r in office.queue(DOMAIN) if r.get("state") == "uncertain"], "state uncertain", 60,
                   office.logs[:1])[0]
    assert "delivery_uncertain" in alarms(office)
    shown = office.house.ctl("status", check=False)
    assert "mtagwctl queue list --state uncertain" in shown.stdout
    assert "alarms: " in shown.stderr
    office.house.ctl("queue", "fail", row["id"])
    assert "delivery_uncertain" not in alarms(office)


def test_keys_are_tables_for_people_and_json_for_programs(office):
    keys = office.ctl("key", "list")
    shown = office.house.ctl("key", "list").stdout
    assert "{" not in shown
    for key in keys["seal"]:
        assert any(key["address"] in line and key["fingerprint"] in line for line in shown.splitlines())
    for key in keys["dkim"]:
        assert any(line.split()[:3] == [key["selector"], key["algorithm"], key["name"]] for line in shown.splitlines())
    address = keys["seal"][0]["address"]
    assert office.house.ctl("key", "show-seal", address).stdout == office.ctl("key", "show-seal", address)["armor"]
    zone = office.house.ctl("key", "show-dkim").stdout.splitlines()
    assert zone == [r["zone"] for r in office.ctl("key", "show-dkim")["records"]]
    assert all(" IN TXT (" in line for line in zone)


def test_a_key_that_is_made_is_shown_and_stands_in_the_trail(office):
    shown = office.house.ctl("key", "create-seal", "surat.uji@dumai.example", "Dinas Uji").stdout.splitlines()
    assert shown[0].split() == ["address", "fingerprint"] and shown[1].startswith("surat.uji@dumai.example ")
    assert any(r["event"] == "KeyCreated" and "surat.uji@dumai.example" in str(r["detail"])
               for r in office.ctl("exchange", "list"))
    refused = office.house.ctl("key", "create-seal", "surat@elsewhere.example", "Dinas Lain", check=False)
    assert refused.returncode == 1 and "a seal key needs an address of dumai.example" in refused.stderr


@pytest.mark.parametrize("words,wanted", [
    (("queue", "list", "--state", "bogus"), "--state bogus: known words are waiting claimed held uncertain quarantined"),
    (("letter", "list", "--state", "zzz"), "--state zzz: known words are draft "),
    (("letter", "list", "--agency", "NOSUCH"), "--agency NOSUCH: no agency has this code"),
    (("agenda", "list", "--direction", "sideways"), "--direction sideways: known words are incoming outgoing"),
    (("agenda", "list", "--agency", "NOSUCH"), "--agency NOSUCH: no agency has this code"),
    (("disposition", "list", "--state", "sen"), "--state sen: known words are sent passed_on "),
    (("disposition", "list", "--agency", "diskominfo"), "--agency diskominfo: no agency has this code"),
    (("queue", "list", "--limit", "abc"), '"abc" is no limit'),
    (("queue", "list", "--limit", "-5"), '"-5" is no limit'),
    (("letter", "list", "--limit", "0"), '"0" is no limit'),
    (("letter", "list", "--limit", "5x"), '"5x" is no limit'),
    (("letter", "list", "--limit", ""), '"" is no limit'),
    (("letter", "list", "--limit", "99999999999999999999"), "is no limit"),
    (("queue", "list", "waiting"), '"waiting" is one word too many'),
    (("queue", "show", "1", "2"), '"2" is one word too many'),
    (("status", "now"), '"now" is one word too many'),
    (("queue", "list", "--agency", "SETDA"), '"--agency" is no option of this verb'),
    (("agenda", "list", "--state", "held"), '"--state" is no option of this verb'),
    (("letter", "list", "--stat", "signed"), '"--stat" is not understood'),
])
def test_what_makes_no_sense_is_said(office, words, wanted):
    done = office.house.ctl(*words, check=False)
    assert wanted in done.stderr
    assert done.returncode == 2 and not done.stdout


def test_every_word_of_a_filter_is_taken(office):
    for group, states in (("queue", "waiting claimed held uncertain quarantined"),
                          ("letter", "draft signed dispatched registered noise delivered failed uncertain"),
                          ("disposition", "sent passed_on reported declined done recalled")):
        for state in states.split():
            rows = office.ctl(group, "list", "--state", state, "--limit", "3")
            assert len(rows) <= 3 and all(r["state"] == state for r in rows)
    rows = office.ctl("agenda", "list", "--agency", "DISKOMINFO", "--direction", "outgoing")
    assert all((r["agency"], r["direction"]) == ("DISKOMINFO", "outgoing") for r in rows)


def test_work_that_is_stuck_is_an_alarm_and_is_set_aside_by_hand(office):
    def sql(text):
        return office.house.postgres.sql(text, "mtagw").strip()

    def row(work, **values):
        """Work that nobody takes up: its time comes in a year."""
        sql(f"insert into mail.work (id, kind, ref, state, next_at, waits, reason) values ({work}, 'finish', 1, 'waiting', "
            f"(extract(epoch from now()) * 1000)::bigint + {values['due_ms']}, {values['waits']}, 'uji')")

    year, now = 365 * 86400 * 1000, int(sql("select (extract(epoch from now()) * 1000)::bigint"))
    assert not {"work_stuck", "oldest_work_secs"} & set(alarms(office))
    old = (now - 700 * 1000) << 22
    row(old, waits=0, due_ms=year)
    assert not {"work_stuck", "oldest_work_secs"} & set(alarms(office)), "asked for early, it waits on purpose"
    sql(f"update mail.work set waits = 1 where id = {old}")
    assert "oldest_work_secs" in alarms(office) and "work_stuck" not in alarms(office)
    young = (now << 22) + 4194000
    row(young, waits=5, due_ms=year)
    assert "work_stuck" in alarms(office)
    assert "waits for more than ten minutes" in office.house.ctl("status", check=False).stdout
    for work in (old, young):
        told = office.house.ctl("queue", "fail", str(work), "--reason", "menunggu kunci")
        assert "set aside" in told.stdout
    assert not {"work_stuck", "oldest_work_secs"} & set(alarms(office))
    assert "work_quarantined" in alarms(office)
    shown = office.ctl("queue", "show", str(old))
    assert shown["state"] == "quarantined" and "menunggu kunci" in shown["reason"]
    assert any(r["event"] == "QueueFail" and "menunggu kunci" in str(r["detail"]) for r in office.ctl("exchange", "list"))
    again = office.house.ctl("queue", "fail", str(old), check=False)
    assert again.returncode == 1 and "it is set aside already" in again.stderr
    sql(f"delete from mail.work where id in ({old}, {young})")


@pytest.mark.parametrize("name,wanted", [
    ("Dinas\nUji", "word 2 holds a control character"),
    ("Dinas\x1b[31mUji", "word 2 holds a control character"),
    ("D" * 5000, "word 2 has 5000 bytes, more than 512"),
    ("Dinas <x@dumai.example>", "key name: "),
])
def test_a_key_gets_a_name_that_can_be_printed(office, name, wanted):
    refused = office.house.ctl("key", "create-seal", "surat.uji3@dumai.example", name, check=False)
    assert refused.returncode == 1 and wanted in refused.stderr
    assert "surat.uji3" not in office.house.ctl("key", "list").stdout
