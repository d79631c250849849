import pytest

from alertd.rulegen import version


@pytest.mark.parametrize(("text", "offset", "labels", "native"), [
    ("2.42", False, False, False), ("2.52.1", False, False, False), ("v2.53.0", True, False, False),
    ("2.100", True, False, False), ("3.0", True, True, True), ("3.5.0-rc.1", True, True, True)])
def test_what_each_version_knows(text: str, offset: bool, labels: bool, native: bool) -> None:
    """Each ability begins with the release that brought it; versions compare as numbers."""
    found = version.parse(text)
    assert (found.has_query_offset, found.has_group_labels, found.has_native_histograms) == (offset, labels, native)


@pytest.mark.parametrize(("text", "fault"), [
    ("latest", "'latest' is no version of Prometheus; write one such as 2.42 or 3.0"),
    ("3", "'3' is no version"), ("3.x", "'3.x' is no version"), ("", "'' is no version"),
    ("2.41", "Prometheus 2.41 is too old; the rules need 2.42 or later"), ("1.8.2", "too old")])
def test_what_is_no_version_we_write_for(text: str, fault: str) -> None:
    """What cannot be read, and what would refuse every rule."""
    with pytest.raises(ValueError, match=fault):
        version.parse(text)


def test_a_version_is_shown_as_it_is_written() -> None:
    """And the oldest is the default's name in messages."""
    assert str(version.parse(" v3.5.0 ")) == "3.5"
    assert str(version.OLDEST) == "2.42"
