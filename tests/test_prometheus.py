"""The adapter against a server that answers as told."""

import asyncio
import json

import pytest
from aiohttp import web

from alertd.prometheus import Prometheus, PrometheusUnreachable, Sample


@pytest.fixture
async def server():
    """A Prometheus whose next answer a test sets; counts requests."""
    state = {"body": "", "status": 200, "count": 0}

    async def answer(_request):
        state["count"] += 1
        return web.Response(text=state["body"], status=state["status"], content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/api/v1/query", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    state["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield state
    await runner.cleanup()


def vector(*values, **more):
    result = [{"metric": {"job": "x"}, "value": [1, value]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}} | more)


async def ask(server):
    return await asyncio.to_thread(Prometheus(server["url"], timeout=1).instant, "up")


async def test_samples_and_warnings_are_kept(server):
    """A partial answer says so."""
    server["body"] = vector("0.5", warnings=["store gateway is away"])
    answer = await ask(server)
    assert answer.samples == (Sample({"job": "x"}, 0.5),)
    assert answer.warnings == ("store gateway is away",)


async def test_not_a_number_is_unknown(server):
    """NaN is no value, and never zero."""
    server["body"] = vector("NaN")
    assert (await ask(server)).samples[0].value is None


@pytest.mark.parametrize(("status", "body"), [(503, "{}"), (200, "<html>log in</html>"), (400, '{"status":"error"}')])
async def test_a_fault_is_one_error_after_one_request(server, status, body):
    """The library would try four times; this tries once."""
    server.update(status=status, body=body)
    with pytest.raises(PrometheusUnreachable, match="gave no answer to 'up'"):
        await ask(server)
    assert server["count"] == 1


async def test_a_table_comes_by_the_library_or_by_post(server):
    """A query too long for an address goes in the body; values, NaN and warnings are the same either way."""
    asked = []

    async def answer(request):
        asked.append((request.method, (await request.post() if request.method == "POST" else request.query)["query"]))
        result = [{"metric": {"slo": "up"}, "values": [[300, "1"], [600, "NaN"]]}]
        return web.json_response({"status": "success", "warnings": ["partial"], "data": {"result": result}})

    app = web.Application()
    app.router.add_route("*", "/api/v1/query_range", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = Prometheus(f"http://127.0.0.1:{runner.addresses[0][1]}", timeout=1)
    for query in ("up", "up + " * 900 + "up"):
        table = await asyncio.to_thread(client.table, query, 300_000, 600_000, 300_000)
        assert table.lines[0].samples == ((300_000, 1.0), (600_000, None))
        assert table.warnings == ("partial",)
    await runner.cleanup()
    assert [method for method, _ in asked] == ["GET", "POST"]


def test_no_error_shows_a_password():
    """An address may hold one; logs, the store and answers do not."""
    client = Prometheus("http://ann:hunter2@127.0.0.1:1", timeout=1)
    with pytest.raises(PrometheusUnreachable) as told:
        client.instant("up")
    assert "hunter2" not in str(told.value)
    assert told.value.fields["reason"] == "[Errno 111] Connection refused"
    assert client.shown == "http://127.0.0.1:1"
