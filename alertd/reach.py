"""Which addresses alertd connects to. Where it sends is said by routing.yaml alone, never by an alert; but a name in it
may be pointed elsewhere by whoever has its zone. So the address itself is looked at, after every look-up. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

# Where clouds tell a machine its own credentials. The link-local ones are in no other use; the others are listed by
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html (IPv6),
# https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata and
# https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm.
METADATA: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = tuple(map(ipaddress.ip_network, (
    "169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32")))


def refusal(address: str, *, private: bool) -> str | None:
    """Why nothing is sent to this address; None where it may be. `private`: addresses of private networks may be."""
    try:
        host = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None  # no address of the internet, such as the path of a socket
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped:
        host = host.ipv4_mapped
    if any(host in network for network in METADATA if network.version == host.version):
        return f"{address} is where a cloud tells a machine its credentials; nothing is sent there"
    if not private and (host.is_private or not host.is_global) and not host.is_loopback:
        return f"{address} is in a private network, and routing.yaml denies those (outgoing: private_addresses)"
    return None
