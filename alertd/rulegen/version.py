"""The Prometheus that the rules are for: an older one refuses a file for one word that it does not know."""

from __future__ import annotations

import re
from typing import NamedTuple

_WRITTEN = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.\d+)?(?:[-+].*)?", re.ASCII)


class PrometheusVersion(NamedTuple):
    """Major and minor; the patch level changes no rule. Compares as numbers do: 2.53 is after 2.9."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def has_query_offset(self) -> bool:
        """`query_offset` of a group: https://github.com/prometheus/prometheus/releases/tag/v2.53.0"""
        return self >= (2, 53)

    @property
    def has_group_labels(self) -> bool:
        """`labels` of a group: https://github.com/prometheus/prometheus/pull/11474, released with 3.0.0"""
        return self >= (3, 0)

    @property
    def has_native_histograms(self) -> bool:
        """Native histograms are stored when a target shows them. Prometheus 2 has the functions from 2.40 on, but
        stores none without a feature flag, and its histograms are said to be experimental:
        https://prometheus.io/docs/specs/native_histograms/"""
        return self >= (3, 0)


OLDEST = PrometheusVersion(2, 42)  # the first with keep_firing_for, without which one value is ten alerts


def parse(text: str) -> PrometheusVersion:
    """The version written as `2.53`, `3.0`, `v3.5.0`. Raises ValueError for anything else and for one before OLDEST."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no version of Prometheus; write one such as {OLDEST} or 3.0")
    found = PrometheusVersion(int(match[1]), int(match[2]))
    if found < OLDEST:
        raise ValueError(f"Prometheus {found} is too old; the rules need {OLDEST} or later")
    return found
