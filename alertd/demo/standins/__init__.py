"""Strict local stand-ins of the vendors: they refuse what the vendor refuses, and fail as they are told to.

Tests, flows and the demo share them. `python -m alertd.demo.standins` runs all of them in a process of its own.
"""
