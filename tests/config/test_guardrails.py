from pathlib import Path

import pytest

from alertd.errors import BadInput
from alertd.model import DAY, MINUTE, Severity
from alertd.rulegen.declared import Guarded
from tests.rulegen.rules_made import declared

OWN = """
guardrails:
  max_queue:
    alert: QueueTooLong
    limit: most
    unit: count
    words: [messages]
    measure: max by (queue) (queue_depth{$where})
    for: 10m
    needs: [queue_depth]
    labels: {queue: mails}
    summary: The queue {queue} holds more than {limit} messages
    description: The queue {queue} holds {value} messages; declared are at most {limit}.
    meaning: Mails leave late.
    measured: What the broker says of each queue.
    steps: [Are the workers there?]
    cases: {one: [{metric: queue_depth, value: 1}]}
"""


def read(folder: Path, text: str, own: str = OWN) -> dict[str, Guarded]:
    (folder / "presets").mkdir(parents=True)
    (folder / "presets" / "own.yaml").write_text(own, encoding="utf-8")
    return {each.name: each for each in declared(folder, text).declared.guardrails}


def faults(folder: Path, text: str, own: str = OWN) -> list[str]:
    with pytest.raises(BadInput) as told:
        read(folder, text, own)
    return [str(finding).removeprefix(f"{folder}/") for finding in told.value.findings]


def test_a_limit_alone_takes_all_else_from_its_preset(tmp_path: Path) -> None:
    """Severity, time, conditions and the metric's name."""
    found = read(tmp_path, "guardrails: {max_queue: 100 messages, backup_frequency: hourly}")
    queue, backup = found["max_queue"], found["backup_frequency"]
    assert (queue.severity, queue.lasting, queue.keep_firing) == (Severity.INFO, 10 * MINUTE, 5 * MINUTE)
    assert (backup.metric, backup.limit.most) == ("backup_last_success_timestamp_seconds", 3600)


def test_all_of_it_can_be_said(tmp_path: Path) -> None:
    """The long form."""
    text = ("guardrails: {backup_frequency: {limit: daily, severity: critical, for: 1d, keep_firing_for: 0s, "
            "metric: velero_backup_last_successful_timestamp, where: 'schedule=\"a\"'}}")
    each = read(tmp_path, text)["backup_frequency"]
    assert (each.severity, each.lasting, each.keep_firing, each.metric) == (
        Severity.CRITICAL, DAY, 0, "velero_backup_last_successful_timestamp")
    assert [str(matcher) for matcher in each.where] == ['schedule="a"']


def test_a_second_limit_stands_beside_the_first(tmp_path: Path) -> None:
    """Under a name of its own, with the definition of another."""
    found = read(tmp_path, "guardrails: {max_queue: 100, mails: {use: max_queue, limit: 7}}")
    assert [(name, each.limit.most) for name, each in found.items()] == [("mails", 7), ("max_queue", 100)]


def test_watching_a_preset_takes_its_usual_limits(tmp_path: Path) -> None:
    """But where rules/ says another, or `off`; an entry without a limit has the usual one."""
    own = OWN.replace("    words:", "    usual: 50\n    words:")
    two = own + own.split("guardrails:\n")[1].replace("max_queue", "other").replace("QueueTooLong", "Other")
    assert read(tmp_path / "a", "watch: [own]", two)["max_queue"].limit.most == 50
    assert read(tmp_path / "b", "watch: [own]\nguardrails: {max_queue: 9}", two)["max_queue"].limit.most == 9
    assert list(read(tmp_path / "c", "watch: [own]\nguardrails: {max_queue: off}", two)) == ["other"]
    assert read(tmp_path / "d", "guardrails: {max_queue: {severity: warning}}", two)["max_queue"].limit.most == 50


