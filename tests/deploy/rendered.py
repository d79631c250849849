"""deploy/kubernetes as kustomize renders it."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

KUBERNETES = Path(__file__).parents[2] / "deploy/kubernetes"
OVERLAYS = ("single", "ha")
Object = dict[str, Any]


def kustomize(folder: Path) -> str:
    """What a folder renders to."""
    done = subprocess.run([Path(sys.executable).parent / "kubectl", "kustomize", folder], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def text(overlay: str) -> str:
    """All of an overlay."""
    return kustomize(KUBERNETES / "overlays" / overlay)


@functools.cache
def objects(overlay: str) -> tuple[Object, ...]:
    """Each object of it."""
    return tuple(yaml.safe_load_all(text(overlay)))


def of(overlay: str, kind: str) -> list[Object]:
    return [one for one in objects(overlay) if one["kind"] == kind]


def pod(overlay: str) -> Object:
    """What its one workload runs."""
    [deployment] = of(overlay, "Deployment")
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


def container(overlay: str) -> Object:
    [one] = pod(overlay)["containers"]
    assert isinstance(one, dict)
    return one


def everything(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key below, with its value."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield key, below
            yield from everything(below)
    elif isinstance(value, list):
        for below in value:
            yield from everything(below)
