"""Questions to a Prometheus, through prometheus-api-client, with what that library leaves open closed here.

It retries by itself (6 to 10 s), waits for ever without a timeout, raises four families of errors and drops the
`warnings` by which a federated server says that its answer is partial. Here: one try, a time limit, one error, and
the warnings kept. It blocks, so call it in a thread; a session is not promised to be shared by threads, so each
thread makes its own.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3 import Retry

from alertd.config import units
from alertd.errors import AlertdError
from alertd.model import DAY, Millis

TIMEOUT = 10.0  # seconds
LONGEST = 2000  # characters of a query in an address, which proxies cut at 4 to 8 KB
_UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError)


class PrometheusUnreachable(AlertdError):
    """{url} gave no answer to {query!r}: {reason}"""


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant answer. `value` is None where Prometheus has NaN: unknown, never zero."""

    labels: Mapping[str, str]
    value: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """An instant answer. No sample means that nothing is known, not zero; `warnings` mean that it is partial."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """One series of a range answer: the times (ms) at which it has a sample, rising, and what each is."""

    labels: Mapping[str, str]
    times: tuple[Millis, ...]
    values: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """A range answer; `warnings` mean that it is partial."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One series of a table: its samples by time (ms), rising. A value is None where Prometheus has NaN."""

    labels: Mapping[str, str]
    samples: tuple[tuple[Millis, float | None], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A range answer with its values; `warnings` mean that it is partial."""

    lines: tuple[Line, ...]
    warnings: tuple[str, ...]


class Prometheus:
    """One server."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url = url
        self.shown = shown(url)
        self._timeout = timeout
        self._local = threading.local()

    def instant(self, query: str, at: Millis | None = None) -> Answer:
        """What the query gives now, or gave then; raises PrometheusUnreachable. Blocks up to the time limit."""
        rows = self._asked(query, lambda client: client.custom_query(
            query, params={} if at is None else {"time": at / 1000}))
        try:
            samples = tuple(Sample(row["metric"], _number(row["value"][1])) for row in rows)
        except _UNREADABLE as error:
            raise PrometheusUnreachable(url=self.shown, query=query, reason=f"unreadable: {error!r}") from error
        return Answer(samples, tuple(self._local.warnings))

    def table(self, query: str, start: Millis, end: Millis, step: Millis) -> Table:
        """What the query gives at `start` and each `step` up to `end`, whole seconds all of them. One that is longer
        than an address may be goes by POST, which the library does not do."""
        if len(query) <= LONGEST:
            first, last = (datetime.datetime.fromtimestamp(at / 1000, datetime.UTC) for at in (start, end))
            rows = self._asked(query, lambda client: client.custom_query_range(query, first, last, f"{step // 1000}s"))
            warnings = self._local.warnings
        else:
            asked = {"query": query, "start": start / 1000, "end": end / 1000, "step": step / 1000}
            body = self._answer(query, "query_range", data=asked)
            rows, warnings = body.get("data", {}).get("result"), body.get("warnings", ())
        try:
            lines = tuple(Line(row["metric"], tuple((round(at * 1000), _number(value)) for at, value in row["values"]))
                          for row in rows)
        except _UNREADABLE as error:
            raise PrometheusUnreachable(url=self.shown, query=query[:200], reason=f"unreadable: {error!r}") from error
        return Table(lines, tuple(map(str, warnings)))

    def range(self, query: str, start: Millis, end: Millis, step: Millis) -> History:
        """What the query gives at `start` and each `step` up to `end`; the server takes 11,000 times at most. By POST,
        for an expression can be longer than an address may be."""
        asked = {"query": query, "start": start / 1000, "end": end / 1000, "step": step / 1000}
        body = self._answer(query, "query_range", data=asked)
        try:
            series = tuple(Series(row["metric"], tuple(round(at * 1000) for at, _ in row["values"]),
                                  tuple(float(value) for _, value in row["values"]))
                           for row in body["data"]["result"])
        except (KeyError, TypeError, ValueError) as error:
            raise PrometheusUnreachable(url=self.shown, query=query, reason=f"unreadable: {error!r}") from error
        return History(series, tuple(map(str, body.get("warnings", ()))))

    def recording(self) -> Mapping[tuple[str, frozenset[tuple[str, str]]], str]:
        """The records that the server makes: their expressions by name and labels, as the server writes them."""
        groups = self._get("rules", {"type": "record"})["groups"]
        return {(rule["name"], frozenset(rule.get("labels", {}).items())): rule["query"]
                for group in groups for rule in group["rules"]}

    def values(self, label: str, metric: str | None = None) -> frozenset[str]:
        """The values a label has, of one metric or of all; of `__name__`, every metric there is."""
        asked = {"match[]": metric} if metric else {}
        return frozenset(map(str, self._get(f"label/{label}/values", asked)))

    def retention(self) -> Millis | None:
        """How long samples are kept; None where the server does not say (it may be something else that speaks
        Prometheus' language)."""
        flags = self._of_itself("flags")
        text = flags.get("storage.tsdb.retention.time") or flags.get("storage.tsdb.retention") or ""
        kept = _duration(text)
        # 0s is what it says when nobody set it: https://prometheus.io/docs/prometheus/latest/storage/
        return kept or (15 * DAY if text else None)

    def storage(self) -> str | None:
        """The folder it keeps samples in, as it was told; None where it does not say."""
        return self._of_itself("flags").get("storage.tsdb.path")

    def scrape_interval(self) -> Millis | None:
        """The server's own, which a job may change for itself."""
        text = self._of_itself("config").get("yaml", "")
        found = re.search(r"^global:\n(?:  .*\n)*?  scrape_interval: (\S+)", text, re.MULTILINE)
        return _duration(found[1]) if found else None

    def _of_itself(self, what: str) -> dict[str, str]:
        try:
            told = self._get(f"status/{what}", {})
        except PrometheusUnreachable:
            return {}
        return told if isinstance(told, dict) else {}

    def _get(self, path: str, asked: Mapping[str, str | float]) -> Any:
        """The data at a path of the API that the library does not cover."""
        return self._answer(path, path, params=asked).get("data")

    def _answer(self, query: str, path: str, **asked: Any) -> dict[str, Any]:
        """The body of a good answer; `data` is sent by POST, `params` in the address."""
        self._client()
        try:
            answer = self._local.session.request("POST" if "data" in asked else "GET", timeout=self._timeout,
                                                 url=f"{self._url.rstrip('/')}/api/v1/{path}", **asked)
            body: dict[str, Any] = answer.json()
            if body["status"] != "success":
                raise ValueError(body.get("error", answer.status_code))
        except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PrometheusUnreachable(url=self.shown, query=query[:200], reason=_reason(error)) from error
        return body

    def _asked(self, query: str, ask: Callable[[Any], Any]) -> Any:
        """What the library answers; the warnings stand beside it."""
        client = self._client()
        self._local.warnings = ()
        try:
            return ask(client)
        except (PrometheusApiClientException, requests.RequestException, *_UNREADABLE) as error:
            raise PrometheusUnreachable(url=self.shown, query=query, reason=_reason(error)) from error

    def _client(self) -> Any:
        if not hasattr(self._local, "client"):
            session = requests.Session()
            session.trust_env = False  # a proxy of the environment is not meant for a neighbour
            session.hooks["response"].append(self._keep_warnings)
            client = PrometheusConnect(
                url=self._url, retry=Retry(0), timeout=self._timeout, session=session)
            self._local.client, self._local.session = client, session
        return self._local.client

    def _keep_warnings(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._local.warnings = ()
        if b'"warnings"' not in response.content:  # a large answer is read once, by the library
            return
        try:
            self._local.warnings = tuple(response.json().get("warnings", ()))
        except (ValueError, AttributeError):
            self._local.warnings = ()


def _reason(error: Exception) -> str:
    """What went wrong in a few words: of a chain of connections that were tried, the last word."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    return str(cause).rpartition(": ")[2][:300] if cause is not None else str(error)[:300]


def shown(url: str) -> str:
    """The address without the name and password that may stand in it."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _duration(text: str) -> Millis | None:
    try:
        return units.duration(text) if text else None
    except ValueError:
        return None


def _number(text: str) -> float | None:
    value = float(text)
    return None if math.isnan(value) else value
