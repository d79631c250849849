"""`alertd init` as a person runs it: on a document, at a terminal, beside a real Prometheus, on a disk that is full."""

from __future__ import annotations

import asyncio
import http.server
import os
import pty
import re
import select
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from alertd.cli.group import group
from alertd.demo import processes
from alertd.prometheus import Prometheus, PrometheusUnreachable
from tests.flows.processes import House, until
from tests.flows.test_chain import Alertmanager

DOCUMENT = Path(__file__).parents[1] / "fixtures" / "production-environment.md"

# A quantity of the document: figures that belong to no word (gp3, t3.large), with their unit, or a range of them.
QUANTITY = re.compile(r"(?<![\w./-])\d+(?:\.\d+)?(?:%| ?[A-Za-z]+)?(?:-\d+(?:\.\d+)?(?:%| ?[A-Za-z]+)?)?(?![\d/])")
PEOPLES = {"24/7"}  # people are on call, whatever the figures

# The same once more, worked out by hand: what each line of the document must have become in a rule.
LIMITS = {
    "guardrail-node_count": ("< 8", "> 15"), "guardrail-max_nodes": ("> 20",), "guardrail-max_replicas": ("> 10",),
    "guardrail-redundancy": ("< 3",), "guardrail-spot_percentage": ("> 0.5",),
    "guardrail-cpu_requests": ("< 0.2", "> 0.5"), "guardrail-cpu_limits": ("< 1", "> 2"),
    "guardrail-memory_requests": ("< 536870912", "> 1073741824"),
    "guardrail-memory_limits": ("< 2147483648", "> 4294967296"),
    "guardrail-volume_sizes": ("< 107374182400", "> 536870912000"),
    "guardrail-max_storage_expansion": ("> 0.25",), "guardrail-max_cost_increase": ("> 0.15",),
    "guardrail-max_operations_per_hour": ("> 8",), "guardrail-max_concurrent_operations": ("> 2",),
    "guardrail-min_time_between_operations": ("10m",), "guardrail-backup_frequency": ("> 3600",),
    "guardrail-backup_validation": ("> 86400",), "guardrail-recovery_drill": ("> 2678400",),
    "guardrail-recovery_time": ("> 900",), "guardrail-recovery_point": ("> 300",),
    "guardrail-retention_period": ("< 7776000",), "guardrail-metrics_retention": ("< 7776000",),
    "guardrail-logs_retention": ("< 2592000",), "guardrail-traces_retention": ("< 1209600",),
    "guardrail-resource_efficiency": ("< 0.75", "> 0.85"), "guardrail-error_rate": ("> 0.001",),
    "guardrail-availability": ("< 0.999",), "nodes": ("> 0.7", "> 0.75"),
    "checkout": ("> 0.005", 'le=~"1(\\\\.0)?"', 'le="0.5"', "> 0.05"),
}


def alertd(folder: Path, *words: str | Path, seconds: float = 110) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in processes.alertd(*words)], cwd=folder, capture_output=True, text=True,
                          timeout=seconds, check=False)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `alertd init --from` the production environment's document was called."""
    folder = tmp_path_factory.mktemp("begun")
    done = alertd(folder, "init", "--from", DOCUMENT)
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stderr)
    return folder


def quantities(text: str) -> Counter[str]:
    return Counter(found.group().strip() for found in QUANTITY.finditer(text))


