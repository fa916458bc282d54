"""Which networks are public, and the allow list: the twin of `fetch.networks`."""

from ipaddress import ip_address

import pytest

from entracte.errors import Kind, LocalError
from entracte.fetch import DENIED, SETTING, OutboundAllow, is_public
from tests.fetch.servers import PUBLIC, PUBLIC6


def test_the_allow_list_is_empty_by_default() -> None:
    assert OutboundAllow.parse("") == OutboundAllow() == OutboundAllow((), frozenset())
    assert OutboundAllow.parse(" , ,") == OutboundAllow()


def test_the_allow_list_has_networks_addresses_and_names() -> None:
    allow = OutboundAllow.parse("127.0.0.0/8, ::1/128,10.1.2.3, fd00::7 ,Login.Intra.Example,bücher.example")
    assert [str(network) for network in allow.networks] == ["127.0.0.0/8", "::1/128", "10.1.2.3/32", "fd00::7/128"]
    assert allow.hosts == {"login.intra.example", "xn--bcher-kva.example"}
    assert allow.has(ip_address("127.3.2.1"))
    assert allow.has(ip_address("::ffff:127.0.0.1"))
    assert not allow.has(ip_address("10.1.2.4"))


@pytest.mark.parametrize(
    "item",
    [
        "10.0.0.1/8", "10.0.0.0/33", "300.1.1.1", "127.1", "0x7f.1", "2130706433", "*", "*.example", "a b",
        "localhost:80", "https://login.example", "user@host", "-a.example", "a..b", "::1::", "[::1]", "exa\nmple",
        "x" * 64 + ".example",
    ],
)  # fmt: skip
def test_an_item_of_the_allow_list_that_is_nothing_is_named(item: str) -> None:
    with pytest.raises(LocalError) as caught:
        OutboundAllow.parse(f"127.0.0.0/8,{item},localhost")
    (problem,) = caught.value.problems
    assert problem.code == "outbound_allow_malformed"
    assert problem.kind is Kind.BAD_INPUT
    assert problem.where == SETTING == "ENTRACTE_OUTBOUND_ALLOW"
    assert item[:100] in problem.message


def test_each_item_that_is_nothing_is_a_problem() -> None:
    with pytest.raises(LocalError) as caught:
        OutboundAllow.parse("10.0.0.1/8,*,localhost")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "168.63.129.16", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1",
        "2002:7f00:1::", "2002:5db8:d70e::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
        "ff02::1", "4000::1", "::ffff:0:127.0.0.1",
    ],
)  # fmt: skip
@pytest.mark.conformance("MUST 38")
def test_what_is_not_on_the_public_internet(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [PUBLIC, PUBLIC6, "1.1.1.1", "172.15.255.255", "172.32.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.255",
     "100.128.0.1", "11.0.0.1", "2a00:1450:4001::1", f"::ffff:{PUBLIC}", "64:ff9b::5db8:d70e"],
)  # fmt: skip
def test_what_is_on_the_public_internet(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.conformance("MUST 38")
def test_every_denied_network_is_denied_to_its_ends() -> None:
    for network in DENIED:
        assert not is_public(network[0])
        assert not is_public(network[-1])
