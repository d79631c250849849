from __future__ import annotations

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd import escaping
from tests import made

TEXT = st.text(st.characters(), max_size=200) | st.sampled_from([text for text in made.HOSTILE if len(text) < 10_000])


@given(TEXT, st.integers(1, 50))
def test_a_line_is_one_line(text: str, most: int) -> None:
    """Whatever goes in: one line, in UTF-8, no longer than asked."""
    line = escaping.line(text, most)
    assert len(line) <= most
    assert len(f"{line}x".splitlines()) == 1
    assert "\x00" not in line
    line.encode()


def test_plain_text_is_left_alone() -> None:
    """Words of any language, braces and emoji stay as they are."""
    for text in ("Überlast auf {{ $labels.pod }}", "磁盘已满 🔥", "a < b & c > d", "👩‍🚒 {0.__class__} %s"):
        assert escaping.line(text, 100) == text


def test_line_ends_of_a_block_are_plain() -> None:
    """Every kind of line end becomes the same."""
    assert escaping.block("a\r\nb\rc\u2028d\x85e\x00\x1b[31m", 100) == "a\nb\nc\nd\ne[31m"


def test_a_cut_is_seen() -> None:
    """An ellipsis stands for what is missing, within the length."""
    assert escaping.cut("abcdef", 4) == "abc…"
    assert escaping.cut("abcd", 4) == "abcd"


@given(TEXT)
def test_slack_text_reads_back_and_calls_nobody(text: str) -> None:
    """Unescaped it is the same text but for broken calls; escaped it has no sign of Slack's."""
    escaped = escaping.slack(text)
    assert not set("<>") & set(escaped)
    back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\u2060", "")
    assert back == text.replace("\u2060", "")
    assert not any(call in escaped.lower() for call in ("@here", "@channel", "@everyone"))


@given(TEXT, st.integers(8, 60))
def test_what_is_cut_is_cut_before_it_is_escaped(text: str, room: int) -> None:
    """No entity is cut in half, and the escaped text fits."""
    escaped = escaping.within(text, room, escaping.slack)
    assert len(escaped) <= room
    assert "&" not in escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


@pytest.mark.parametrize(("given", "written"), [
    ("https://example.com", "https://example.com"), (" http://Example.com:8080/a b ", None),
    ("HTTP://EXAMPLE.com/A?b=c&d=%20e#f", "http://example.com/A?b=c&d=%20e#f"),
    ("https://grafana/d/x?var-a={b}\"'<>|", "https://grafana/d/x?var-a=%7Bb%7D%22%27%3C%3E%7C"),
    ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"), ("http://[::1]:9090/x", "http://[::1]:9090/x"),
    ("javascript:alert(1)", None), ("JaVa\tscript:alert(1)", None), ("data:text/html,x", None),
    ("//evil.example", None),
    ("https://good.example@evil.example", None), ("https://good.example\\@evil.example", None), ("https://", None),
    ("https://a\nb", None), ("https://a:99999/", None), ("https://a:x/", None), ("https://\u202eevil", None),
    ("https://[", None), ("runbook in the wiki", None), ("", None), ("https://x/" + "a" * 3000, None)])
def test_web_addresses(given: str, written: str | None) -> None:
    """http and https with a host and no user name, written anew; everything else is no link."""
    assert escaping.web_address(given) == written


@given(TEXT | TEXT.map(lambda text: f"https://example.com/{text}") | TEXT.map(lambda text: f"https://{text}"))
def test_an_address_is_plain_ascii_of_a_web_host(text: str) -> None:
    """Nothing in it can leave an attribute or a Slack link, or hide the host."""
    written = escaping.web_address(text)
    if written is not None:
        parts = urllib.parse.urlsplit(written)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert parts.username is None
        assert written.isascii()
        assert not set(" <>\"'|\\`{}") & set(written)
        assert escaping.web_address(written) == written
