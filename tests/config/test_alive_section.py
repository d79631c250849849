"""The `heartbeat_out` section."""

from pathlib import Path

import pytest

from alertd import channels
from alertd.config.routing_file import examine

REST = "receivers: {a: {log: {}}}\nroutes: {critical: a, warning: a, info: a}\n"


def read(folder: Path, section: str, *, secrets: bool = True):
    (folder / "routing.yaml").write_text(f"heartbeat_out: {section}\n{REST}")
    file, found = examine(folder / "routing.yaml", channels.settings_types(), read_secrets=secrets)
    return file, [str(one).replace(f"{folder}/", "") for one in found if one.id != "only-logged"]


def test_an_address_may_stand_in_a_file(tmp_path: Path) -> None:
    """Most hold a secret; once a minute and GET unless it is said."""
    (tmp_path / "beat").write_text("https://beats.example.com/abc\n")
    file, found = read(tmp_path, "{url_file: beat}")
    assert found == []
    assert (file.beat.address.reveal(), file.beat.every, file.beat.method) == (
        "https://beats.example.com/abc", 60_000, "GET")
    assert "beats.example.com" not in repr(file.beat)


@pytest.mark.parametrize(("section", "said"), [
    ("{every: 1m}", "routing.yaml:1:16: needs url or url_file"),
    ("{url: ftp://x}", "routing.yaml:1:16: url must be an address; write https://…"),
    ("{url: https://x, every: 5s}", "must be 10s or more"),
    ("{url: https://x, methd: GET}", "unknown key 'methd'; did you mean 'method'?"),
    ("[https://x]", "must be a section of keys"),
    ("{url: https://x, url_file: y}", "'url' and 'url_file' are both given"),
])
def test_its_faults(tmp_path: Path, section: str, said: str) -> None:
    """Each at its place, with what to do."""
    _, found = read(tmp_path, section)
    assert any(said in line for line in found), found


def test_check_opens_no_secret(tmp_path: Path) -> None:
    """A missing file is a remark there."""
    file, found = read(tmp_path, "{url_file: missing}", secrets=False)
    assert file is not None
    assert len(found) == 1
    assert "missing" in found[0]
