"""Error budgets from hourly counts: what is kept of an hour, which hours a window has, what is left of its budget, and
when it will be gone. Pure: values and `now` in, values out.

counts (hours and their slots) ▸ excluding (maintenance taken out) ▸ window ▸ budget (what is left, and its state)
                                                                            ▸ forecast (when it is gone, or back)
"""