@pytest.mark.parametrize(("text", "fault"), [
    ("{max_queu: 9}", "1:14: there is no guardrail 'max_queu'; did you mean 'max_queue'?"),
    ("{a: {use: max_queu, limit: 9}}", "1:23: there is no guardrail 'max_queu'; did you mean 'max_queue'?"),
    ("{max_queue: 9 mails}", "1:25: '9 mails' is no limit here: mails is no unit of it; write one such as 8 and, if "
     "you like, 'messages' behind it"),
    ("{max_queue: }", "1:25: is no limit; write one such as 8"),
    ("{max_queue: {limit: 9, where: 'a'}}", "1:43: expected = != =~ or !~ after 'a'"),
    ("{max_queue: {limit: 9, metric: x}}", "1:44: this guardrail reads fixed metrics; leave `metric` out"),
    ("{max_queue: {limit: 9, sevrity: info}}", "1:36: unknown key 'sevrity'; did you mean 'severity'?"),
    ("{max_queue: {limit: 9, severity: page}}", "1:46: 'page' is no severity; use critical, warning or info"),
    ("{max_queue: {limit: 9, for: 90s}}", "1:41: 90s is no whole number of minutes"),
    ("{alertd-x: {use: max_queue, limit: 9}}", "1:14: 'alertd-x' cannot name a guardrail; use small letters"),
    ("{max_operations_per_hour: {limit: 8, for: 20m}}", "1:55: its query looks back too short a time for what happened "
     "to be seen so long; give 15m at most"),
    ("{min_time_between_operations: 2m}", "1:43: two changes so near to each other cannot be told apart"),
    ("{node_count: 1-3}", "1:26: where nothing is there is nothing to count, and GuardrailUnknown says so; give 2"),
    ("{redundancy: 0}", "1:26: at least nothing is always there; give a figure above 0"),
])
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    """With file, line, column and what to do."""
    assert any(found.startswith(f"made.yaml:{fault}") for found in faults(tmp_path, f"guardrails: {text}"))


def test_two_files_cannot_say_the_same_twice(tmp_path: Path) -> None:
    """The second place names the first."""
    (tmp_path / "b.yaml").write_text("guardrails: {max_queue: 2}")
    assert faults(tmp_path, "guardrails: {max_queue: 1}")[0].startswith("made.yaml:1:14: 'max_queue' is given twice")


@pytest.mark.parametrize(("before", "after", "fault"), [
    ("queue_depth{$where})", "queue_depth{$where}", "8:14: "),
    ("value: 1}", "fixed: 1}", "17:12: nothing in 'one' follows the figure, so its test could not fail; let one series "
     "do so"),
    ("value: 1}", "age: 1}", "17:12: 'one' shows times, and the unit is count; give `unit: time`"),
    ("value: 1}", "copies: 1}", "17:19: copies are told apart by a label; write {n} in one"),
    ("value: 1}", "value: 1, rest: 2}", "17:19: give one of fixed, value, rest"),
    ("The queue {queue} holds more", "The queue {queu} holds more", "12:14: 'queu' is no label of what is watched"),
    ("holds more than {limit}", "holds {value}", "12:14: {value} changes while the alert fires; say it in the"),
    ("for: 10m", "for: 90s", "9:10: the tests go by the minute; give whole minutes"),
    ("alert: QueueTooLong", "alert: NodeCountOutsideRange", "4:12: the alert 'NodeCountOutsideRange' is in the preset "
     "kubernetes-cluster node_count too; name it otherwise"),
    ("max_queue:", "max_nodes:", "3:3: the guardrail 'max_nodes' is in the preset kubernetes-cluster max_nodes too"),
    ("max_queue:", "max-queue:", "3:3: 'max-queue' cannot name a guardrail; use small letters, digits and '_'"),
    ("    words:", "    usual: many\n    words:", "7:12: 'many' is no limit here"),
    ("    words:", "    where: queue!=\"x\n    words:", "7:12: "),
    ("{$where}", "", ""),
    ("max by (queue) (queue_depth{$where})", "$metric", "8:14: $metric needs a name where none is given"),
    ("    needs: [queue_depth]\n", "", "3:3: 'needs' is missing; add it"),
])
def test_a_mistake_in_a_preset_is_told_with_its_place(tmp_path: Path, before: str, after: str, fault: str) -> None:
    """PromQL that does not parse and tests that could not fail among them."""
    own = OWN.replace(before, after)
    assert own != OWN
    if not fault:
        assert read(tmp_path, "guardrails: {max_queue: 1}", own)
        return
    found = faults(tmp_path, "watch: [node_exporter]", own)
    assert any(each.startswith(f"presets/own.yaml:{fault}") for each in found)
