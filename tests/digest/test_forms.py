"""One digest in four forms: nothing of it is lost, and text of strangers stays text in each."""

import json
from html.parser import HTMLParser

import pytest

from alertd.digest import Digest, html, page, slack, text
from alertd.slo.budget import Standing
from tests.digest.made import digest, entry, record, status, still
from tests.reports import reported

HOSTILE = '"><script>alert(1)</script><img src=x onerror=y> <!channel> <https://evil|good> {{7*7}} \u202e'


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(name for name, _ in attrs)))


def full(name="checkout"):
    return digest(entry(reported(name, severity="info", service=name)), open=still(-2000, kind=name), bare=[name],
                  record=record((name, 0, 10), (name, 9, 10), service=name, acknowledged=3, called=[2]),
                  statuses=[status(name, 0.1, Standing.AT_RISK), status("b")],
                  dead=1, dead_reasons=[name], gaps=[name], places={f"{name} of {name}": name})


def test_it_is_kept_as_json():
    """And read back the same; what is of another form is not made up."""
    made = full()
    assert Digest.read(made.json()) == made
    assert Digest.read("") is None
    assert Digest.read(made.json().replace('"verdict"', '"sentence"')) is None


def test_a_page_puts_what_belongs_to_a_line_below_it():
    """Summaries below their incident."""
    [opened] = [part for part in page.parts(full()) if part.heading == "Still open"]
    assert [item.below for item in opened.items] == [("checkout is broken",)]


def test_text_says_everything():
    """In lines, with bars."""
    said = text.render(full())
    assert "Act today\n---------\n* checkout availability: 10% of its budget is left" in said
    assert "checkout availability  █░░░░░░░░░  10 %  at risk" in said
    assert "b availability         █████░░░░░  50 %" in said
    assert "Still open" in said


def test_hostile_text_makes_no_element():
    """The page of hostile names has the elements of the page of tame ones."""
    tame, hostile = Elements(html.render(full())), Elements(html.render(full(HOSTILE)))
    assert hostile.found == tame.found


def test_hostile_text_mentions_nobody():
    """No bracket is left in any text of Slack's."""
    said = json.dumps(slack.payload(full(HOSTILE)), ensure_ascii=False)
    assert "<" not in said
    assert "\u202e" not in said


def test_slack_has_twelve_lines_and_a_link():
    """However much there is to say."""
    many = digest(*(entry(reported(f"n{number}", severity="info")) for number in range(40)), dead=1,
                  statuses=[status(f"s{number}", 0.1, Standing.AT_RISK) for number in range(30)])
    made = slack.payload(many, "https://alertd.example.com/digests/1")
    assert 1 + made["blocks"][1]["text"]["text"].count("\n") + 1 == 12
    assert made["blocks"][2]["elements"][0]["url"] == "https://alertd.example.com/digests/1"
    assert made["blocks"][1]["text"]["text"].endswith("more")


@pytest.mark.parametrize("letter", ["x", '"', "ü", "<"])
def test_a_mail_stays_below_what_readers_show(letter):
    """80 KB, also where every character is escaped; what is left out is counted."""
    name = letter * 290
    made = digest(*(entry(*(reported(f"{number}{name}", severity="info") for number in range(9))) for _ in range(30)),
                  statuses=[status(f"{number}{name}", 0.5, reason=name) for number in range(40)],
                  open=still(*range(-2040, -2000), kind=name))
    page = html.render(made)
    assert len(page.encode()) < 80_000
    assert "+25 more" in page
    assert page.rstrip().endswith("</html>")


def test_an_unknown_budget_is_grey_and_says_so():
    """Never an empty green bar."""
    page = html.render(digest(statuses=[status(left=None, state=Standing.UNKNOWN, reason="no rules")]))
    assert "unknown" in page
    assert "#15803d" not in page
