"""The daily summary: when it is due, what happened since the last one, what it says, and how that looks in a mail, in
Slack, in a terminal. Pure.

due ▸ facts (what is known of the time) ▸ compose (a Digest: one model) ▸ text · html · slack (its forms)
"""

from alertd.digest.compose import compose
from alertd.digest.due import Every, due, moment
from alertd.digest.entries import MOST_SUMMARIES, Entry, lines_of
from alertd.digest.facts import Change, Ending, Facts, Open, Seen
from alertd.digest.model import Digest

__all__ = ["MOST_SUMMARIES", "Change", "Digest", "Ending", "Entry", "Every", "Facts", "Open", "Seen", "compose",
           "due", "lines_of", "moment"]
