"""Matchers: Alertmanager's grammar, and the same answers as Alertmanager's own amtool."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.matchers import Matcher, compile_re2, parse, parse_all


@pytest.mark.parametrize(("text", "label", "op", "value"), [
    ('service="payments"', "service", "=", "payments"),
    ("service=payments", "service", "=", "payments"),
    (' code =~ "5.." ', "code", "=~", "5.."),
    ('a!="x"', "a", "!=", "x"),
    ("a!~b|c", "a", "!~", "b|c"),
    ("a=", "a", "=", ""),
    ("a=b c", "a", "=", "b c"),
    ('a="q\\"\\\\\\n"', "a", "=", 'q"\\\n'),
    (r'a=~"\d+"', "a", "=~", r"\d+"),
    (r"a=\d", "a", "=", r"\d"),
    ('"my label"="x"', "my label", "=", "x"),
    ("größe.x=1", "größe.x", "=", "1"),
    ('a="{b}, c"', "a", "=", "{b}, c"),
])
def test_one_matcher(text: str, label: str, op: str, value: str) -> None:
    """Quoted and bare, classic and UTF-8, spaces around, escapes of ", \\ and line feed; other backslashes stay."""
    assert parse(text) == Matcher(label, op, value)


def test_a_list_in_one_text() -> None:
    """Braces and a last comma may be there or not; commas in quotes separate nothing."""
    expected = (Matcher("a", "=", "b,"), Matcher("c", "=~", "d"))
    for text in ('{a="b,", c=~"d"}', '{ a = "b,",c=~d, }', 'a="b,",c=~d'):
        assert parse_all(text) == expected
    assert parse_all("{}") == parse_all("") == ()


@pytest.mark.parametrize(("text", "message"), [
    ("service", "expected = != =~ or !~ after 'service', at character 8 of 'service'; "
                "write for example service=\"value\""),
    ("=b", "expected a label name, at character 1 of '=b'; write for example service=\"payments\""),
    ('a="b', "the closing double quote is missing, at character 3 of 'a=\"b'; add \""),
    ("{a=b", "the closing brace is missing, at character 5 of '{a=b'; add }"),
    ("a=~5.{2}", "unexpected }, at character 8 of 'a=~5.{2}'; "
                 "put the value in double quotes, or add the opening brace"),
    ("a==b", "unexpected =, at character 3 of 'a==b'; put the value in double quotes"),
    ('a="b" c="d"', "expected a comma or the end, at character 7 of 'a=\"b\" c=\"d\"'; separate matchers by commas"),
    ('"="x"', 'expected = != =~ or !~ after \'=\', at character 4 of \'"="x"\'; write for example "="="value"'),
    ("a=b,c=d", "'a=b,c=d' is not one matcher; write one such as service=\"payments\""),
])
def test_a_wrong_matcher_says_where_and_what_to_do(text: str, message: str) -> None:
    """Each message names the character and shows the way out."""
    with pytest.raises(ValueError, match="; ") as caught:
        parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(("expression", "what"), [
    ("(?=a)", "lookahead"), ("(?!a)", "lookahead"), ("(?<=a)b", "lookbehind"), ("(?<!a)b", "lookbehind"),
    (r"(a)\1", "backreference"), ("(?P<n>a)(?P=n)", "backreference"), ("(?>a)", "atomic"), ("a++", "repeats a repeat"),
    ("a{2,3}+", "repeats a repeat"), ("a{1001}", "1000 times"), ("(?x)a", "opens no group"),
    ("(a)(?(1)b)", "condition"), ("[[:alpha:]]", "class such as"), (r"\pL", r"\\p"), (r"\Z", r"\\Z"),
    ("[a", "never closed"), ("a\\", "lone backslash"), ("(", "no regular expression"),
    ("*", "no regular expression"), ("a(?i)b", "no regular expression")])
def test_expressions_that_one_side_lacks_are_refused(expression: str, what: str) -> None:
    """What RE2 or Python does not have, or the two read differently beyond mending, is refused by name."""
    with pytest.raises(ValueError, match=what):
        compile_re2(expression)


@pytest.mark.parametrize(("expression", "value", "matches"), [
    ("a.c", "abc", True), ("a.c", "a\nc", False), ("(?s)a.c", "a\nc", True), ("abc", "xabc", False),
    ("a|bc", "abc", False), ("a$", "a\n", False), (r"a\z", "a", True), (r"\d", "٣", False), (r"\w", "ä", False),
    (r"[\d]", "٣", False), (r"[\s\S]*", "a\nb", True), ("(?i)ä", "Ä", True), ("a{,2}", "a{,2}", True),
    ("[[a]", "[", True), ("[a&&b]", "&", True), ("[]a]", "]", True), ("(?<n>a)", "a", True), ("(?i:A)b", "ab", True)])
