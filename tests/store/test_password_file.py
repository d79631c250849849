"""The password of PostgreSQL in a file of its own."""

import pytest

from alertd.errors import StoreUnavailable
from alertd.store import database, postgres
from tests.postgres import PASSWORD


@pytest.mark.parametrize(("url", "plain"), [
    ("postgresql://u@h/d?password_file=/a", "postgresql://u@h/d"),
    ("postgresql://u@h,i/d?sslmode=disable&password_file=/a&x=1", "postgresql://u@h,i/d?sslmode=disable&x=1"),
    ("postgresql://u@h/d", "postgresql://u@h/d"),
])
def test_the_driver_is_told_of_the_password_alone(url, plain):
    """What else the address says stays."""
    told, words = postgres._apart(url)
    assert told == plain
    assert set(words) == ({"password"} if "password_file" in url else set())


async def test_it_is_read_for_each_connection(postgres_url, tmp_path):
    """Readable by a group, with its line's end; one that is wrong or away is said, and a new one needs no restart."""
    file = tmp_path / "password file"
    address = postgres_url.replace(f":{PASSWORD}@", "@") + f"?password_file={tmp_path}/password%20file"
    db = database.connect(address)
    with pytest.raises(FileNotFoundError, match="password file"):
        await postgres.connect(address)
    file.write_text("wrong\n")
    with pytest.raises(postgres.faults(), match="password authentication failed"):
        await postgres.connect(address)
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o440)
    await database.migrate(db)
    async with db.reader.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
    await db.close()


async def test_a_start_without_it_says_which_file(postgres_url, tmp_path):
    """In one line, without a stack of calls."""
    address = postgres_url.replace(f":{PASSWORD}@", "@") + f"?password_file={tmp_path}/gone"
    db = database.connect(address)
    with pytest.raises(StoreUnavailable, match="gone"):
        await database.migrate(db)
    await db.close()
