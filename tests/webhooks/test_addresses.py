"""Which addresses count as public, whatever the version of Python thinks."""

from ipaddress import ip_address, ip_network

import pytest

from lacewing.webhooks.addresses import Policy, is_public, is_within
from lacewing.webhooks.rules import parse_url

NOT_PUBLIC = (
    # this machine, this network
    "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "::1", "::",
    # private, shared, link-local: with the metadata of clouds
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.100.100.200",
    "169.254.169.254", "fd00:ec2::254", "fc00::1", "fe80::1", "fe80::1%eth0", "fec0::1",
    "168.63.129.16", "192.0.0.192",
    # multicast, broadcast, reserved, documentation, benchmarks
    "224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "ff02::1", "ff0e::1",
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "2001:db8::1", "3fff::1", "100::1",
    # IPv4 within IPv6: mapped, compatible, translated, 6to4, Teredo, ISATAP-like local use
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::8.8.8.8",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "2002:7f00:1::",
    "2002:808:808::1", "2001:0:7f00:1::", "2001::1", "192.88.99.1",
    # given out to nobody
    "4000::1", "5f00::1", "1::1",
)  # fmt: skip
PUBLIC = (
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
)  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_everybodys_is_not_public(address: str) -> None:
    """WEBHOOK, SSRF: in every way to write it."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    """WEBHOOK: also of a network that translates IPv4."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("address", "network", "expected"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("64:ff9b::10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("fd00::1", "fd00::/8", True),
        ("fd00::1", "10.0.0.0/8", False),
    ],
)
def test_a_network_holds_an_address_however_it_is_written(
    address: str, network: str, *, expected: bool
) -> None:
    """WEBHOOK: of either version."""
    assert is_within(ip_address(address), [ip_network(network)]) is expected


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("https://a.test/", "8.8.8.8", None),
        ("https://a.test/", "10.0.0.1", None),
        ("https://a.test/", "192.168.0.1", "leads to an address that is not public"),
        ("http://a.test/", "10.0.0.1", None),
        ("http://a.test/", "8.8.8.8", "must begin with https://"),
        ("http://a.test/", "192.168.0.1", "leads to an address that is not public"),
    ],
)
def test_plain_http_goes_to_the_networks_of_the_settings_alone(
    url: str, address: str, expected: str | None
) -> None:
    """WEBHOOK: signed, but readable by everybody on its way."""
    policy = Policy((ip_network("10.0.0.0/8"),))

    assert policy.refusal(parse_url(url), ip_address(address)) == expected


def test_in_development_plain_http_goes_everywhere_but_to_private_addresses() -> None:
    """WEBHOOK: those are allowed by name alone."""
    policy = Policy(allows_http=True)
    target = parse_url("http://a.test/")

    assert policy.refusal_of_url(target) is None
    assert policy.refusal(target, ip_address("8.8.8.8")) is None
    assert policy.refusal(target, ip_address("127.0.0.1")) is not None
