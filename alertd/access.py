"""Who may do what: roles, what each grants, and what a request has to be allowed. Pure.

A visitor is whoever a request comes from, once it has shown who it is: a program by a key, a person by a password, a
certificate, or the name that a trusted proxy vouches for. What nobody granted is refused.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping

from alertd.model import Labels, Millis

TEAM = "team"  # the label that says whose an alert is

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Permission(enum.StrEnum):
    """What a route asks of its visitor."""

    OPEN = "open"  # anybody: it tells no more than that the process lives
    SIGNED = "signed"  # a vendor, which signs what it sends; the handler checks that
    SEND = "send"  # webhooks
    SCRAPE = "scrape"  # metrics
    READ = "read"  # pages and lists
    RESPOND = "respond"  # acknowledge, plan a day of maintenance
    ADMINISTER = "administer"  # dead letters, reload, longer maintenance, budgets


class Role(enum.StrEnum):
    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"
    SENDER = "sender"
    SCRAPER = "scraper"


GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.RESPONDER: frozenset({Permission.READ, Permission.RESPOND}),
    Role.ADMIN: frozenset(Permission) - {Permission.OPEN, Permission.SIGNED},
    Role.SENDER: frozenset({Permission.SEND}),
    Role.SCRAPER: frozenset({Permission.SCRAPE}),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """A role, for the alerts of `teams` or (None) of everybody. A team narrows what may be changed; what may be seen
    it does not narrow, since an incident is often everybody's."""

    role: Role
    teams: frozenset[str] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A program's key. Only its SHA-256 is kept: keys are long and random, so that nothing is gained by guessing."""

    name: str
    sha256: str
    grant: Grant
    expires: Millis | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that asks people who they are (OpenID Connect, say) and passes on what it learnt. Its word counts only
    from one of these addresses."""

    networks: tuple[Network, ...]
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Who was granted what: `users` by the name of a password, a certificate or a proxy's word; `groups` by a proxy's
    alone."""

    keys: tuple[Key, ...] = ()
    users: Mapping[str, Grant] = dataclasses.field(default_factory=dict)
    groups: Mapping[str, Grant] = dataclasses.field(default_factory=dict)
    proxy: Proxy | None = None

    @property
    def granted(self) -> bool:
        """Whether the file grants anything, so that who is not named has nothing."""
        return bool(self.users or self.groups)


@dataclasses.dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever a request comes from. `via` says how they showed it: key, password, certificate, proxy, or open where
    nobody is asked."""

    name: str
    via: str
    grant: Grant | None

    def may(self, permission: Permission) -> bool:
        return self.grant is not None and permission in GRANTS[self.grant.role]

    def may_change(self, teams: Iterable[str]) -> bool:
        """Whether what belongs to all of these teams is the visitor's to change; what is nobody's is not for somebody
        of one team only."""
        if self.grant is None or self.grant.teams is None:
            return self.grant is not None
        wanted = set(teams)
        return bool(wanted) and wanted <= self.grant.teams


ANYBODY = Visitor("", "open", Grant(Role.ADMIN))  # where nobody is asked, whoever reaches alertd may do everything


def teams_of(labels: Iterable[Labels]) -> set[str]:
    """The teams these label sets belong to; an alert without one is of the team named ""."""
    return {one.get(TEAM, "") for one in labels}


def digest_of(key: str) -> str:
    """The 64 hex digits a key is kept as."""
    return hashlib.sha256(key.encode()).hexdigest()


def by_key(given: str, access: Access, now: Millis) -> Visitor | None:
    """Whose key this is. Every key is compared, each in the same time, so that an answer's time says nothing."""
    wanted, found = digest_of(given), None
    for key in access.keys:
        if hmac.compare_digest(key.sha256, wanted) and (key.expires is None or now < key.expires):
            found = Visitor(key.name, "key", key.grant)
    return found


def by_name(name: str, via: str, access: Access, groups: Iterable[str] = ()) -> Visitor:
    """A person who showed who they are. Where the file grants nothing to anybody, a password or certificate is all
    that is asked, as Prometheus and Alertmanager have it; a proxy's word alone grants nothing."""
    grants = [access.users[name]] if name in access.users else []
    grants += [access.groups[group] for group in groups if group in access.groups]
    if not grants:
        return Visitor(name, via, None if access.granted or via == "proxy" else Grant(Role.ADMIN))
    return Visitor(name, via, _widest(grants))


def _widest(grants: list[Grant]) -> Grant:
    """The grant of several that allows most; of two alike, the teams of both."""
    most = max(len(GRANTS[grant.role]) for grant in grants)
    best = [grant for grant in grants if len(GRANTS[grant.role]) == most]
    if any(grant.teams is None for grant in best):
        return Grant(best[0].role)
    return Grant(best[0].role, frozenset(team for grant in best for team in grant.teams or ()))


def vouched(proxy: Proxy | None, address: str) -> bool:
    """Whether a proxy at this address is believed."""
    if proxy is None:
        return False
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return any(peer in network for network in proxy.networks)
