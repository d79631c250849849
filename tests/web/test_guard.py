"""The door, at a real daemon: strangers, roles, passwords, certificates, a proxy."""

import asyncio
import contextlib
import dataclasses
import json
import re
import ssl
import subprocess

import aiohttp
import bcrypt
import pytest

from alertd.access import Access, digest_of
from alertd.cli.asking import from_daemon
from alertd.daemon import Options, serving
from alertd.engine.clock import SystemClock
from alertd.errors import NoDoor
from alertd.web.guard import Door
from tests.bodies import body
from tests.web.conftest import ROUTING

OPEN = {"/-/healthy", "/-/ready"}
KEYS = ("admin", "viewer", "responder", "sender", "scraper")  # each its own name
ACCESS = "access:\n  keys:\n" + "".join(
    f"    - {{name: {role}, role: {role}, sha256: {digest_of(role)}}}\n" for role in KEYS
) + f"    - {{name: joe, role: responder, teams: [payments], sha256: {digest_of('joe')}}}\n"


@dataclasses.dataclass
class House:
    http: aiohttp.ClientSession
    url: str
    folder: object

    async def ask(self, method, path, key=None, **more):
        headers = more.pop("headers", {}) | ({"Authorization": f"Bearer {key}"} if key else {})
        async with self.http.request(method, self.url + path, headers=headers, **more) as answer:
            return answer.status


@pytest.fixture
async def opened(tmp_path, logs):
    """Starts daemons in this process, with these lines added to routing.yaml and this web file."""
    async with contextlib.AsyncExitStack() as stack:
        async def start(routing="", web=None, guarded=False, context=None):
            (tmp_path / "routing.yaml").write_text(ROUTING + routing)
            if web is not None:
                (tmp_path / "web.yml").write_text(web)
            options = Options(tmp_path / "routing.yaml", tmp_path / "rules", f"sqlite:///{tmp_path}/a.db",
                              "127.0.0.1", 0,
                              web_config=tmp_path / "web.yml" if web is not None else None, guarded=guarded)
            daemon = await stack.enter_async_context(serving(options, SystemClock()))
            connector = aiohttp.TCPConnector(ssl=context or True)
            http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            return House(http, daemon.address, tmp_path)
        yield start


def routes():
    """Every route the application has, with an id in its path."""
    from unittest import mock

    from alertd.web.app import build

    app = build(mock.MagicMock())
    return sorted({(route.method, route.resource.canonical.replace("{id}", "1")) for route in app.router.routes()})


async def test_strangers_are_let_in_nowhere(opened):
    """Every route there is, and those there are not; but for the two that say whether the process lives."""
    house = await opened(ACCESS)
    for method, path in [*routes(), ("GET", "/nothing")]:
        status = await house.ask(method, path)
        assert status == 200 if path in OPEN else status == 401, (method, path)


def file(password):
    """A web file in which jane has this password."""
    return f"basic_auth_users: {{jane: {bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}}}\n"


@pytest.mark.parametrize(("role", "may"), [
    ("sender", set()), ("scraper", {"/metrics"}), ("viewer", {"/", "/api/v1/status"}),
    ("responder", {"/", "/api/v1/status"}), ("admin", {"/", "/api/v1/status", "/metrics"})])
async def test_a_role_opens_its_routes_and_no_other(opened, role, may):
    """403 to who is known and may not."""
    house = await opened(ACCESS)
    for path in ("/", "/api/v1/status", "/metrics"):
        assert await house.ask("GET", path, role) == (200 if path in may else 403)
    sent = await house.ask("POST", "/webhook/alertmanager", role, data=body("a"))
    assert sent == (200 if role in ("sender", "admin") else 403)
    assert await house.ask("POST", "/-/reload", role) == (200 if role == "admin" else 403)


async def test_a_team_acknowledges_only_its_own(opened):
    """By the label `team` of the incident's alerts; and the audit names the key."""
    house = await opened(ACCESS)
    for team in ("payments", "db"):
        told = json.loads(body(team, group={"alertname": team}, groupKey=team))
        told["alerts"][0]["labels"]["team"] = team
        await house.ask("POST", "/webhook/alertmanager", "sender", data=json.dumps(told))
    async with house.http.get(house.url + "/api/v1/incidents", headers={"Authorization": "Bearer viewer"}) as answer:
        ids = {item["labels"]["alertname"]: item["id"] for item in (await answer.json())["items"]}
    assert await house.ask("POST", f"/api/v1/incidents/{ids['db']}/acknowledge", "joe") == 403
    assert await house.ask("POST", f"/api/v1/incidents/{ids['payments']}/acknowledge", "joe") == 200


async def test_longer_maintenance_takes_an_admin(opened):
    """A responder plans a day at most, and within its teams."""
    house = await opened(ACCESS)
    wish = {"match": ['team="payments"'], "for": "2d", "reason": "move", "confirm": True}
    assert await house.ask("POST", "/api/v1/maintenance", "joe", json=wish) == 403
    assert await house.ask("POST", "/api/v1/maintenance", "joe", json=wish | {"for": "2h"}) == 201
    assert await house.ask("POST", "/api/v1/maintenance", "joe", json=wish | {"for": "2h", "match": ['a="b"']}) == 403
    assert await house.ask("POST", "/api/v1/maintenance", "admin", json=wish) == 201


async def test_a_password_is_asked(opened):
    """The second time from memory."""
    house = await opened(web=file("secret"))
    for name, password, status in (("jane", "secret", 200), ("jane", "wrong", 401), ("joe", "secret", 401)) * 2:
        shown = {"Authorization": aiohttp.encode_basic_auth(name, password)}
        assert await house.ask("GET", "/", headers=shown) == status


