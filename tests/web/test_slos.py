"""Error budgets by the API."""

import json

from click.testing import CliRunner

from alertd.cli.group import group


async def test_without_objectives_the_list_is_empty(site):
    """And no error."""
    assert await site.json("/api/v1/slos") == {"items": [], "next": None}


async def test_a_window_that_is_none_is_refused(site):
    """400, and what to write."""
    for query in ("window=fortnight", "window=month&timezone=Mars", "limit=0", "state=green", "cursor=x"):
        status, text = await site.get(f"/api/v1/slos?{query}")
        assert status == 400, query
        assert json.loads(text)["error"]


async def test_what_nobody_declared_is_not_found(site):
    """404."""
    assert (await site.get("/api/v1/slos/x:y"))[0] == 404


def test_the_command_says_that_nothing_is_declared(tmp_path):
    """And that there is no such store, with status 3."""
    done = CliRunner().invoke(group, ["slo", "status", "--store", f"sqlite:///{tmp_path}/none.db"])
    assert done.exit_code == 3
