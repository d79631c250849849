"""Alertmanager's matchers (`service="payments"`, `code=~"5.."`), parsed and applied.

The grammar is the union of Alertmanager's two parsers (the classic one and the UTF-8 one), read as its own fallback
mode reads it: https://prometheus.io/docs/alerting/latest/configuration/#matcher
"""

from __future__ import annotations

import dataclasses
import re

from alertd.model import Labels

_PLAIN_NAME = re.compile(r"[^\s{}!=~,\\\"'`]+")  # everything else in a name must stand in quotes
_OPERATOR = re.compile(r"=~|!~|!=|=")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\([n"\\])')  # any other backslash is itself, so that "\d+" needs no doubling
_SPACE = re.compile(r"\s*")


@dataclasses.dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. `op` is one of = != =~ !~; a missing label counts as the empty text, and
    regular expressions must match the whole value, both as in Alertmanager.

    Raises ValueError for another `op` and for a regular expression that Alertmanager would not take.
    """

    label: str
    op: str
    value: str
    pattern: re.Pattern[str] | None = dataclasses.field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.op not in ("=", "!=", "=~", "!~"):
            raise ValueError(f"{self.op!r} is no operator; use one of = != =~ !~")
        if self.op.endswith("~"):
            object.__setattr__(self, "pattern", compile_re2(self.value))

    def matches(self, labels: Labels) -> bool:
        have = labels.get(self.label, "")
        same = self.pattern.fullmatch(have) is not None if self.pattern else have == self.value
        return same if self.op in ("=", "=~") else not same

    def __str__(self) -> str:
        return f"{_shown_name(self.label)}{self.op}{_quote(self.value)}"


def parse(text: str) -> Matcher:
    """The one matcher `text` holds; ValueError says at which character it is wrong and what to do."""
    found = parse_all(text)
    if len(found) != 1 or text.lstrip().startswith("{"):
        raise ValueError(f"{text!r} is not one matcher; write one such as service=\"payments\"")
    return found[0]


def parse_all(text: str) -> tuple[Matcher, ...]:
    """The matchers of a list such as `{a="b", c=~"d"}`; the braces and a last comma may be there or not."""
    start, end = _inside_braces(text)
    found: list[Matcher] = []
    at = _skip_space(text, start)
    while at < end:
        matcher, at = _one(text, at, end)
        found.append(matcher)
        if at < end:
            if text[at] != ",":
                raise _wrong(text, at, "expected a comma or the end", "separate matchers by commas")
            at = _skip_space(text, at + 1)
    return tuple(found)


def _inside_braces(text: str) -> tuple[int, int]:
    start, end = _skip_space(text, 0), len(text.rstrip())
    opened = text.startswith("{", start)
    closed = end > start and text[end - 1] == "}"
    if opened and not closed:
        raise _wrong(text, end, "the closing brace is missing", "add }")
    if closed and not opened:
        raise _wrong(text, end - 1, "unexpected }", "put the value in double quotes, or add the opening brace")
    return (start + 1, end - 1) if opened else (start, end)


def _one(text: str, at: int, end: int) -> tuple[Matcher, int]:
    """The matcher that begins at `at`, and where the comma after it, or the end, is."""
    name, at = _name(text, at, end)
    at = _skip_space(text, at)
    operator = _OPERATOR.match(text, at, end)
    if operator is None:
        raise _wrong(text, at, f"expected = != =~ or !~ after {name!r}",
                     f'write for example {_shown_name(name)}="value"')
    after = operator.end()
    value, at = _value(text, _skip_space(text, after), end)
    try:
        return Matcher(name, operator[0], value), min(_skip_space(text, at), end)
    except ValueError as error:
        raise _wrong(text, after, str(error), "mend the regular expression") from error


def _name(text: str, at: int, end: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, at, end):
        if not quoted[1]:
            raise _wrong(text, at, "the label name is empty", "name a label")
        return _unescape(quoted[1]), quoted.end()
    if plain := _PLAIN_NAME.match(text, at, end):
        return plain[0], plain.end()
    if text.startswith('"', at):
        raise _wrong(text, at, "the closing double quote is missing", 'add "')
    raise _wrong(text, at, "expected a label name", 'write for example service="payments"')


def _value(text: str, at: int, end: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, at, end):
        return _unescape(quoted[1]), quoted.end()
    if text.startswith('"', at):
        raise _wrong(text, at, "the closing double quote is missing", 'add "')
    comma = text.find(",", at, end)
    stop = comma if comma >= 0 else end
    plain = text[at:stop].rstrip() if stop > at else ""
    for offset, character in enumerate(plain):
        if character in '{}"' or (offset == 0 and character in "=~"):  # a=="b" is a slip, not the value ="b"
            raise _wrong(text, at + offset, f"unexpected {character}", "put the value in double quotes")
    return _unescape(plain), stop


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _wrong(text: str, at: int, what: str, fix: str) -> ValueError:
    return ValueError(f"{what}, at character {at + 1} of {text!r}; {fix}")


def _shown_name(label: str) -> str:
    return label if _PLAIN_NAME.fullmatch(label) else _quote(label)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


# Alertmanager's expressions are RE2's (https://github.com/google/re2/wiki/Syntax), ours are compiled by Python. One
# pass over the text refuses what only one of the two has, and rewrites what the two read differently, so that an
# expression means here what it means there, or is refused with a reason.

_GROUP = re.compile(r"\(\?(?P<name>P?<(?P<called>[A-Za-z_]\w*)>)|\(\?[is]*(?:-[is]+)?[:)]")
_REPEAT = re.compile(r"(?:[*+?]|\{(?P<least>\d+)(?:,(?P<most>\d*))?\})\??")
_MOST_REPEATS = 1000  # RE2's own limit
_ESCAPES = frozenset("dDwWsSbBAzafntrvx")
_ASCII_ONLY = frozenset("dDwWsSbB")  # of ASCII alone in RE2, of all Unicode in Python
_LACKS = {
    "(?=": "lookahead", "(?!": "lookahead", "(?<=": "lookbehind", "(?<!": "lookbehind", "(?>": "an atomic group",
    "(?P=": "a backreference", "(?P>": "a recursion", "(?(": "a condition", "(?#": "a comment",
}


def compile_re2(expression: str) -> re.Pattern[str]:
    """`expression` as Alertmanager reads it (`.` matches no line feed); use its fullmatch. ValueError where RE2 or
    Python cannot take it."""
    try:
        return re.compile(_translate(expression))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{expression!r} is no regular expression alertd can use ({error})") from error


def _translate(expression: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(expression):
        character = expression[at]
        if character == "\\":
            part, at = _escape(expression, at)
        elif character == "[":
            part, at = _class(expression, at)
        elif expression.startswith("(?", at):
            part, at = _group(expression, at)
        elif repeat := _REPEAT.match(expression, at):
            part, at = _repeat(expression, repeat)
        else:
            # {,3} is a repeat in Python and plain text in RE2; $ is the very end in RE2, in Python also the place
            # before a last line feed.
            part = r"\{" if character == "{" else r"\Z" if character == "$" else character
            at += 1
        parts.append(part)
    return "".join(parts)


def _escape(expression: str, at: int) -> tuple[str, int]:
    if at + 1 == len(expression):
        raise ValueError(f"{expression!r} ends in a lone backslash")
    escaped = expression[at + 1]
    if escaped.isdigit():
        raise ValueError(f"{expression!r} holds a backreference (\\{escaped}), which Alertmanager's RE2 does not have")
    if escaped.isalpha() and escaped not in _ESCAPES:
        raise ValueError(f"{expression!r} holds \\{escaped}, which alertd does not read; write the characters out")
    if escaped == "z":
        return r"\Z", at + 2
    return (rf"(?a:\{escaped})" if escaped in _ASCII_ONLY else rf"\{escaped}"), at + 2


def _class(expression: str, at: int) -> tuple[str, int]:
    """A character class such as `[^a-z]`, escaped where Python reads set operations in it."""
    start, at = at, at + 1
    parts = ["["]
    ascii_only = False
    if expression.startswith("^", at):
        parts.append("^")
        at += 1
    first = at
    while at < len(expression) and (expression[at] != "]" or at == first):
        character = expression[at]
        if expression.startswith("[:", at) and ":]" in expression[at:]:
            raise ValueError(f"{expression!r} holds a class such as [:alpha:]; write the characters out, as in [a-z]")
        if character == "\\":
            ascii_only = ascii_only or expression[at + 1:at + 2] in _ASCII_ONLY
            _, after = _escape(expression, at)
            parts.append(expression[at:after])
            at = after
            continue
        parts.append("\\" + character if character in "[&|~]" else character)
        at += 1
    if at >= len(expression):
        raise ValueError(f"{expression!r}: the [ at character {start + 1} is never closed")
    text = "".join(parts) + "]"
    return (f"(?a:{text})" if ascii_only else text), at + 1


def _group(expression: str, at: int) -> tuple[str, int]:
    for opening, what in _LACKS.items():
        if expression.startswith(opening, at):
            raise ValueError(f"{expression!r} holds {what} ({opening}…), which Alertmanager's RE2 does not have")
    group = _GROUP.match(expression, at)
    if group is None:
        raise ValueError(f"{expression!r}: {expression[at:at + 4]!r} opens no group that alertd reads; "
                         "use (…), (?:…) or (?i) at the start")
    return (f"(?P<{group['called']}>" if group["name"] else group[0]), group.end()


def _repeat(expression: str, repeat: re.Match[str]) -> tuple[str, int]:
    if expression.startswith(("+", "*", "?"), repeat.end()):
        raise ValueError(f"{expression!r} repeats a repeat ({expression[repeat.start():repeat.end() + 1]}), "
                         "which Alertmanager's RE2 refuses")
    if any(int(repeat[bound] or 0) > _MOST_REPEATS for bound in ("least", "most")):
        raise ValueError(f"{expression!r} repeats more than {_MOST_REPEATS} times, RE2's limit")
    return repeat[0], repeat.end()
