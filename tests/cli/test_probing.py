"""What `alertd init` asks a Prometheus, and how it takes no for an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from alertd.cli import _probing
from alertd.cli.group import group
from alertd.config import preset_file, yaml
from alertd.prometheus import Answer, Prometheus, PrometheusUnreachable, Sample
from alertd.starting.policy import Declared

PRESETS = preset_file.load(Path("none"))[0]


class Server(Prometheus):
    """One with a service whose histogram is slow to answer."""

    def __init__(self, url: str = "http://p:9090", timeout: float = 1.0) -> None:
        super().__init__(url, timeout)
        self.asked: list[str] = []

    def values(self, label: str, metric: str | None = None) -> frozenset[str]:
        self.asked.append(metric or label)
        if metric:
            raise PrometheusUnreachable(url=self.shown, query=metric, reason="timed out")
        return frozenset({"http_requests_total", "http_request_duration_seconds_count"})

    def retention(self) -> int | None:
        return 15 * 86_400_000

    def instant(self, query: str, at: int | None = None) -> Answer:
        self.asked.append(query)
        return Answer((Sample({"job": "shop"}, 1.0),), ("one store did not answer",) if "code" in query else ())


def test_each_query_once_and_not_many() -> None:
    """The count that is told is the count that was asked, the retention beside them."""
    server = Server()
    found = _probing.probe(server, PRESETS, Declared())
    assert len(server.asked) == len(set(server.asked)) == found.queries - 1 <= 8


def test_what_is_not_answered_is_told() -> None:
    """A warning and a timeout, and what is not known for them; the rest is used."""
    server = Server()
    found = _probing.probe(server, PRESETS, Declared())
    assert [(one.name, one.latency) for one in found.services] == [("shop", False)]
    said = "\n".join(_probing.told(found, server))
    assert "services shop (prometheus-http); no node_exporter or the like" in said
    assert "answers only in part: one store did not answer" in said
    assert "timed out" in said
    assert "shop: no histogram, so no response times are watched" in said


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_server_that_does_not_answer(folder: Path) -> None:
    """Status 3, and nothing is written: the person meant to have it asked."""
    result = CliRunner().invoke(group, ["init", "--prometheus", "http://127.0.0.1:1", "--timeout", "1"])
    assert result.exit_code == 3
    assert "gave no answer" in result.stderr
    assert list(folder.iterdir()) == []


def test_what_it_finds_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service in place of the example, and how long metrics are kept: no window is longer."""
    monkeypatch.setattr("alertd.prometheus.Prometheus", Server)
    result = CliRunner().invoke(group, ["init", "--prometheus", "http://p:9090"])
    assert result.exit_code == 0, result.stderr
    data = yaml.read(folder / "rules" / "services.yaml").data["services"]
    assert data == {"shop": {"metrics": "prometheus-http", "selector": 'job="shop"',
                             "slos": {"availability": {"objective": "99.9%", "window": "15d"}}}}
    assert yaml.read(folder / "rules" / "thresholds.yaml").data["retention"] == "15d"


@pytest.mark.parametrize(("words", "said"), [
    (["--prometheus", "localhost:9090"], "is no address; it begins with http:// or https://"),
    (["--timezone", "Mars"], "'Mars' is no time zone"),
    (["--domain", "a b: {c}"], "is no domain"),
    (["--service", "shop"], "write NAME=PRESET"),
    (["--service", "shop=prometheus-htp"], "did you mean 'prometheus-http'?"),
])
def test_a_wrong_call(folder: Path, words: list[str], said: str) -> None:
    """Is told in the words of the option, with status 2, before anything is asked."""
    result = CliRunner().invoke(group, ["init", *words])
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(folder.iterdir()) == []
