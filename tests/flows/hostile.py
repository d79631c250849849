"""Requests that nobody sane would send: drawn by schemathesis from the API's own description, and by hypothesis for all
that it does not describe."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from tests.flows.processes import webhook
from tests.made import HOSTILE

OURS = {"host", "content-length", "transfer-encoding", "connection", "authorization", "expect"}  # the client's own
METHODS = (*["GET", "POST"] * 4, "DELETE", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW")
LONGEST = 10_000  # characters: what is larger than the door lets in is tried elsewhere, and here all is kept at once
HEADERS = ("Content-Type", "Content-Encoding", "Accept", "Cookie", "Origin", "Range", "If-None-Match",
           "X-Forwarded-User", "X-Forwarded-For", "X-Slack-Signature", "X-Slack-Request-Timestamp",
           "X-PagerDuty-Signature", "X-CSRF-Token")
TEXTS = st.one_of(st.sampled_from([text[:LONGEST] for text in HOSTILE]), st.text(max_size=40), st.sampled_from([
    "../../etc/passwd", "%00", "%2e%2e%2f", "'; DROP TABLE incidents; --", "\" OR 1=1 --", "9" * 400, "-1", "1e999",
    "NaN", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "gzip",
    "bytes=0-,9-"]))
VALUES = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
                      lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
                      max_leaves=8)


@dataclasses.dataclass(frozen=True)
class Request:
    """As it goes out; the path is encoded."""

    method: str
    path: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""


def described(description: Mapping[str, Any], number: int) -> Iterator[Request]:
    """About so many of every operation, half of them as it is described and half as it is not."""
    schema = schemathesis.openapi.from_dict(dict(description))
    operations = [result.ok() for result in schema.get_all_operations()]
    share = max(1, number // (2 * len(operations)))
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for case in drawn(operation.as_strategy(generation_mode=mode), share):
                if request := _sent(case):
                    yield request


def anything(paths: Sequence[str], ids: Sequence[str], number: int) -> list[Request]:
    """To every path there is and some there are not, with the ids of what there is."""
    paths = [re.sub(r"{\w+(:.*)?}", "{id}", path) for path in (*paths, "/{id}", "/api/v1/{id}", "/webhook/{id}")]
    names = st.one_of(st.sampled_from(list(ids)), TEXTS)
    return drawn(st.builds(
        _built, st.sampled_from(METHODS), st.sampled_from(paths), names, st.dictionaries(TEXTS, TEXTS, max_size=3),
        st.dictionaries(st.sampled_from(HEADERS), TEXTS, max_size=3),
        st.one_of(st.binary(max_size=200), VALUES.map(_json), _webhooks().map(_json))), number)


def drawn(strategy: st.SearchStrategy[Any], number: int) -> list[Any]:
    """So many, or as many as there are; the same at every run."""
    found: list[Any] = []

    @seed(0)
    @settings(max_examples=number, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(value: Any) -> None:
        found.append(value)

    with warnings.catch_warnings(), contextlib.suppress(Unsatisfiable):  # what takes nothing cannot be called wrongly
        warnings.simplefilter("ignore")
        draw()
    return found


def _webhooks() -> st.SearchStrategy[Any]:
    """One of Alertmanager in which something, on any level, is anything."""
    whole = webhook("Hostile", alerts=2)
    return st.one_of(
        st.builds(lambda name, value: whole | {name: value}, st.sampled_from(sorted(whole)), VALUES),
        st.builds(lambda name, value: whole | {"alerts": [whole["alerts"][0] | {name: value}]},
                  st.sampled_from(sorted(whole["alerts"][0])), VALUES),
        st.builds(lambda labels: whole | {"alerts": [whole["alerts"][0] | {"labels": labels}]},
                  st.dictionaries(TEXTS, TEXTS, max_size=4)))


def _json(value: Any) -> bytes:
    return json.dumps(value).encode(errors="surrogatepass")


def _built(method: str, path: str, name: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
           ) -> Request:
    url = requests.Request("GET", "http://x", params=_encoded(query)).prepare().path_url
    filled = path.replace("{id}", requests.utils.quote(_clean(name), safe=""))
    return Request(method, (filled + url.removeprefix("/"))[:8_000], _clean_headers(headers),
                   body if method not in ("GET", "HEAD", "TRACE") else b"")


def _sent(case: Any) -> Request | None:
    """None where it is nothing that HTTP can carry."""
    try:
        known = case.as_transport_kwargs(base_url="http://x")
        made = requests.Request(**{name: known[name] for name in (
            "method", "url", "headers", "cookies", "params", "json", "data", "files") if name in known}).prepare()
    except (ValueError, requests.RequestException):
        return None
    body = made.body.encode(errors="replace") if isinstance(made.body, str) else bytes(made.body or b"")
    return Request(str(made.method), made.path_url, _clean_headers(made.headers), body)


def _clean_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Without line ends, which no client sends."""
    return {name: " ".join(_clean(str(value)).split())[:2_000] for name, value in headers.items()
            if name.lower() not in OURS and name.isascii() and name.isprintable()}


def _encoded(texts: Mapping[str, str]) -> dict[str, str]:
    return {_clean(name): _clean(value) for name, value in texts.items()}


def _clean(text: str) -> str:
    return text[:1_000].encode(errors="replace").decode()
