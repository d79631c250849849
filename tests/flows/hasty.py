"""alertd whose claims last five seconds and not sixty, so that a test need not wait for the end of one."""

from __future__ import annotations

from alertd import cli
from alertd.engine import deliver

SECONDS = 5

if __name__ == "__main__":
    deliver.LEASE = SECONDS * 1000  # type: ignore[misc]  # what this file is for
    cli.main()
