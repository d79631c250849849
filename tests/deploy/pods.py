"""A pod of the manifests, run here: its own words, its mounts as folders, the door that the docs show."""

from __future__ import annotations

import base64
import re
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import bcrypt

from alertd.demo import processes
from alertd.demo.processes import Process
from tests.deploy import rendered
from tests.postgres import PASSWORD

DOCS = (Path(__file__).parents[2] / "docs/deployment.md").read_text()
SECRETS = {"pagerduty": "k" * 32, "slack": "xoxb-1", "smtp": "open sesame"}


def block(beginning: str) -> str:
    """The block of YAML in the docs that begins with this key."""
    [text] = re.findall(rf"^```yaml\n({beginning}:.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    return str(text)


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
            with urllib.request.urlopen(request, timeout=30, context=trust) as answer:
                self.said = answer.read().decode()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
