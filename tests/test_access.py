"""Who may do what, without a network."""

import ipaddress

import pytest

from alertd.access import (
    GRANTS,
    Access,
    Grant,
    Key,
    Permission,
    Proxy,
    Role,
    Visitor,
    by_key,
    by_name,
    digest_of,
    teams_of,
    vouched,
)

PAYMENTS = frozenset({"payments"})


@pytest.mark.parametrize(("role", "may"), [
    (Role.SENDER, {"send"}),
    (Role.SCRAPER, {"scrape"}),
    (Role.VIEWER, {"read"}),
    (Role.RESPONDER, {"read", "respond"}),
    (Role.ADMIN, {"read", "respond", "administer", "send", "scrape"}),
])
def test_what_a_role_grants(role, may):
    """Nothing beside it."""
    assert {permission.value for permission in GRANTS[role]} == may


def test_a_key_is_known_by_its_hash_until_it_expires():
    """Only the hash is in the file."""
    access = Access(keys=(Key("old", digest_of("a"), Grant(Role.SENDER), expires=1000),
                          Key("new", digest_of("b"), Grant(Role.SENDER))))
    assert by_key("a", access, 999).name == "old"
    assert by_key("a", access, 1000) is None
    assert by_key("b", access, 9999).name == "new"
    assert by_key("c", access, 0) is None


def test_without_grants_a_password_is_all_that_is_asked():
    """As with Prometheus and Alertmanager; but a proxy vouches for strangers too, so its word alone is nothing."""
    assert by_name("jane", "password", Access()).may(Permission.ADMINISTER)
    assert not by_name("jane", "proxy", Access()).may(Permission.READ)


def test_with_grants_who_is_not_named_may_do_nothing():
    """Although the password was right."""
    access = Access(users={"jane": Grant(Role.VIEWER)})
    assert by_name("jane", "password", access).may(Permission.READ)
    assert not by_name("joe", "password", access).may(Permission.READ)


def test_the_widest_of_several_grants_holds():
    """Of two alike, the teams of both; one without teams is for all."""
    access = Access(users={"joe": Grant(Role.RESPONDER, PAYMENTS)},
                    groups={"db": Grant(Role.RESPONDER, frozenset({"db"})), "sre": Grant(Role.ADMIN)})
    assert by_name("joe", "proxy", access, ["db"]).grant == Grant(Role.RESPONDER, frozenset({"db", "payments"}))
    assert by_name("joe", "proxy", access, ["db", "sre"]).grant == Grant(Role.ADMIN)


@pytest.mark.parametrize(("labels", "may"), [
    ([{"team": "payments"}], True),
    ([{"team": "payments"}, {"team": "db"}], False),
    ([{"team": "payments"}, {}], False),
    ([], False),
])
def test_a_team_changes_only_its_own(labels, may):
    """What belongs to others as well, or to nobody, is not theirs alone."""
    assert Visitor("joe", "key", Grant(Role.RESPONDER, PAYMENTS)).may_change(teams_of(labels)) is may


@pytest.mark.parametrize(("address", "believed"), [
    ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("192.168.0.1", False), ("", False), ("unix:", False)])
def test_a_proxy_is_believed_by_its_address(address, believed):
    """Whoever else sends its headers is not."""
    assert vouched(Proxy((ipaddress.ip_network("10.0.0.0/8"),)), address) is believed
    assert not vouched(None, address)
