"""The image: its recipe, and (under `make chaos`) what comes of its steps."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ").splitlines()
BIN = Path(sys.executable).parent


def instructions(name):
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(name + " ")]


def test_hadolint_has_nothing_to_say():
    """Not even a remark."""
    done = subprocess.run([BIN / "hadolint", "--failure-threshold", "style", ROOT / "deploy/Dockerfile"],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_a_numbered_nobody_and_says_whether_it_is_well():
    """A number, since Kubernetes cannot see that a name is not root's; and the command that asks for readiness."""
    assert instructions("USER") == ["65532:65532"]
    [check] = instructions("HEALTHCHECK")
    assert check.endswith('CMD ["alertd", "healthcheck"]')


def test_everything_in_it_has_a_version():
    """Its base to the last digit, and by a digest where one is given; each package by its hash."""
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+", instructions("ARG")[0])
    assert set(instructions("FROM")) == {"${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"}
    installs = re.findall(r"pip install [^&]*", " ".join(instructions("RUN")))
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    lock = (ROOT / "deploy/build.lock").read_text()
    assert len(re.findall("==", lock)) == len(re.findall(r"==[^\n]*\\\n\s+--hash=sha256:", lock))
    assert "://" not in lock


def test_its_version_is_alertds():
    """In its label, in the compose file and in the overlays."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'image.version="{version}"' in instructions("LABEL")[0]
    assert f":-alertd:{version}}}" in (ROOT / "deploy/compose.yaml").read_text()
    assert f"newTag: {version}}}" in (ROOT / "deploy/kubernetes/base/kustomization.yaml").read_text()


def test_it_listens_where_others_reach_it():
    """And keeps what it takes in its volume, at the port that everything else names."""
    [words] = instructions("CMD")
    assert "sqlite:////var/lib/alertd/alertd.db" in words
    assert "0.0.0.0:9097" in words
    assert (instructions("EXPOSE"), instructions("VOLUME")) == (["9097"], ["/var/lib/alertd"])


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_its_steps_make_an_alertd(tmp_path):
    """Run as they stand, on what .dockerignore lets through, in a folder instead of an image."""
    source = tmp_path / "src"
    source.mkdir()
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for pattern in let_through:
        for path in ROOT.glob(pattern):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, source / path.name)
    copied = {Path(word).name for line in instructions("COPY") for word in line.split()[:-1] if word[0] != "-"}
    assert copied - {"alertd"} == {path.name for path in source.iterdir()} - {"alertd"}
    for step in instructions("RUN")[:2]:
        subprocess.run(["sh", "-ec", step.replace("/opt/", f"{tmp_path}/").replace("/src/", f"{source}/")],
                       cwd=source, check=True, capture_output=True)
    said = subprocess.run([tmp_path / "alertd/bin/alertd", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("alertd, version ")
    assert not list((tmp_path / "alertd").glob("lib/*/site-packages/pip"))
