import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alertd.config import generated
from alertd.errors import BadInput
from alertd.rulegen.emit import MARK

OLD = {"a.rules.yaml": f"{MARK} old\n", "gone.rules.yaml": f"{MARK} gone\n"}
NEW = {"a.rules.yaml": f"{MARK} new\n", "b.rules.yaml": f"{MARK} b\n"}


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_folder_holds_exactly_the_set(tmp_path: Path) -> None:
    """A build replaces, adds and removes, and leaves nothing beside the folder."""
    folder = tmp_path / "generated"
    generated.write(folder, OLD.items())
    generated.write(folder, NEW.items())
    assert read(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


def test_a_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up in the middle leaves the old set, whole."""
    folder = tmp_path / "generated"
    generated.write(folder, OLD.items())
    synced: list[int] = []

    def full(file: int) -> None:
        synced.append(file)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        generated.write(folder, NEW.items())
    assert read(folder) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


@pytest.mark.parametrize("content", [b"groups: []\n", b"\xff\xfe", None])
def test_other_peoples_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    """A file that alertd did not write would look as if it were kept current; it is named and left alone."""
    folder = tmp_path / "generated"
    generated.write(folder, OLD.items())
    other = folder / "mine.yaml"
    other.mkdir() if content is None else other.write_bytes(content)
    with pytest.raises(BadInput, match=r"mine\.yaml: was not written by alertd"):
        generated.write(folder, NEW.items())
    assert other.exists()
    assert (folder / "a.rules.yaml").read_text() == OLD["a.rules.yaml"]


def test_a_diff_names_what_comes_and_goes(tmp_path: Path) -> None:
    """New and removed files are told as such, and equal sets have no diff."""
    generated.write(tmp_path / "generated", OLD.items())
    text = "".join(generated.changes(tmp_path / "generated", NEW.items()))
    assert "--- /dev/null\n+++ b/b.rules.yaml" in text
    assert "--- a/gone.rules.yaml\n+++ /dev/null" in text
    assert not [*generated.changes(tmp_path / "generated", OLD.items())]


def test_findings_name_each_stale_file(tmp_path: Path) -> None:
    """What `check` shows: each file that a build would change."""
    generated.write(tmp_path / "generated", OLD.items())
    assert [Path(finding.file).name for finding in generated.findings(tmp_path, NEW.items())] == [
        "a.rules.yaml", "b.rules.yaml", "gone.rules.yaml"]
    generated.write(tmp_path / "generated", NEW.items())
    assert generated.findings(tmp_path, NEW.items()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from alertd.config import generated
left, replace = int(sys.argv[2]), os.replace

def killed(*paths):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    replace(*paths)

os.replace = killed
generated.write(Path(sys.argv[1]), eval(sys.argv[3]).items())
"""


@pytest.mark.parametrize("renames", [0, 1])
def test_a_killed_build_leaves_whole_files_and_is_noticed(tmp_path: Path, renames: int) -> None:
    """Killed between two renames: each file is old or new, the mix is stale, the next build mends it."""
    folder = tmp_path / "generated"
    generated.write(folder, OLD.items())
    run = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(renames), repr(NEW)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert all(text in (OLD.get(name), NEW.get(name)) for name, text in read(folder).items())
    assert [*generated.changes(folder, NEW.items())]
    assert {finding.id for finding in generated.findings(tmp_path, NEW.items())} == {"stale"}
    generated.write(folder, NEW.items())
    assert read(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


def test_two_builds_at_once_take_turns(tmp_path: Path) -> None:
    """Whatever the order, the folder holds one set whole, not some of each."""
    folder = tmp_path / "generated"
    sets = [{f"{number}.rules.yaml": f"{MARK} {letter}\n" for number in range(20)} for letter in "ab"]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: generated.write(folder, sets[number % 2].items()), range(20)))
    assert read(folder) in sets


def test_unchanged_files_are_not_touched(tmp_path: Path) -> None:
    """What is as it should be keeps its time, so that nothing reloads it."""
    folder = tmp_path / "generated"
    generated.write(folder, OLD.items())
    before = (folder / "a.rules.yaml").stat()
    generated.write(folder, {**OLD, "b.rules.yaml": f"{MARK} b\n"}.items())
    assert (folder / "a.rules.yaml").stat().st_ino == before.st_ino


def test_an_error_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    """What makes the files may find a fault in the last one: the old set stays, whole; of a first build, nothing."""
    def faulty() -> Iterator[tuple[str, str]]:
        yield from NEW.items()
        raise BadInput([])

    with pytest.raises(BadInput):
        generated.write(tmp_path / "generated", faulty())
    assert not [*tmp_path.iterdir()]
    generated.write(tmp_path / "generated", OLD.items())
    with pytest.raises(BadInput):
        generated.write(tmp_path / "generated", faulty())
    assert read(tmp_path / "generated") == OLD


def test_one_file_at_a_time_is_held(tmp_path: Path) -> None:
    """A set of any size is written in little memory: each text may be forgotten when the next one is made."""
    texts: list[weakref.ref[Text]] = []

    def many() -> Iterator[tuple[str, str]]:
        for number in range(5):
            text = Text(f"{MARK} {number}\n")
            texts.append(weakref.ref(text))
            yield f"{number}.rules.yaml", text
            del text
            assert sum(ref() is not None for ref in texts) <= 1

    assert generated.write(tmp_path / "generated", many()) == (5, 5)


class Text(str):
    """One that can be watched."""
