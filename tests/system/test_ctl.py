"""mtagwctl as a person and as a watching program use it."""

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
