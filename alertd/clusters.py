"""Which Alertmanagers are one: the peers of a cluster, though each goes by an external URL of its own. Pure.

Peers tell the same groups. As long as they have an alert in common, that shows it (`episodes.source_of`). But peers
that do not reach each other any more, each fed by another Prometheus, have none, and each would open an incident of its
own for one group. A group's key is no proof either: Alertmanagers of two teams have the same where both group by
alertname, and one team's acknowledgement would keep the other's pager quiet. So it takes the Alertmanagers' own word:
those that alertd was told to ask, and that name each other as members of their cluster, are one; a peer that is cut off
later stays one.

What a webhook calls its Alertmanager, that one's API does not say. A source belongs to a cluster where it is the
address of one of its members, or where only members list its alerts. One that is new does so, for now, where all that
is asked is one cluster: two calls for one group at three in the morning are not mended by what is known a minute later.
It does not any more as soon as every member was asked and none lists its alerts.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence

from alertd.reconciling import Look, Voice

STRANGER = ""  # the cluster of a source that belongs to none that is asked
MOST = 100  # names that are kept, so that whoever makes up external URLs fills nothing


@dataclasses.dataclass(frozen=True, slots=True)
class Clusters:
    """By address that is asked, and by source, the name of its cluster; an Alertmanager without peers is one alone.
    Nothing, where nobody has peers."""

    names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def peers(self, source: str) -> tuple[str, ...]:
        """The names by which incidents of this source may go, the one for new ones first. The same for all peers."""
        if not self.names:
            return (source,)
        name = self.names.get(source) or self._only(source)
        members = sorted(one for one, cluster in self.names.items() if cluster == name) if name else []
        return tuple(dict.fromkeys((*members, source))) if len(members) > 1 else (source,)

    def _only(self, source: str) -> str | None:
        """The cluster that a new source is taken to belong to."""
        found = {name for name in self.names.values() if name != STRANGER}
        return found.pop() if len(found) == 1 and source not in self.names else None


def learnt(before: Clusters, looks: Sequence[Look], asked: Collection[str], voices: Collection[Voice],
           unspoken: Iterable[str]) -> Clusters:
    """What is known after a round of looks: `asked` are all addresses, `looks` what those said that answered, `voices`
    which address has listed alerts of which source, `unspoken` sources whose open alerts nobody lists."""
    names = {address: before.names.get(address) or address for address in asked}
    for look, other in itertools.combinations(looks, 2):
        if look.cluster & other.cluster:
            _unite(names, look.address, other.address)
    sizes = collections.Counter(names.values())
    if max(sizes.values(), default=0) < 2:
        return Clusters()  # there are no peers
    refuted = frozenset(unspoken) if len(looks) == len(asked) else frozenset()
    strangers = [source for source, name in before.names.items() if name == STRANGER]
    sources = dict.fromkeys((*strangers, *sorted(refuted), *sorted(source for _, source in voices)))
    for source in [source for source in sources if source not in names]:
        listing = {names[address] for address, spoken in voices if spoken == source and address in names}
        one = listing.pop() if len(listing) == 1 else STRANGER
        if sizes[one] > 1:
            names[source] = one
        elif len(names) < MOST:
            names[source] = STRANGER
    return Clusters(names)


def _unite(names: dict[str, str], one: str, other: str) -> None:
    both = {names[one], names[other]}
    names.update((address, min(both)) for address, name in names.items() if name in both)