def stated() -> str:
    """The lines of the document that set something: those of its blocks and its bullets."""
    text = DOCUMENT.read_text()
    blocks = "".join(re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    return blocks + "".join(re.findall(r"^- .*\n?", text, re.MULTILINE))


def test_every_number_of_the_document_is_in_the_files(begun: Path) -> None:
    """As often as the document has it, comments aside."""
    files = [begun / "routing.yaml", *(begun / "rules").glob("*.yaml")]
    written = quantities("\n".join(re.sub(r"(^|\s)#.*", "", line) for file in files
                                   for line in file.read_text().splitlines()))
    asked = quantities(stated())
    assert len(asked) > 25
    assert {quantity: count for quantity, count in asked.items()
            if written[quantity] < count and quantity not in PEOPLES} == {}


@pytest.mark.parametrize("subject", LIMITS)
def test_every_number_is_in_a_rule(begun: Path, subject: str) -> None:
    """In the unit that its metric has."""
    groups = yaml.safe_load((begun / "rules" / "generated" / f"{subject}.rules.yaml").read_text())["groups"]
    said = " ".join(str(rule["expr"]) for group in groups for rule in group["rules"])
    assert [limit for limit in LIMITS[subject] if not re.search(re.escape(limit) + r"(?![\d.])", said)] == []


def test_the_routes_of_the_document(begun: Path) -> None:
    """Each severity tells whom the document names."""
    for severity, names in re.findall(r"^  (critical|warning|info): (.+)$", DOCUMENT.read_text(), re.MULTILINE):
        said = CliRunner().invoke(group, ["routes", "explain", f"severity={severity}", "-o", "json", "--config",
                                          str(begun / "routing.yaml")])
        assert yaml.safe_load(said.stdout)["receivers"] == names.split(" + ")


def test_check_and_build_find_nothing_to_do(begun: Path) -> None:
    """Right after it: no error, and every generated file is current."""
    for words in (("check",), ("rules", "build", "--check")):
        done = alertd(begun, *words)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_its_guardrails_pass_their_tests(begun: Path) -> None:
    """By promtool, and the machines' thresholds too; what services have is asked by the chaos test below."""
    files = [file for file in sorted((begun / "rules" / "generated").glob("*.test.yaml"))
             if not file.name.startswith("checkout.")]
    assert len(files) > 36
    done = subprocess.run(["promtool", "test", "rules", *files], capture_output=True, text=True, timeout=110,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_its_rules_pass_their_tests(begun: Path) -> None:
    """Every guardrail, threshold and objective, by the command; a minute of promtool."""
    done = alertd(begun, "rules", "test", seconds=550)
    assert done.returncode == 0, done.stderr


def test_every_line_is_used_or_listed(begun: Path) -> None:
    """Each setting and bullet of the document is named by a written file or on stderr."""
    said = (begun / "said").read_text()
    files = [begun / "routing.yaml", *(begun / "rules").glob("*.yaml")]
    used = {int(line) for file in files for line in re.findall(r"production-environment\.md:(\d+)", file.read_text())}
    listed = {int(line) for line in re.findall(r"production-environment\.md:(\d+):\d+: not used", said)}
    lines = DOCUMENT.read_text().splitlines()
    stating = {number for number, line in enumerate(lines, 1) if re.match(r"- |  \w+: ", line)}
    assert stating - used - listed == set()


def typed(folder: Path, words: Sequence[str], answers: Sequence[str]) -> str:
    """What a terminal shows of the command, whose questions get these answers."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        command = [str(word) for word in processes.alertd("init", *words)]
        os.execv(command[0], command)
    left, shown, until = list(answers), "", time.monotonic() + 60
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # the other side is closed
            break
        if left and re.search(r"(\]|none\)): $", shown):
            os.write(terminal, f"{left.pop(0)}\n".encode())
            shown += "\n"
    os.waitpid(process, 0)
    os.close(terminal)
    assert not left, shown
    return shown


def test_at_a_terminal_it_asks(tmp_path: Path) -> None:
    """For what no option says; a wrong answer is asked for again."""
    shown = typed(tmp_path, ["--url", "http://alertd:9097"],
                  ["nowhere.md", str(DOCUMENT), "", "acme.example", "Mars", "Europe/Berlin"])
    assert "'nowhere.md' is no file" in shown
    assert "lines become no rule" in shown
    assert shown.count("Time zone") == 2
    assert "'Mars' is no time zone" in shown
    written = yaml.safe_load((tmp_path / "routing.yaml").read_text())
    assert written["defaults"]["email"]["smarthost"] == "smtp.acme.example:587"
    assert written["receivers"]["daily summary"]["digest"]["timezone"] == "Europe/Berlin"
    assert "http://alertd:9097/webhook/alertmanager" in (tmp_path / "alertmanager.yml").read_text()


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """No file may be larger than four blocks: the set is not written at all."""
    command = " ".join(str(word) for word in processes.alertd("init"))
    done = subprocess.run(["bash", "-c", f"ulimit -f 4; {command}"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60, check=False)
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "File too large; nothing was written" in done.stderr


SHOWN = b"""\
http_requests_total{code="200"} 100
http_request_duration_seconds_bucket{le="0.5"} 90
http_request_duration_seconds_bucket{le="1"} 95
http_request_duration_seconds_bucket{le="+Inf"} 100
http_request_duration_seconds_sum 40
http_request_duration_seconds_count 100
"""


class _Exporter(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(SHOWN)

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is for its findings."""


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """The address of one that scrapes a job named shop."""
    program = processes.find_prometheus()
    if program is None:
        pytest.skip("no Prometheus")
    exporter = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    (tmp_path / "prometheus.yml").write_text(
        "scrape_configs: [{job_name: shop, scrape_interval: 1s, scrape_timeout: 1s, "
        f"static_configs: [{{targets: ['127.0.0.1:{exporter.server_address[1]}']}}]}}]\n")
    port = processes.free_port()
    with processes.running(processes.prometheus(program, tmp_path, port)):
        yield f"http://127.0.0.1:{port}"
    exporter.shutdown()


def scraped(address: str) -> bool:
    """Whether it has the histogram of the job."""
    try:
        return "+Inf" in Prometheus(address).values("le")
    except PrometheusUnreachable:
        return False


def test_services_are_found_by_their_metrics(tmp_path: Path, prometheus: str) -> None:
    """With the buckets that their histogram has."""
    folder = tmp_path / "begun"
    folder.mkdir()
    until = time.monotonic() + 60
    while not scraped(prometheus):
        assert time.monotonic() < until
        time.sleep(0.1)
    done = alertd(folder, "init", "--prometheus", prometheus)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load((folder / "rules" / "services.yaml").read_text())["services"]
    assert sorted(services["shop"].pop("slos")) == ["availability", "latency"]
    assert services["shop"] == {"metrics": "prometheus-http", "selector": 'job="shop"', "buckets": [0.5, 1]}


@pytest.mark.skipif(not processes.find_alertmanager(), reason="no Alertmanager")
async def test_its_alertmanager_brings_alerts_with_a_key(house: House) -> None:
    """The written file, its secrets in place: what fires comes to alertd, which lets nobody in without the key; and
    AlertdDown goes straight to PagerDuty."""
    await asyncio.to_thread(alertd, house.folder, "init", "--url", house.url, "--config", "other.yaml")
    made = await asyncio.to_thread(alertd, house.folder, "access", "key", "alertmanager")
    (house.folder / "alertd-key").write_text(made.stdout)
    (house.folder / "pagerduty-key").write_text("k" * 32)
    text = (house.folder / "alertmanager.yml").read_text()
    for name in ("alertd", "pagerduty"):
        text = text.replace(f"/etc/alertmanager/secrets/{name}", f"{house.folder}/{name}-key")
    (house.folder / "alertmanager.yml").write_text(
        text.replace("group_wait: 10s", "group_wait: 0s")
        + f"global: {{pagerduty_url: '{house.pagerduty.url}/v2/enqueue'}}\n")
    line = made.stderr.splitlines()[-1].strip().removeprefix("- ")
    with (house.folder / "routing.yaml").open("a") as routing:
        routing.write(f"access: {{keys: [{line}]}}\n")
    await house.start()
    assert await house.post({}) in (401, 403)
    alertmanager = Alertmanager(house)
    process = processes.alertmanager(processes.find_alertmanager() or "", house.folder, alertmanager.port)
    await house.keep(process).answers(f"{alertmanager.url}/-/ready")
    await alertmanager.fire("AlertdDown", "DiskFull")
    await until(lambda: len(house.pagerduty.pages) >= 2, "both are told at PagerDuty")
    by = {"AlertdDown" in page.event["payload"]["summary"]: page.dedup_key for page in house.pagerduty.pages}
    assert by[False].startswith("alertd/")
    assert not by[True].startswith("alertd/")