async def test_the_file_is_read_again_when_it_changes(tmp_path):
    """One with a fault leaves everything as it was."""
    path = tmp_path / "web.yml"
    path.write_text(file("old"))
    door = Door(path, Access)
    old = door.web_file.passwords
    path.write_text("basic_auth_user: {}\n")
    await door.tick()
    assert door.web_file.passwords == old
    path.write_text(file("new"))
    await door.tick()
    assert door.web_file.passwords != old


async def test_too_many_requests_are_told_to_wait(opened):
    """429; but a webhook gets 503, since Alertmanager gives up after a 429."""
    house = await opened(ACCESS, web="rate_limit: {interval: 1m, burst: 3}\n")
    assert [await house.ask("GET", "/", "viewer") for _ in range(4)] == [200, 200, 200, 429]
    assert await house.ask("POST", "/webhook/alertmanager", "sender", data=body("a")) == 503


async def test_a_proxy_vouches_for_people(opened):
    """From its address; its groups grant roles."""
    house = await opened("access:\n  proxy: {from: [127.0.0.1]}\n  groups: {sre: {role: viewer}}\n",
                         web="rate_limit: {interval: 0s}\n")
    vouched = {"X-Forwarded-User": "jane", "X-Forwarded-Groups": "dev, sre"}
    assert await house.ask("GET", "/", headers=vouched) == 200
    assert await house.ask("GET", "/", headers=vouched | {"X-Forwarded-Groups": "dev"}) == 403


async def test_commands_show_a_key_from_a_file(opened, tmp_path, monkeypatch):
    """The one that ALERTD_KEY_FILE names; without it they are strangers."""
    house = await opened(ACCESS)
    (tmp_path / "key").write_text("viewer\n")
    with pytest.raises(SystemExit):
        await asyncio.to_thread(from_daemon, house.url, "/api/v1/incidents")
    monkeypatch.setenv("ALERTD_KEY_FILE", str(tmp_path / "key"))
    assert await asyncio.to_thread(from_daemon, house.url, "/api/v1/incidents") == {"items": [], "next": None}


async def test_headers_of_a_stranger_are_not_a_proxys_word(opened):
    """They come from another address."""
    house = await opened("access:\n  proxy: {from: [10.0.0.1]}\n  groups: {sre: {role: viewer}}\n",
                         web="rate_limit: {interval: 0s}\n")
    assert await house.ask("GET", "/", headers={"X-Forwarded-User": "jane", "X-Forwarded-Groups": "sre"}) == 401


async def test_off_this_machine_somebody_has_to_ask(opened):
    """It does not start otherwise."""
    with pytest.raises(NoDoor, match=r"--web\.config\.file"):
        await opened(guarded=True)


def certificates(folder):
    """An authority, a server's certificate and a client's, in PEM."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key",
            "-out", "ca.crt", "-subj", "/CN=ca", "-days", "2")
    for name, alternative in (("server", "IP:127.0.0.1"), ("am", "DNS:alertmanager")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.crt", "-days", "2", "-copy_extensions", "copy")


async def test_a_certificate_of_ours_lets_in(opened, tmp_path):
    """Mutual TLS: without one there is no connection; with one its name has a role."""
    certificates(tmp_path)
    context = ssl.create_default_context(cafile=tmp_path / "ca.crt")
    house = await opened("access: {users: {alertmanager: {role: sender}}}\n", web="""
tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: RequireAndVerifyClientCert,
                    client_ca_file: ca.crt}
""", context=context)
    with pytest.raises(aiohttp.ClientError):
        await house.ask("GET", "/-/healthy")
    context.load_cert_chain(tmp_path / "am.crt", tmp_path / "am.key")
    assert await house.ask("POST", "/webhook/alertmanager", data=body("a")) == 200
    assert await house.ask("GET", "/") == 403


async def test_pages_offer_what_the_visitor_may_do_and_hold_to_it(opened):
    """A viewer sees no button, and a form of theirs is refused; joe's is kept to joe's teams, and signed by joe."""
    house = await opened(ACCESS)
    for team in ("payments", "db"):
        told = json.loads(body(team, group={"alertname": team}, groupKey=team))
        told["alerts"][0]["labels"]["team"] = team
        await house.ask("POST", "/webhook/alertmanager", "sender", data=json.dumps(told))
    pages = {}
    for key in ("viewer", "joe"):
        async with house.http.get(house.url + "/", headers={"Authorization": f"Bearer {key}"}) as answer:
            pages[key] = await answer.text()
    assert "data-acknowledge" not in pages["viewer"]
    assert "You act as joe." in pages["joe"]
    token = re.search(r'name="token" value="(\w+)"', pages["joe"])[1]
    ids = {name: id for id, name in re.findall(r'href="/incidents/(\w+)">(\w+) is broken', pages["joe"])}
    form = {"data": {"token": token, "by": "eve", "back": "/"}, "headers": {"Cookie": f"alertd_form={token}"},
            "allow_redirects": False}
    assert await house.ask("POST", f"/incidents/{ids['payments']}/acknowledge", "viewer", **form) == 403
    assert await house.ask("POST", f"/incidents/{ids['db']}/acknowledge", "joe", **form) == 403
    assert await house.ask("POST", f"/incidents/{ids['payments']}/acknowledge", "joe", **form) == 303
    async with house.http.get(house.url + "/audit", headers={"Authorization": "Bearer viewer"}) as answer:
        assert "eve through joe" in await answer.text()
