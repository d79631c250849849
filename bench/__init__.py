"""Measurements: `python -m bench` (or `make bench`) prints one table of ratios, each taken within one run."""
