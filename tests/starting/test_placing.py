"""All of a set or none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.starting import placing


def made_set(made: dict[Path, Path], folder: Path) -> None:
    made[folder / "a.yaml"].write_text("a")
    made[folder / "rules"].mkdir()
    (made[folder / "rules"] / "b.yaml").write_text("b")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_all_of_it(tmp_path: Path) -> None:
    """Files and folders stand in place, and nothing beside them."""
    with placing.beside([tmp_path / "a.yaml", tmp_path / "rules"]) as made:
        made_set(made, tmp_path)
        placing.put(made)
    assert names(tmp_path) == ["a.yaml", "rules", "rules/b.yaml"]


@pytest.mark.parametrize("there", ["a.yaml", "rules/mine.yaml"])
def test_none_of_it(tmp_path: Path, there: str) -> None:
    """What somebody wrote meanwhile is kept, and what was put before it is taken back."""
    with placing.beside([tmp_path / "a.yaml", tmp_path / "rules"]) as made:
        made_set(made, tmp_path)
        (tmp_path / there).parent.mkdir(exist_ok=True)
        (tmp_path / there).write_text("mine")
        with pytest.raises(OSError, match=r"exists|not empty"):
            placing.put(made)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [Path(there).name]
    assert (tmp_path / there).read_text() == "mine"


def test_what_a_killed_one_left_goes(tmp_path: Path) -> None:
    """With the next one."""
    (tmp_path / ".alertd-init-x").mkdir()
    (tmp_path / ".alertd-init-x" / "a.yaml").write_text("half")
    with placing.beside([tmp_path / "a.yaml"]) as made:
        made[tmp_path / "a.yaml"].write_text("whole")
        placing.put(made)
    assert names(tmp_path) == ["a.yaml"]


def test_what_counts_as_there(tmp_path: Path) -> None:
    """An empty folder is nothing; a link that leads nowhere is something."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    assert [placing.taken(tmp_path / name) for name in ("empty", "link", "absent")] == [False, True, False]
