"""Questions to a Prometheus, through prometheus-api-client, with what that library leaves open closed here.

It retries by itself (6 to 10 s), waits for ever without a timeout, raises four families of errors and drops the
`warnings` by which a federated server says that its answer is partial. Here: one try, a time limit, one error, and
the warnings kept. It blocks, so call it in a thread; a session is not promised to be shared by threads, so each
thread makes its own.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Mapping
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3 import Retry

from alertd.errors import AlertdError

TIMEOUT = 10.0  # seconds


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


class Prometheus:
    """One server."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url = url
        self._timeout = timeout
        self._local = threading.local()

    def instant(self, query: str) -> Answer:
        """What the query gives now; raises PrometheusUnreachable. Blocks up to the time limit."""
        client = self._client()
        self._local.warnings = ()
        try:
            rows = client.custom_query(query)
            samples = tuple(Sample(row["metric"], _number(row["value"][1])) for row in rows)
        except (PrometheusApiClientException, requests.RequestException, ValueError,
                KeyError, TypeError, IndexError) as error:
            raise PrometheusUnreachable(url=self._url, query=query, reason=str(error)[:300]) from error
        return Answer(samples, tuple(self._local.warnings))

    def _client(self) -> Any:
        if not hasattr(self._local, "client"):
            session = requests.Session()
            session.trust_env = False  # a proxy of the environment is not meant for a neighbour
            session.hooks["response"].append(self._keep_warnings)
            client = PrometheusConnect(
                url=self._url, retry=Retry(0), timeout=self._timeout, session=session)
            self._local.client = client
        return self._local.client

    def _keep_warnings(self, response: requests.Response, *_: Any, **__: Any) -> None:
        try:
            self._local.warnings = tuple(response.json().get("warnings", ()))
        except (ValueError, AttributeError):
            self._local.warnings = ()


def _number(text: str) -> float | None:
    value = float(text)
    return None if math.isnan(value) else value