def test_expressions_mean_what_they_mean_in_re2(expression: str, value: str, matches: bool) -> None:
    """Anchored at both ends, `.` without line feed, classes of ASCII alone, `$` at the very end."""
    assert Matcher("a", "=~", expression).matches({"a": value}) is matches
    assert Matcher("a", "!~", expression).matches({"a": value}) is not matches


def test_a_missing_label_is_the_empty_text() -> None:
    """As in Alertmanager, a!="x" matches an alert without the label, and a=~".+" does not."""
    assert Matcher("a", "=", "").matches({})
    assert Matcher("a", "!=", "x").matches({})
    assert not Matcher("a", "=~", ".+").matches({"b": "x"})


def test_an_unknown_operator_is_refused() -> None:
    """A matcher that would never be asked cannot be built."""
    with pytest.raises(ValueError, match="no operator"):
        Matcher("a", "~", "b")


@given(label=st.text(min_size=1), op=st.sampled_from(["=", "!="]), value=st.text())
def test_what_is_printed_is_read_back(label: str, op: str, value: str) -> None:
    """str and parse are inverse for any label and value."""
    matcher = Matcher(label, op, value)
    assert parse(str(matcher)) == matcher


@given(st.lists(st.builds(Matcher, st.text(min_size=1), st.just("="), st.text()), max_size=4))
def test_a_printed_list_is_read_back(matchers: list[Matcher]) -> None:
    """A list joined by commas in braces is read as the same list."""
    assert parse_all("{" + ", ".join(map(str, matchers)) + "}") == tuple(matchers)


@given(st.text(alphabet='ab={}~!", \\\n.(?)[]*+', max_size=20))
def test_any_text_is_matchers_or_a_value_error(text: str) -> None:
    """No text makes the parser raise anything but ValueError, and what it reads it can print and read again."""
    try:
        found = parse_all(text)
    except ValueError:
        return
    assert parse_all(", ".join(map(str, found))) == found


# ── the same answers as amtool ──

VALUES = ("", "a", "b", "ab", "abc", "A", "5", "503", "a b", "a,b", "a\nb", "\n", 'q"q', "b\\s", "{a}", "ä", "٣", "a.b",
          "a-b_c", "aaa", "=x", "]")
PIECES = ("a", "b", "c", "5", ".", r"\.", r"\d", r"\w", r"\s", r"\S", "[ab]", "[^a]", r"[\w-]", r"[^\d\n]", "(a|b)",
          "(?:ab|c)", ".*", ".+", "a?", "b{2}", "a{1,2}", "a{,2}", "$", "^", "ä", r"\n", '"', "[[]", "[]]", r"\b",
          "(?i:A)", "(?s:.)", "a*?")


def drawn(chance: random.Random) -> Matcher:
    label, op = chance.choice("abc"), chance.choice(("=", "!=", "=~", "!~"))
    if not op.endswith("~"):
        return Matcher(label, op, chance.choice(VALUES))
    while True:
        expression = "|".join("".join(chance.choices(PIECES, k=chance.randint(0, 4)))
                              for _ in range(chance.randint(1, 2)))
        try:
            return Matcher(label, op, expression)
        except ValueError:  # such as "^*": refused, which is proven above
            continue


def told_by_amtool(config: Path, labels: Mapping[str, str]) -> set[str]:
    """The receivers amtool names. It runs once for each label set and answers in about 15 ms."""
    given_labels = [str(Matcher(name, "=", value)) for name, value in labels.items()]
    command = ["amtool", "config", "routes", "test", f"--config.file={config}", *given_labels]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.strip().split(",")) - {"nobody"}


def test_same_answers_as_amtool(tmp_path: Path) -> None:
    """400 random matchers choose for 120 random label sets exactly the routes that Alertmanager's tool chooses."""
    chance = random.Random(20261123)
    matchers = [drawn(chance) for _ in range(400)]
    routes = [{"receiver": f"r{n}", "continue": True, "matchers": [str(matcher)]} for n, matcher in enumerate(matchers)]
    names = ["nobody", *(f"r{n}" for n in range(len(matchers)))]
    config = tmp_path / "alertmanager.json"  # JSON is YAML
    config.write_text(json.dumps({"route": {"receiver": "nobody", "routes": routes},
                                  "receivers": [{"name": name} for name in names]}))
    for _ in range(120):
        labels = {name: value for name in "abc" if (value := chance.choice(VALUES))}
        ours = {f"r{n}" for n, matcher in enumerate(matchers) if matcher.matches(labels)}
        theirs = told_by_amtool(config, labels)
        assert ours == theirs, [str(matchers[int(name[1:])]) for name in ours ^ theirs]
