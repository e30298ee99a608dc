"""The law as an administrator edits it: every defect where he finds it, its own cases, and nothing taken in that fails them."""

import os
import shutil

import pytest
from conftest import ROOT


@pytest.fixture
def draft(tmp_path):
    """A copy of the law to edit."""
    for folder in ("policies", "templates"):
        shutil.copytree(os.path.join(ROOT, folder), tmp_path / folder)
    return tmp_path / "policies"


def edit(path, old, new):
    """Replaces the one place of a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_sample_is_good(office, draft):
    assert "no errors" in office.house.ctl("policy", "check", str(draft)).stdout
    assert "all as wanted" in office.house.ctl("policy", "test", str(draft)).stdout
    assert office.house.ctl("policy", "test", str(draft), json_out=True)["failed"] == 0


def test_defects_are_named_where_they_stand(office, draft):
    edit(draft / "sign.xml", '<when class="top_secret"/>', '<when klass="top_secret"/>')
    edit(draft / "words.xml", "Terkirim {nomor}: {hal}", "Terkirim {nomer}: {hal}")
    told = office.house.ctl("policy", "check", str(draft), check=False)
    assert told.returncode == 1
    assert f"{draft}/sign.xml:6: <when> has no attribute \"klass\"" in told.stderr
    assert "nothing fills {nomer}" in told.stderr
    assert "never reached" not in told.stderr


def test_law_that_fails_its_cases_is_not_taken_in(office, draft):
    def version():
        return office.house.ctl("policy", "activate", json_out=True)["version"]

    before = version()
    edit(draft / "dispose.xml", '<when relation="superior"/>', '<when relation="peer"/>')
    for verb in ("test", "activate"):
        told = office.house.ctl("policy", verb, str(draft), check=False)
        assert told.returncode == 1
        assert f"{draft}/cases.xml:" in told.stderr and "disposisi-ke-atasan" in told.stderr
    assert version() == before


def test_a_pattern_that_would_number_double_is_no_law(office, draft):
    before = office.house.ctl("policy", "activate", json_out=True)["version"]
    good = 'pattern="{K}/{N}/{PD}/{Y}"'
    edit(draft / "numbering.xml", good, 'pattern="{K}/{N/{PD}/{Y}"')
    for verb in ("check", "test", "activate"):
        told = office.house.ctl("policy", verb, str(draft), check=False)
        assert told.returncode == 1
        assert f'{draft}/numbering.xml:19: pattern="{{K}}/{{N/{{PD}}/{{Y}}": "{{N/{{PD}}/" is no token' in told.stderr
    assert office.house.ctl("policy", "activate", json_out=True)["version"] == before
