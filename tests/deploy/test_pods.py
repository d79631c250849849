"""What the manifests run, run here: their own words, their mounts as folders, the door that the docs show."""

import base64
import json
import re
import shlex
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import bcrypt
import pytest
import yaml

from alertd.demo import processes
from alertd.demo.processes import Process, running
from tests.deploy import rendered
from tests.flows.processes import until, webhook
from tests.postgres import PASSWORD

DOCS = (Path(__file__).parents[2] / "docs/deployment.md").read_text()
BIN = Path(sys.executable).parent
SECRETS = {"pagerduty": "k" * 32, "slack": "xoxb-1", "smtp": "open sesame"}


def block(beginning):
    """The block of YAML in the docs that begins with this key."""
    [text] = re.findall(rf"^```yaml\n({beginning}:.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    return text


class Pod:
    """One pod of an overlay: its volumes in `folder`, laid out as Kubernetes does."""

    def __init__(self, overlay: str, folder: Path, store: str = "") -> None:
        self.overlay, self.folder, self.store = overlay, folder, store
        self.etc = folder / "etc/alertd"
        self.port = processes.free_port()
        self.said = ""  # the last answer that was one
        for mount in rendered.container(overlay)["volumeMounts"]:
            (folder / mount["mountPath"].lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        for config in rendered.of(overlay, "ConfigMap"):
            if "routing.yaml" in config["data"]:
                (self.etc / "routing.yaml").write_text(config["data"]["routing.yaml"])
            else:
                self.mount("rules", config["data"])
        self.mount("secrets", SECRETS)
        hashed = bcrypt.hashpw(b"sesame", bcrypt.gensalt(4)).decode()
        self.mount("web", {"web.yml": self.here(block("tls_server_config")).replace("$2b$10$…", hashed)})
        self.mount("postgres", {"password": f"{PASSWORD}\n"})
        (self.etc / "tls").mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=alertd",
                        "-addext", "subjectAltName=DNS:alertd.alertd.svc,IP:127.0.0.1", "-keyout", "tls.key", "-out",
                        "tls.crt"], cwd=self.etc / "tls", check=True, capture_output=True)

    def mount(self, name: str, files: dict[str, str]) -> None:
        """As the kubelet lays a ConfigMap or a Secret out: links into a folder that is exchanged as a whole."""
        data = self.etc / name / "..2026_11_26"
        data.mkdir(parents=True)
        (data.parent / "..data").symlink_to(data.name)
        for file, text in files.items():
            (data / file).write_text(text)
            (data / file).chmod(0o440)
            (data.parent / file).symlink_to(f"..data/{file}")

    def here(self, text: str) -> str:
        for path in ("/etc/alertd", "/var/lib/alertd", "/var/backups/alertd"):
            text = text.replace(path, str(self.folder / path[1:]))
        return text

    def start(self) -> Process:
        for mount in ("var/lib/alertd", "var/backups/alertd"):
            (self.folder / mount).mkdir(parents=True, exist_ok=True)
        words = [self.here(word).replace("0.0.0.0:9097", f"127.0.0.1:{self.port}")
                 for word in rendered.container(self.overlay)["args"]]
        if self.store:  # the test's own server, which knows no encryption
            words = [re.sub(r"postgresql:.*(?=password_file)", f"{self.store}?sslmode=disable&", word)
                     for word in words]
        return Process("alertd", processes.alertd(*words), self.folder / "log")

    def ask(self, path: str, user: str = "", body: bytes | None = None) -> int:
        """The status that a visitor gets; 0 while nobody answers."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", body,
                                         {"Content-Type": "application/json"})
        if user:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:sesame".encode()).decode())
        trust = ssl.create_default_context(cafile=self.etc / "tls/tls.crt")
        try:
            with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
                self.said = answer.read().decode()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


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
    look, a stranger may not."""
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
