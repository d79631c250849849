"""`alertd init`: the files to begin with.

document (what a policy says) ▸ policy (what it means, by the tables of meanings) ▸ writing (files, from templates/)
fitting (what a Prometheus has: presets, services)   destinations (who is told) ▸ placing (all of them, or none)
"""
