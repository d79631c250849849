"""Budgets: what the records of an objective cost and how wrong they are, beside the shape Sloth writes."""
