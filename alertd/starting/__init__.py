"""`alertd init`: the files to begin with.

document (what a policy says) ▸ policy (what it means, by the tables of meanings) ▸ writing (files, from templates/)
                                  destinations (who is told, and how)             ▸ placing (all of them, or none)
"""
