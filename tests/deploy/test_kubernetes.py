"""The manifests: accepted, hardened, and true to the rest of the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy import rendered

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
GOLDEN = Path(__file__).parent / "golden"
# What the operator takes of the fields we use:
# https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor
MONITOR = {
    "type": "object", "required": ["selector", "endpoints"], "additionalProperties": False,
    "properties": {
        "selector": {"type": "object", "required": ["matchLabels"]},
        "endpoints": {"type": "array", "minItems": 1, "items": {
            "type": "object", "additionalProperties": False, "required": ["port"],
            "properties": {
                "port": {"type": "string"}, "scheme": {"enum": ["http", "https"]},
                "interval": {"type": "string", "pattern": r"^\d+(ms|s|m)$"},
                "tlsConfig": {"type": "object", "properties": {"ca": {"required": ["secret"]},
                                                               "serverName": {"type": "string"}}},
                "basicAuth": {"type": "object", "required": ["username", "password"]},
            }}},
    },
}
either = pytest.mark.parametrize("overlay", rendered.OVERLAYS)


@either
def test_kubernetes_takes_it(overlay, tmp_path):
    """Every object by its schema, without a key that is not known there. The operator's two kinds are checked below."""
    (tmp_path / "all.yaml").write_text(rendered.text(overlay))
    done = subprocess.run([BIN / "kubernetes-validate", "--strict", tmp_path / "all.yaml"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    unknown = set(re.findall(r"find schema for kind (\w+)", done.stdout + done.stderr))
    assert unknown == {"ServiceMonitor", "PrometheusRule"}


def test_the_base_renders_by_itself():
    """For overlays of one's own."""
    assert "kind: Deployment" in rendered.kustomize(rendered.KUBERNETES / "base")


@either
def test_what_is_rendered_is_what_was_reviewed(overlay):
    """Without what is copied from elsewhere. After a change: look at the difference, then
    `python -m tests.deploy.test_kubernetes`."""
    assert (GOLDEN / f"{overlay}.yaml").read_text() == reviewed(overlay)


def reviewed(overlay):
    """All but the rules and the files of configuration, with no hash in their names."""
    kept = [one for one in rendered.objects(overlay) if one["kind"] not in ("PrometheusRule", "ConfigMap")]
    return re.sub(r"\b(alertd-(?:routing|rules))-[a-z0-9]{10}\b", r"\1", yaml.safe_dump_all(kept, sort_keys=False))


@either
def test_every_pod_is_restricted(overlay):
    """All that the Pod Security Standard asks for, and no root file system to write to, no token, no surprises of the
    environment; https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    [namespace] = rendered.of(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod, container = rendered.pod(overlay), rendered.container(overlay)
    security = pod["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 65532)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}
    assert {key for volume in pod["volumes"] for key in volume} - {"name"} <= {
        "configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected"}
    assert not {"hostPath", "hostPort", "hostNetwork", "hostPID", "hostIPC", "privileged"} & {
        key for key, _ in rendered.everything(pod)}
    assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume)
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)


@either
def test_every_image_has_a_version(overlay):
    """Set in one place."""
    assert re.fullmatch(r"alertd:\d+\.\d+\.\d+", rendered.container(overlay)["image"])


@either
def test_an_overlay_of_ones_own_names_the_image_by_its_digest(overlay, tmp_path):
    """What `kustomize edit set image alertd=registry.example.com/alertd@sha256:…` writes there."""
    below = os.path.relpath(rendered.KUBERNETES / "overlays" / overlay, tmp_path)
    digest = "sha256:" + "0" * 64
    image = {"name": "alertd", "newName": "registry.example.com/alertd", "digest": digest}
    (tmp_path / "kustomization.yaml").write_text(json.dumps({"resources": [below], "images": [image]}))
    assert f"image: registry.example.com/alertd@{digest}\n" in rendered.kustomize(tmp_path)


@either
def test_resources_lie_within_the_declared_limits(overlay):
    """Requests 200m to 500m and 512Mi to 1Gi, limits 1000m to 2000m and 2Gi to 4Gi, volumes gp3 of 100 to 500 GB."""
    def millis(text):
        return int(text.removesuffix("m"))

    def mebibytes(text):
        return int(text[:-2]) * (1024 if text.endswith("Gi") else 1)

    resources = rendered.container(overlay)["resources"]
    assert 200 <= millis(resources["requests"]["cpu"]) <= 500
    assert 512 <= mebibytes(resources["requests"]["memory"]) <= 1024
    assert 1000 <= millis(resources["limits"]["cpu"]) <= 2000
    assert 2048 <= mebibytes(resources["limits"]["memory"]) <= 4096
    for claim in rendered.of(overlay, "PersistentVolumeClaim"):
        assert claim["spec"]["storageClassName"] == "gp3"
        assert 100 <= mebibytes(claim["spec"]["resources"]["requests"]["storage"]) / 1024 <= 500


@either
def test_nothing_passes_that_no_policy_names(overlay):
    """Default-deny in both directions; every rule names who and which port; the Service's port is named, and one that
    is let in."""
    policies = {one["metadata"]["name"]: one["spec"] for one in rendered.of(overlay, "NetworkPolicy")}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    rules = [rule for spec in policies.values() for way in ("ingress", "egress") for rule in spec.get(way, ())]
    assert rules
    for rule in rules:
        assert rule["ports"]
        for peer in [*rule.get("from", ()), *rule.get("to", ())]:
            assert peer.get("ipBlock") or peer["namespaceSelector"]["matchLabels"]
        assert rule.get("from") or rule.get("to")
    [service] = rendered.of(overlay, "Service")
    let_in = {port["port"] for rule in policies["alertd-in"]["ingress"] for port in rule["ports"]}
    assert {port["port"] for port in service["spec"]["ports"]} == let_in
    [named] = service["spec"]["ports"]
    assert named["name"] == named["targetPort"] == rendered.container(overlay)["ports"][0]["name"]


@either
def test_it_may_ask_nothing_of_kubernetes(overlay):
    """A service account without a role, and none anywhere."""
    assert not [one for one in rendered.objects(overlay) if "Role" in one["kind"]]
    [account] = rendered.of(overlay, "ServiceAccount")
    assert account["automountServiceAccountToken"] is False


def test_one_file_has_one_replica():
    """Its volume, which no second pod gets; the old pod gives it up before the new one begins. That a second alertd
    on one file is refused is in tests/flows/test_signals.py."""
    [deployment] = rendered.of("single", "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert [one["spec"]["accessModes"] for one in rendered.of("single", "PersistentVolumeClaim")] == [
        ["ReadWriteOncePod"]] * 2
    assert not rendered.of("single", "PodDisruptionBudget")
    assert any(word.startswith("--store=sqlite:") for word in rendered.container("single")["args"])


def test_three_replicas_share_a_postgresql():
    """In different zones and on different nodes, never fewer than three while they are replaced, two while nodes go."""
    [deployment] = rendered.of("ha", "Deployment")
    spec = deployment["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert spec["revisionHistoryLimit"] >= 2
    assert any(word.startswith("--store=postgresql:") for word in rendered.container("ha")["args"])
    spread = {one["topologyKey"]: one["whenUnsatisfiable"] for one in rendered.pod("ha")["topologySpreadConstraints"]}
    assert spread == {"topology.kubernetes.io/zone": "DoNotSchedule", "kubernetes.io/hostname": "DoNotSchedule"}
    [budget] = rendered.of("ha", "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert not rendered.of("ha", "PersistentVolumeClaim")


@either
def test_an_end_has_its_time(overlay):
    """Until nobody sends any more, then as long as the daemon takes at most."""
    from alertd.daemon import CLOSING, GRACE

    [word] = [value["seconds"] for key, value in rendered.everything(rendered.container(overlay)) if key == "sleep"]
    assert word + GRACE + CLOSING < rendered.pod(overlay)["terminationGracePeriodSeconds"]


@either
def test_secrets_are_files(overlay):
    """None in the environment, in arguments or in a ConfigMap; none that begins to look like one anywhere."""
    assert "env" not in rendered.container(overlay)
    assert "envFrom" not in rendered.container(overlay)
    assert not rendered.of(overlay, "Secret")
    assert not re.search(r"://[^/@\s]*:[^/@\s]*@", " ".join(rendered.container(overlay)["args"]))
    for config in rendered.of(overlay, "ConfigMap"):
        for text in config["data"].values():
            secret = re.compile(r"(token|key|password|secret|url)")
            assert not [key for key, value in rendered.everything(yaml.safe_load(text))
                        if secret.fullmatch(key) and isinstance(value, str) and not value.startswith("https://")]


def test_no_secret_is_committed():
    """By detect-secrets, over all of deploy/; the name of a secret or of its file is none."""
    names = r"^(alertd-\w+|secrets/\w+)$"
    done = subprocess.run([BIN / "detect-secrets", "scan", "--all-files", "--exclude-secrets", names, "deploy"],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["results"] == {}


@either
def test_prometheus_finds_it(overlay):
    """The ServiceMonitor is one, selects the Service by the labels that it has, and its port by the name."""
    import jsonschema

    [monitor], [service] = rendered.of(overlay, "ServiceMonitor"), rendered.of(overlay, "Service")
    jsonschema.validate(monitor["spec"], MONITOR)
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    name = service["metadata"]
    assert endpoint["tlsConfig"]["serverName"] == f"{name['name']}.{name['namespace']}.svc"


def test_the_copies_are_those_of_the_repository(tmp_path):
    """routing.yaml, the declarations, their PrometheusRules and inhibit rules. After a change of those:
    scripts/build-deploy."""
    subprocess.run([ROOT / "scripts/build-deploy", tmp_path], check=True, capture_output=True)
    built = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    there = {path.relative_to(ROOT / "deploy"): path.read_text() for place in
             ("kubernetes/base/config", "kubernetes/base/rules", "alertmanager.yml")
             for path in [ROOT / "deploy" / place, *(ROOT / "deploy" / place).rglob("*")] if path.is_file()}
    assert there == built


def test_the_operator_gets_the_rules_that_prometheus_gets(tmp_path):
    """The same groups, to the letter, and promtool takes them."""
    plain = [yaml.safe_load(path.read_text())["groups"] for path in sorted(ROOT.glob("rules/generated/*.rules.yaml"))]
    theirs = {group["name"]: group for one in rendered.of("ha", "PrometheusRule") for group in one["spec"]["groups"]}
    assert theirs == {group["name"]: group for groups in plain for group in groups}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": list(theirs.values())}))
    done = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yaml"],
                          capture_output=True, text=True, check=False)
    assert "SUCCESS" in done.stdout, done.stdout + done.stderr


if __name__ == "__main__":
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    for name in rendered.OVERLAYS:
        (GOLDEN / f"{name}.yaml").write_text(reviewed(name))
