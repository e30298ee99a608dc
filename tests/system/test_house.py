"""The private house itself: what it does with what it finds."""

import os

import pytest

from contrib.house.instance import Instance
from contrib.house.waiting import HouseError


@pytest.mark.parametrize("left", [".", "log", "log/leftover", "leftover", "leftover.lock"])
def test_leftovers_of_another_user_are_named(tmp_path, monkeypatch, left):
    me = os.geteuid()
    house = Instance("leftover", say=lambda *_: None)
    house.root = False
    house.var, house.logs = str(tmp_path), str(tmp_path / "log" / "leftover")
    for folder in ("log/leftover", "leftover"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "leftover.lock").touch()
    found = os.path.join(str(tmp_path), left) if left != "." else str(tmp_path)
    real = os.lstat

    def other_owner(path, **kwargs):
        at = real(path, **kwargs)
        return os.stat_result([*at[:4], me + 1, *at[5:]]) if path == found else at
    monkeypatch.setattr(os, "lstat", other_owner)
    with pytest.raises(HouseError, match=f"{found} belongs to uid {me + 1}.*rm -r {tmp_path}"):
        house.start()
    assert (tmp_path / "leftover").is_dir(), "nothing was removed"
