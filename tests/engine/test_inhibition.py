"""Inhibition, on a real store."""

import dataclasses

import pytest

from alertd.engine.inhibition import Inhibition
from alertd.matchers import parse
from alertd.routing import Inhibition as Rule
from tests.bodies import body
from tests.engine.conftest import file_for

RULE = Rule((parse('instance="down"'),), (parse('instance="slow"'),))
DOWN = {"alertname": "Down"}
TOLD = 3  # receivers of critical


@pytest.fixture
def file():
    return file_for(inhibitions=(RULE,))


def watch(house):
    return Inhibition(house.writer, house.current, house.clock, house.couriers.wake)


def heard(house):
    """What on-call was told."""
    return [kind for receiver, kind, *_ in house.script.sent if receiver == "on-call"]


async def kept_quiet(house):
    """A source and a target; of the target nobody hears."""
    await house.intake.accept(body("down", group=DOWN))
    await house.until(lambda: heard(house) == ["firing"])
    await house.intake.accept(body("slow"))


async def test_a_target_waits_for_the_end_of_its_source(house):
    """And is told then, once."""
    inhibition = watch(house)
    await kept_quiet(house)
    await inhibition.tick()
    assert len(await house.states()) == TOLD
    await house.intake.accept(body("down", status="resolved", group=DOWN))
    for _ in range(3):
        await inhibition.tick()
    await house.until(lambda: sorted(heard(house)) == ["firing", "firing", "resolved"])


async def test_a_rule_that_left_the_file_keeps_nothing_quiet(house):
    """From the next look on."""
    inhibition = watch(house)
    await kept_quiet(house)
    await inhibition.tick()
    file = house.current.file
    house.current.file = dataclasses.replace(file, routing=dataclasses.replace(file.routing, inhibitions=()))
    await inhibition.tick()
    await house.until(lambda: heard(house) == ["firing", "firing"])


async def test_a_new_rule_sees_what_fires_already(house):
    """A source from before the rule keeps what comes after it quiet."""
    file = house.current.file
    house.current.file = dataclasses.replace(file, routing=dataclasses.replace(file.routing, inhibitions=()))
    inhibition = watch(house)
    await inhibition.tick()
    await house.intake.accept(body("down", group=DOWN))
    house.current.file = file
    await inhibition.tick()
    await house.intake.accept(body("slow"))
    assert len(await house.states()) == TOLD


async def test_a_restart_keeps_what_is_quiet(house):
    """It stands in the store."""
    await kept_quiet(house)
    await watch(house).tick()
    await house.intake.accept(body("down", status="resolved", group=DOWN))
    await watch(house).tick()
    await house.until(lambda: sorted(heard(house)) == ["firing", "firing", "resolved"])
