"""Other versions of alertd than the one that is tested: the last one with tables of a revision before, from the history
in git, and one to come, which is this one with a migration more."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from alertd.store.database import REVISION

ROOT = Path(__file__).parents[2]
DATABASE = "alertd/store/database.py"
SAYS = f'REVISION = "{REVISION}"'
NEXT = "9000"
# what a version may add while the one before serves: what that one does not know of, and can leave out
MIGRATION = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT}", "{REVISION}"


def upgrade():
    op.add_column("incidents", sa.Column("later", sa.Text))
    op.add_column("alerts", sa.Column("later", sa.Text))
    op.add_column("notifications", sa.Column("later", sa.Integer, nullable=False, server_default="0"))
    op.create_index("alerts_later", "alerts", ["later"])
    op.create_table("later", sa.Column("id", sa.Text, primary_key=True))
'''


def before(folder: Path) -> Path:
    """Where the version before lies. Skips the test where there is no history: in a shallow clone, in an archive."""
    since = _git("log", "-1", "--format=%H", f"-S{SAYS}", "--", DATABASE).decode().strip()
    with tarfile.open(fileobj=io.BytesIO(_git("archive", f"{since}^", "alertd"))) as archive:
        archive.extractall(folder, filter="data")
    assert SAYS not in (folder / DATABASE).read_text()
    return folder


def to_come(folder: Path) -> Path:
    """Where the version to come lies."""
    shutil.copytree(ROOT / "alertd", folder / "alertd", ignore=shutil.ignore_patterns("__pycache__"))
    database = folder / DATABASE
    database.write_text(database.read_text().replace(SAYS, f'REVISION = "{NEXT}"'))
    (folder / "alertd/store/migrations/versions/9000_later.py").write_text(MIGRATION)
    return folder


def _git(*words: str) -> bytes:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the history in git does not reach back to the revision before")
