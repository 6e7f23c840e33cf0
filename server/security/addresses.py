"""Which addresses are of the public internet, and which lead back inside."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


def is_public(address: str) -> bool:
    """Whether an address is one that anybody may be sent to.

    Not so private, loopback, link-local, shared, reserved and multicast ones, nor those of IPv6
    that carry such a one of IPv4: mapped, compatible, 6to4, Teredo, NAT64.
    """
    try:
        found = ip_address(address)  # one with a zone (``fe80::1%eth0``) is link-local
    except ValueError:
        return False
    return _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return _carried_is_public(address) if isinstance(address, IPv6Address) else False
    if isinstance(address, IPv6Address) and _carried(address):
        return _carried_is_public(address)
    return address.is_global and not (isinstance(address, IPv6Address) and address.is_site_local)


def _carried_is_public(address: IPv6Address) -> bool:
    carried = _carried(address)
    return bool(carried) and all(_is_public(each) for each in carried)


def _carried(address: IPv6Address) -> list[IPv4Address]:
    """Return the addresses of IPv4 to which packets for this one may go."""
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    return [low] if address in _NAT64 or address in _COMPATIBLE else []
