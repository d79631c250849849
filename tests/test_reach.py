"""Which addresses alertd connects to."""

import pytest

from alertd.reach import refusal


@pytest.mark.parametrize("address", [
    "169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "fe80::1%eth0", "100.100.100.200", "192.0.0.192"])
def test_a_clouds_credentials_are_never_asked_for(address):
    """Whatever the file says of private networks, and however the address is written."""
    assert "credentials" in refusal(address, private=True)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "fd12::1", "172.16.0.9", "::ffff:10.0.0.1", "0.0.0.0"])
def test_private_networks_may_be_denied(address):
    """They are allowed where nothing is said: Alertmanager and mail servers are at home there."""
    assert refusal(address, private=True) is None
    assert "private" in refusal(address, private=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "93.184.216.34", "2606:4700::1111", "/run/a.sock"])
def test_other_addresses_are_reached(address):
    """This machine itself, and the internet."""
    assert refusal(address, private=False) is None
