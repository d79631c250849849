"""Secrets: nothing prints them, and their files are read before the settings are built."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.config.secret import Secret, hide, merge, names, resolve

CANARY = "xoxb-canary-4711"


class Http(pydantic.BaseModel):
    password: Secret | None = None
    password_file: str | None = None


class Settings(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    token: Secret | None = None
    token_file: str | None = None
    channel: str = ""
    http: Http | None = None


def test_no_way_of_printing_shows_it() -> None:
    """repr, str, %-format, f-strings, JSON and pydantic's dumps show <secret>, alone or inside a container."""
    secret = Secret(CANARY)
    settings = Settings(token=secret)
    shown = [repr(secret), str(secret), "%s %r" % (secret, secret), f"{secret} {secret!r:>20} {secret:^9}",  # noqa: UP031  the old format is one of the ways
             f"{[secret]} {({'token': secret})}", json.dumps({"token": secret}, default=str), str(settings),
             repr(settings), str(settings.model_dump()), settings.model_dump_json(),
             str(settings.model_dump(mode="json"))]
    assert not any(CANARY in text for text in shown)
    assert all("<secret>" in text for text in shown)
    assert secret.reveal() == CANARY


def test_a_traceback_does_not_show_it() -> None:
    """An exception that carries the secret, with its cause, prints no character of it."""
    def fail(token: Secret) -> None:
        try:
            raise ValueError(f"bad token {token}")
        except ValueError as error:
            raise RuntimeError(token) from error

    with pytest.raises(RuntimeError) as caught:
        fail(Secret(CANARY))
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert CANARY not in text
    assert "bad token <secret>" in text


def test_it_is_not_pickled_and_copies_are_itself() -> None:
    """Pickling is refused in every protocol; a copy is the same object."""
    secret = Secret(CANARY)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(secret, protocol)
    assert copy.deepcopy([secret])[0] is secret
    assert copy.copy(secret) is secret


def test_equal_texts_are_equal_secrets() -> None:
    """Two settings of the same token are equal, of another token not."""
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


@pytest.mark.parametrize(("value", "message"), [(5, "must be text"), ("  ", "is empty")])
def test_what_is_no_secret(value: object, message: str) -> None:
    """A number in YAML, or nothing, is refused with what to do."""
    with pytest.raises(pydantic.ValidationError, match=message):
        Settings(token=value)  # type: ignore[arg-type]  # the wrong type is the point


def test_a_file_is_read_trimmed_and_relative_to_the_folder(tmp_path: Path) -> None:
    """`token_file` becomes `token`, sections within the section too."""
    (tmp_path / "t").write_text(f"  {CANARY}\n")
    section = {"token_file": "t", "channel": "c", "http": {"password_file": str(tmp_path / "t")}}
    found, faults = resolve(Settings, section, tmp_path, read=True)
    assert faults == []
    settings = Settings.model_validate(found)
    assert settings.token == Secret(CANARY)
    assert settings.http is not None
    assert settings.http.password == Secret(CANARY)
    assert settings.token_file is None


def test_an_inline_secret_is_hidden_before_validation(tmp_path: Path) -> None:
    """A fault elsewhere in the section cannot quote the token."""
    found, _ = resolve(Settings, {"token": CANARY, "chanel": 1}, tmp_path, read=True)
    with pytest.raises(pydantic.ValidationError) as caught:
        Settings.model_validate(found)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(("content", "said"), [
    (None, "cannot be read: No such file or directory"), (b"", "is empty"), (b" \n", "is empty"),
    (b"\xff\xfe", "cannot be read: not a text file"), (b"x" * 70_000, "is larger than 64 KiB")])
def test_a_file_that_holds_no_secret_is_an_error(tmp_path: Path, content: bytes | None, said: str) -> None:
    """Missing, empty, binary or huge files are told by their name, never by their content."""
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    _, faults = resolve(Settings, {"token_file": "t"}, tmp_path, read=True)
    assert [(fault.path, fault.level) for fault in faults] == [(("token_file",), "error")]
    assert said in faults[0].what


def test_check_opens_nothing(tmp_path: Path) -> None:
    """Without reading, a missing file is a remark, and one that is there stays closed."""
    (tmp_path / "t").write_bytes(b"\xff")
    assert resolve(Settings, {"token_file": "t"}, tmp_path, read=False) == ({"token_file": "t"}, [])
    _, faults = resolve(Settings, {"token_file": "u"}, tmp_path, read=False)
    assert [fault.level for fault in faults] == ["remark"]


def test_both_forms_are_an_error(tmp_path: Path) -> None:
    """A token and a token file in one section contradict each other."""
    _, faults = resolve(Settings, {"token": "a", "token_file": "t"}, tmp_path, read=True)
    assert [str(fault.what) for fault in faults] == ["'token' and 'token_file' are both given"]


def test_a_receivers_own_secret_replaces_the_defaults_in_either_form() -> None:
    """Defaults by file and an own inline token do not collide; other keys are merged."""
    assert merge(Settings, {"token_file": "t", "channel": "c"}, {"token": "a"}) == {"token": "a", "channel": "c"}
    assert merge(Settings, {"token": "a"}, {"token_file": "t"}) == {"token_file": "t"}
    assert names(Settings) == {"token"}


@pytest.mark.parametrize("text", [
    "no such token {}", "https://hooks.example.com/{}?x=1", "Basic {} and {}", "cut off at the end: {half}",
    "cut off at the end: {half}…"])
def test_what_others_repeat_is_hidden(text):
    """A vendor's answer, a library's error; also where only its beginning is left."""
    secret = Secret(CANARY)
    shown = hide(text.format(CANARY, CANARY, half=CANARY[:9]))
    assert CANARY[:9] not in shown
    assert "<secret>" in shown
    assert secret.reveal() == CANARY


@given(st.text("ab", min_size=6, max_size=20), st.integers(6, 20), st.sampled_from(["", "a", "no aab: "]))
def test_its_beginning_is_hidden_however_it_repeats_itself(known, shown, before):
    """The longest that the end of a text has of it."""
    secret = Secret(known)
    left = hide(before + known[:shown] + "…").removesuffix("…").removesuffix("<secret>")
    assert len(left) <= len(before)
    assert secret


def test_a_short_word_is_not_hidden():
    """It would stand in many texts."""
    secret = Secret("on")
    assert hide("on call") == "on call"
    assert secret
