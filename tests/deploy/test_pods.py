"""What the manifests run serves whom it should, and what docs/deployment.md tells one to type makes what they need."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from alertd.demo import processes
from alertd.demo.processes import running
from tests.deploy import rendered
from tests.deploy.pods import DOCS, SECRETS, Pod, block
from tests.flows.processes import until, webhook
from tests.postgres import PASSWORD

BIN = Path(sys.executable).parent


def probes(overlay):
    return [rendered.container(overlay)[one]["httpGet"] for one in
            ("startupProbe", "readinessProbe", "livenessProbe")]


@pytest.fixture(params=rendered.OVERLAYS)
def pod(request, tmp_path):
    """Of each overlay; the second on a real PostgreSQL that wants the password."""
    store = request.getfixturevalue("postgres_url").replace(f":{PASSWORD}@", "@") if request.param == "ha" else ""
    return Pod(request.param, tmp_path, store)


async def test_a_pod_serves_whom_it_should(pod):
    """Its probes pass by TLS and without a name; Alertmanager may send and no more, Prometheus may scrape, a person may
    look, a stranger may not. The image's own question of its health is answered."""
    with running(pod.start()) as daemon:
        for probe in probes(pod.overlay):
            assert (probe["scheme"], probe["port"]) == ("HTTPS", "https")
            await until(lambda path=probe["path"]: daemon.code is not None or pod.ask(path) == 200, daemon.tail())
        alert = json.dumps(webhook("Broken")).encode()
        assert pod.ask("/webhook/alertmanager", "alertmanager", alert) == 200
        assert pod.ask("/metrics", "prometheus") == pod.ask("/", "jane") == pod.ask("/api/v1/slos", "jane") == 200
        assert "availability" in pod.said  # the declarations were found behind the kubelet's links
        assert [pod.ask("/", "alertmanager"), pod.ask("/webhook/alertmanager", "prometheus", alert)] == [403, 403]
        assert {pod.ask(path) for path in ("/", "/metrics", "/api/v1/incidents")} == {401}
        remarks = [line for line in daemon.log.read_text().splitlines() if '"event": "routing_file"' in line]
        assert [line for line in remarks if "example's address" not in line] == []
        asked = await asyncio.create_subprocess_exec(
            *map(str, processes.alertd("healthcheck")), env={
                **os.environ, "ALERTD_URL": f"https://127.0.0.1:{pod.port}",
                "ALERTD_CA_FILE": str(pod.etc / "tls/tls.crt")})
        assert await asked.wait() == 0
    assert daemon.code == 0


def test_the_documented_commands_make_what_is_mounted():
    """Each secret by its name, with at least the files that are read; tried without a cluster."""
    made = {}
    for line in re.findall(r"^\$ (kubectl .*create secret .*?)(?: +#.*)?$", DOCS, re.MULTILINE):
        words = [re.sub(r"^--from-file=(?:(\w+)=)?(.+)$", lambda one: f"--from-literal={one[1] or one[2]}=x", word)
                 for word in shlex.split(line)[1:]]
        done = subprocess.run([BIN / "kubectl", *words, "--dry-run=client", "-o", "yaml"], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr
        secret = yaml.safe_load(done.stdout)
        assert secret["metadata"]["namespace"] == "alertd"
        made[secret["metadata"]["name"]] = set(secret["data"])
    named = {value for overlay in rendered.OVERLAYS for one in rendered.objects(overlay)
             for key, value in rendered.everything(one) if key == "secretName"}
    assert named | {"alertd-scraper"} == set(made)
    assert set(SECRETS) == made["alertd-secrets"]
    assert made["alertd-scraper"] == {"username", "password"}
    assert {"ca.crt", "tls.crt", "tls.key"} == made["alertd-tls"]


def test_the_documented_way_of_alertmanager_is_one(tmp_path):
    """By amtool, to the Service's own address and port."""
    text = block("receivers")
    (tmp_path / "alertmanager.yml").write_text(f"route: {{receiver: alertd}}\n{text}")
    done = subprocess.run(["amtool", "check-config", tmp_path / "alertmanager.yml"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    [service] = rendered.of("ha", "Service")
    name, [port] = service["metadata"], service["spec"]["ports"]
    assert f"https://{name['name']}.{name['namespace']}.svc:{port['port']}/webhook/alertmanager" in text
