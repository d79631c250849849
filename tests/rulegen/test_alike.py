from pathlib import Path

import pytest

from alertd import rulegen
from alertd.rulegen import alike
from alertd.rulegen.declared import Declared, Service
from tests.rulegen.rules_made import declared
from tests.rulegen.test_generated import LEVELS, PRODUCTION, SHAPES

NAMES = ("y", "zz-9_x", "up")
SLOS = "slos: {up: {objective: 99.9%}, quick: {objective: 95%, under: 500ms, by: route}, slices: " \
       "{objective: 99%, window: 12h, method: timeslices, slice_target: 95%}}"
SELECTORS = ("job=\"shop\"", "job=\"{name}\"", "job=\"{name}\",env=\"live\",zone=~\"{name}.*\"",
             "job=~\"{name}|b\",team=\"yes\",namespace=\"x9\"", "job=\"a b\",cluster=\"{name}\",job!=\"z\"")
PRESETS = ("prometheus-http", "istio", "opentelemetry-http", "flask")
MANY = LEVELS.replace("5ms", "500ms").replace("10s", "2s") + "services:\n" + "\n".join(
    f"  {name + '-' * bool(at) + str(at or '')}: {{metrics: {PRESETS[(at + len(name)) % len(PRESETS)]}, {SLOS}, "
    f"selector: '{selector.format(name=name)}'}}" for name in NAMES for at, selector in enumerate(SELECTORS))


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every service is written by itself."""
    monkeypatch.setattr(alike, "_shape", lambda service: (service, {}))


def written(folder: Path, text: str) -> tuple[Declared, dict[str, str]]:
    read = declared(folder, text).declared
    return read, rulegen.files(read)


@pytest.mark.parametrize("text", [MANY, PRODUCTION, *SHAPES.values()])
def test_what_is_filled_in_is_what_would_be_written(tmp_path: Path, text: str, request: pytest.FixtureRequest) -> None:
    """To the last byte, for any preset, selector and name."""
    read, filled = written(tmp_path, text)
    request.getfixturevalue("apart")
    assert rulegen.files(read) == filled


def test_services_of_one_shape_are_written_once(tmp_path: Path) -> None:
    """That is what makes a thousand of them quick; a service with counters of its own is one by itself."""
    one = "metrics: prometheus-http, selector: 'job=\"{0}\"', slos: {{up: {{objective: 99.9%}}{1}}}"
    own = ", jobs: {objective: 99%, events: jobs_total, bad: jobs_failed_total}"
    text = "services:\n" + "\n".join(f"  {name}: {{{one.format(name, more)}}}" for name, more in (
        ("a", ""), ("b", ""), ("c", own), ("d", "")))
    wrote: list[str] = []

    def write(service: Service) -> alike.Written:
        wrote.append(service.name)
        return alike.Written((), ())

    shapes = alike.Shapes(write)
    for service in declared(tmp_path, text).declared.services:
        shapes.written(service)
    assert len(wrote) == 2
    assert wrote[1] == "c"


def test_shapes_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Memory stays flat where every service has a shape of its own."""
    monkeypatch.setattr(alike, "MOST", 2)
    text = "services:\n" + "\n".join(
        f"  s{at}: {{metrics: prometheus-http, selector: 'job=\"s\"', slos: {{up: {{objective: 99.{at}%}}}}}}"
        for at in range(1, 6))
    shapes = alike.Shapes(lambda service: alike.Written((), ()))
    for service in declared(tmp_path, text).declared.services:
        shapes.written(service)
    assert len(shapes._known) == 2


@pytest.mark.parametrize("word", ["yes", "null", "on", "true", "1e5", "", "a b", "a.b", "x'", "é"])
def test_what_is_written_otherwise_somewhere_gets_no_mark(word: str) -> None:
    """In PromQL, YAML or regular expressions; such a service is written by itself."""
    assert not alike._same_everywhere(word)
