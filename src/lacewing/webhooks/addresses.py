"""Which addresses may be called: those of the open internet, and networks that the settings name.

A URL comes from a user, so it could make this server call what only this server can reach: its own
machine, its network, the metadata of its cloud (server-side request forgery).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

import msgspec

from lacewing.webhooks.rules import Target

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given out for the open internet (RFC 4291, section 2.4)."""
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""How IPv6-only networks write IPv4 addresses (RFC 6052); the last 32 bits are one."""
_SPECIAL: Final = tuple(
    ip_network(each)
    for each in (
        "192.0.0.0/24",  # IETF protocol assignments; metadata of a cloud
        "192.88.99.0/24",  # relays of 6to4, given up (RFC 7526)
        "168.63.129.16/32",  # the platform of a cloud, seen by its own machines alone
        "2001::/23",  # IETF protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, given up
        "3fff::/20",  # documentation
    )
)
"""Looks public to some version of Python, and is not."""


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it stands for one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could call it too."""
    address = unwrapped(address)
    if isinstance(address, IPv6Address) and (address not in _UNICAST or address.scope_id):
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not is_within(address, _SPECIAL)
    )


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of ``networks`` holds it, however it is written."""
    address = unwrapped(address)
    return any(address in network for network in networks)


class Policy(msgspec.Struct, frozen=True):
    """Whom webhooks of this installation may call."""

    private_networks: tuple[Network, ...] = ()
    """Not public, and allowed all the same."""
    allows_http: bool = False
    """Whether plain HTTP may go anywhere, and not to private networks alone."""

    def refusal_of_url(self, target: Target) -> str | None:
        """Why nobody may have a webhook there, as far as the URL alone tells."""
        if target.scheme == "http" and not (self.allows_http or self.private_networks):
            return "must begin with https://"
        return None if target.address is None else self.refusal(target, target.address)

    def refusal(self, target: Target, address: Address) -> str | None:
        """Why ``target`` may not be called at ``address``; ``None`` if it may.

        Which address it is, is not told: names of private networks are nobody's business.
        """
        if is_within(address, self.private_networks):
            return None
        if not is_public(address):
            return "leads to an address that is not public"
        if target.scheme == "http" and not self.allows_http:
            return "must begin with https://"
        return None
