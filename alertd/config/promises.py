"""The promises of rules/, read by a process of its own that ends with them.

Who counts nothing needs of rules/ a line for each objective. To read them takes the whole reader of rules/, the presets
and the parser of PromQL, which would stay in memory for as long as the daemon lives: 7 MB.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from alertd.errors import BadInput, Finding
from alertd.slo.promise import Promise

REFUSED = 3  # the status of the process that found faults


def read_apart(folder: Path) -> tuple[Promise, ...]:
    """By another process of this Python. Raises BadInput, also where there can be no such process. Blocks."""
    # -P: what lies in the folder where the daemon was started is none of its modules
    command = [sys.executable, "-P", "-m", __name__, str(folder)]
    try:
        run = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  a fixed command, no shell
    except OSError as error:
        raise _broken(folder, str(error)) from error
    if run.returncode == REFUSED:
        raise BadInput(msgspec.json.decode(run.stdout, type=tuple[Finding, ...]))
    if run.returncode:
        said = run.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise _broken(folder, f"it ended with status {run.returncode}: {said}")
    return msgspec.json.decode(run.stdout, type=tuple[Promise, ...])


def _broken(folder: Path, why: str) -> BadInput:
    return BadInput([Finding(str(folder), 0, 0, f"the process that reads it broke ({why})", "look at what it says")])


def main(folder: str) -> int:
    """What `read_apart` starts: the promises, or the faults, as JSON on stdout."""
    from alertd.config import rules_file
    from alertd.rulegen import objectives

    try:
        declared = rules_file.load(Path(folder)).declared
    except BadInput as error:
        sys.stdout.buffer.write(msgspec.json.encode(error.findings))
        return REFUSED
    promises = [objectives.promise(watch) for service in declared.services for watch in objectives.watches(service)]
    sys.stdout.buffer.write(msgspec.json.encode(promises))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
