from __future__ import annotations

import email as email_library
import email.policy
import html.parser
import ssl
import subprocess
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.channels import Net
from alertd.channels import email as channel
from alertd.config.secret import Secret
from alertd.demo.standins.smtp import Smtp
from alertd.errors import Rejected, TryLater
from alertd.model import Delivery, DigestText, Kind
from tests import made

SENDER = "alertd <alertd@example.com>"
TO = "management@example.com"


@pytest.fixture
async def server() -> AsyncIterator[Smtp]:
    async with Smtp() as standin:
        yield standin


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, made by itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", str(paths[0]), "-keyout", str(paths[1])], check=True, capture_output=True)
    return paths


@pytest.fixture
async def tls_server(certificate: tuple[Path, Path]) -> AsyncIterator[Smtp]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    async with Smtp(tls=context, users={"alertd": "pw"}) as standin:
        yield standin


def settings(server: Smtp, **more: Any) -> channel.Settings:
    return channel.Settings.model_validate({"smarthost": server.url, "from": SENDER, "to": [TO], **more})


def delivery(kind: Kind = Kind.FIRING, *, target: str = TO, **more: Any) -> Delivery:
    return made.delivery(kind, channel="email", target=target, **more)


def parsed(mail: EmailMessage) -> EmailMessage:
    """The mail as a reader gets it: after one trip over the wire."""
    message = email_library.message_from_bytes(mail.as_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


class Elements(html.parser.HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_mail_is_plain_text_first_then_html() -> None:
    """Headers, text and HTML of one alert."""
    mail = parsed(channel.payload(delivery(), SENDER))
    assert {name: mail[name] for name in ("Subject", "From", "To", "Date", "Auto-Submitted")} == {
        "Subject": "CRITICAL: Checkout errors 4.2 %", "From": SENDER, "To": TO,
        "Date": "Mon, 23 Nov 2026 14:03:00 +0000", "Auto-Submitted": "auto-generated"}
    assert [inner.get_content_type() for inner in mail.iter_parts()] == ["text/plain", "text/html"]
    assert part(mail, "plain") == (
        "CRITICAL: Checkout errors 4.2 %\n\nOne in 24 requests fails.\n\n"
        "Service: checkout\nEnvironment: production\nTeam: payments\nSince: 2026-11-23 14:03 UTC\nState: 1 firing\n\n"
        "- Checkout errors 4.2 % [node-7:9100]\n\n"
        "Runbook: https://runbooks.example.com/errors?a=1&b=2\n"
        "Dashboard: https://grafana.example.com/d/checkout\n"
        f"Silence: {made.SILENCE}\nOpen in alertd: {made.LINK}\n\nIncident A1B2\n")
    assert 'href="https://runbooks.example.com/errors?a=1&amp;b=2"' in part(mail, "html")
    assert "runbooks.example.com)" in part(mail, "html")


def test_ids_hold_no_clock_and_thread_the_incident() -> None:
    """The first mail has the incident's root id, later ones their own and refer to it; again is the same."""
    first, again = (channel.payload(delivery(key="k1"), SENDER) for _ in range(2))
    end = channel.payload(delivery(Kind.RESOLVED, key="k2", root={"message_id": "x"}), SENDER)
    other = channel.payload(delivery(key="k1", target="sre@example.com"), SENDER)
    assert first["Message-ID"] == again["Message-ID"] == end["In-Reply-To"] == end["References"]
    assert first["Message-ID"].endswith("@example.com>")
    assert len({first["Message-ID"], end["Message-ID"], other["Message-ID"]}) == 3


def test_an_end_says_resolved_in_every_part() -> None:
    """Subject, text and HTML."""
    mail = channel.payload(delivery(Kind.RESOLVED), SENDER)
    assert mail["Subject"] == "RESOLVED after 23 min (critical): Checkout errors 4.2 %"
    assert "resolved" in part(mail, "plain")
    assert "resolved" in part(mail, "html")


@pytest.mark.parametrize("style", ["responder", "management"])
@pytest.mark.parametrize("text", made.HOSTILE)
def test_hostile_text_makes_no_header_and_no_element(text: str, style: str) -> None:
    """What strangers write stays text."""
    check_hostile(text, style)


@given(st.text(st.characters(), max_size=300), st.sampled_from(["responder", "management"]))
def test_any_text_makes_no_header_and_no_element(text: str, style: str) -> None:
    """The same for whatever characters there are."""
    check_hostile(text, style)


def check_hostile(text: str, style: str) -> None:
    def mail(said: str) -> EmailMessage:
        labels = dict.fromkeys(("alertname", "service", "team", "instance"), f"a{said}")
        notes = dict.fromkeys(("summary", "description", "impact"), f"a{said}")
        told = delivery(alerts=(made.alert(labels=labels, annotations={**notes, "runbook_url": "https://x.example"}),),
                        style=style, key=said)
        return channel.payload(told, SENDER)

    plain, hostile = mail("plain"), mail(text)
    assert [name for name, _ in parsed(hostile).items()] == [name for name, _ in parsed(plain).items()]
    assert len(parsed(hostile)["Subject"].splitlines()) == 1
    assert "Bcc" not in parsed(hostile)
    assert Elements(part(hostile, "html")).tags == Elements(part(plain, "html")).tags


def test_braces_are_not_read() -> None:
    """Template and format signs arrive as they were written."""
    text = "{{7*7}} {0.__class__} {% x %} %s"
    mail = parsed(channel.payload(delivery(alerts=(made.alert(annotations={"summary": text}),)), SENDER))
    assert text in mail["Subject"]
    assert text in part(mail, "plain")
    assert text in "".join(Elements(part(mail, "html")).words)


def test_addresses_that_are_none_are_not_clicked() -> None:
    """javascript: and its kind stay text."""
    told = delivery(alerts=(made.alert(annotations={"summary": "s", "runbook_url": "javascript:alert(1)"}),))
    page = Elements(part(channel.payload(told, SENDER), "html"))
    assert page.links == [made.SILENCE, made.LINK]
    assert "javascript:alert(1)" in "".join(page.words)


@pytest.mark.parametrize("text", ["disk full", "&" * 400, "🔥" * 400])
def test_a_mail_is_below_80_kb_and_says_how_many_more(text: str) -> None:
    """Gmail clips what is longer."""
    alerts = tuple(made.alert(n, annotations={"summary": f"{n} {text}"}, labels={}) for n in range(500))
    mail = channel.payload(delivery(alerts=alerts, firing=2000), SENDER)
    page = part(mail, "html")
    listed = page.count("border-top") - 1
    assert len(page.encode()) < 80_000
    assert f'<a href="{made.LINK}" rel="noopener noreferrer">+{2000 - listed} more</a>' in page
    assert f"+{2000 - listed} more: {made.LINK}" in part(mail, "plain")


def test_a_digest_keeps_its_lines() -> None:
    """Each line of the text is one in the HTML, and it has an id of its own."""
    mail = channel.payload(delivery(Kind.DIGEST, digest=DigestText("alertd daily", "one\ntwo <b>")), SENDER)
    assert "one<br>two &lt;b&gt;<br>" in part(mail, "html")
    assert mail["Subject"] == "alertd daily"
    assert mail["List-Id"] == "alertd digest <digest.alertd.example.com>"


async def test_a_mail_arrives_once_with_its_recipient(server: Smtp, net: Net) -> None:
    """The stand-in keeps one mail, to the target only, and the receipt names the root."""
    receipt = await channel.send(delivery(), settings(server), net)
    (mail,) = server.mails
    assert mail.recipients == (TO,)
    assert mail.sender == "alertd@example.com"
    assert receipt.root == {"message_id": mail.message["Message-ID"]}
    assert "Checkout errors" in str(server.report()["mails"])


@pytest.mark.parametrize(("fault", "ambiguous"), [
    ({"mode": "500", "status": 451, "path": "RCPT"}, False), ({"mode": "500", "status": 451, "path": "DATA"}, False),
    ({"mode": "500", "status": 421, "path": "connect"}, False), ({"mode": "reset", "path": "connect"}, False),
    ({"mode": "reset", "path": "DATA"}, True), ({"mode": "drop-after-accept", "path": "DATA"}, True)])
async def test_what_may_pass_is_tried_later(server: Smtp, net: Net, fault: dict[str, Any], ambiguous: bool) -> None:
    """4xx and broken connections; in doubt only once the mail was handed over."""
    server.answer(**fault)
    with pytest.raises(TryLater) as caught:
        await channel.send(delivery(), settings(server), net)
    assert caught.value.ambiguous == ambiguous
    assert sum(entry.path == fault["path"] for entry in server.received) <= 2  # EHLO, then HELO


@pytest.mark.parametrize(("path", "status"), [("RCPT", 550), ("DATA", 554)])
async def test_what_is_refused_is_dead(server: Smtp, net: Net, path: str, status: int) -> None:
    """5xx, with the server's words, asked once."""
    server.answer("500", status=status, path=path)
    with pytest.raises(Rejected, match=f"{status}"):
        await channel.send(delivery(), settings(server), net)
    assert sum(entry.path == path for entry in server.received) == 1


@pytest.mark.parametrize(("path", "ambiguous"), [("connect", False), ("DATA", True)])
async def test_hanging_ends_within_the_timeout(
        server: Smtp, net: Net, hurry: None, path: str, ambiguous: bool) -> None:
    """A server that never answers is in doubt only after the mail was handed over."""
    server.answer("hang", path=path)
    with pytest.raises(TryLater) as caught:
        await channel.send(delivery(), settings(server), net)
    assert caught.value.ambiguous == ambiguous


async def test_no_connection_leaves_no_doubt(server: Smtp, net: Net) -> None:
    """Nobody there."""
    await server.stop()
    with pytest.raises(TryLater) as caught:
        await channel.send(delivery(), settings(server), net)
    assert not caught.value.ambiguous


async def test_tls_that_is_required_and_not_offered_is_an_error(server: Smtp, net: Net) -> None:
    """require_tls: true sends nothing in the clear."""
    with pytest.raises(Rejected, match="STARTTLS"):
        await channel.send(delivery(), settings(server, require_tls=True), net)
    assert server.mails == []


async def test_login_and_mail_go_by_tls(
        tls_server: Smtp, net: Net, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a certificate that is trusted, login and mail are encrypted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    known = settings(tls_server, require_tls=True, username="alertd", password=Secret("pw"))
    await channel.send(delivery(), known, net)
    assert [(mail.tls, mail.user) for mail in tls_server.mails] == [(True, "alertd")]


async def test_a_certificate_nobody_trusts_is_refused(tls_server: Smtp, net: Net) -> None:
    """TLS to anybody is no TLS; it may be mended, so it is tried again."""
    with pytest.raises(TryLater, match="TLS"):
        await channel.send(delivery(), settings(tls_server, require_tls=True), net)
    assert tls_server.mails == []


async def test_a_wrong_password_is_dead_and_not_told(tls_server: Smtp, net: Net) -> None:
    """The reason is the server's, and does not hold the password."""
    with pytest.raises(Rejected, match="535") as caught:
        await channel.send(delivery(), settings(tls_server, username="alertd", password=Secret("canary")), net)
    assert "canary" not in str(caught.value)


async def test_no_password_goes_out_in_the_clear(
        server: Smtp, net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off this machine, a server without TLS gets no login."""
    monkeypatch.setattr(channel.Settings, "local", False)
    known = settings(server, require_tls=False, username="alertd", password=Secret("pw"))
    with pytest.raises(Rejected, match="in the clear"):
        await channel.send(delivery(), known, net)


def test_settings_are_checked_when_read() -> None:
    """Hosts, addresses and rates; other machines get TLS unless the file says otherwise."""
    good = {"smarthost": "smtp.example.com:587", "from": "a@example.com", "to": ["b@example.com", "b@example.com"]}
    known = channel.Settings.model_validate(good)
    assert (known.targets(), known.endpoint(), known.rate_limit()) == (("b@example.com",), "smtp.example.com:587", 0.3)
    assert known.tls_required
    assert not channel.Settings.model_validate({**good, "smarthost": "127.0.0.1:25"}).tls_required
    faults: tuple[dict[str, Any], ...] = (
        {"smarthost": "smtp.example.com"}, {"from": "nobody"}, {"to": []}, {"to": ["a@b.c\r\nBcc: e@x.y"]},
        {"username": "u"}, {"rate": 0})
    for wrong in faults:
        with pytest.raises(pydantic.ValidationError):
            channel.Settings.model_validate({**good, **wrong})
