"""What a deployment installs is what the tests ran with, each package by its hashes."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?==([^\s;\\]+)", re.MULTILINE)


def name(text):
    return re.sub(r"[-_.]+", "-", text).lower()


def pins(file):
    return {name(package): version for package, version in PINNED.findall((ROOT / file).read_text())}


def test_every_dependency_is_locked_at_the_tested_version():
    """After a change of pyproject.toml or requirements.txt: scripts/lock-deployment."""
    locked, tested = pins("deploy/requirements.lock"), pins("requirements.txt")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*wanted["dependencies"], *wanted["optional-dependencies"]["postgres"]]
    assert {name(re.match(r"[A-Za-z0-9._-]+", one)[0]) for one in needed} - locked.keys() == set()
    assert {one: (version, tested[one]) for one, version in locked.items() if tested.get(one, version) != version} == {}


def test_every_locked_package_has_its_hashes():
    """And no address of where it comes from."""
    text = (ROOT / "deploy/requirements.lock").read_text()
    assert len(PINNED.findall(text)) == len(re.findall(r"==[^\n]*\\\n\s+--hash=sha256:", text))
    assert "://" not in text
