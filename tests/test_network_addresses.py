"""Network addresses: what an embedded one leads to, and who is counted as one."""

from ipaddress import ip_address

import pytest

from entracte.network_addresses import embedded, household


@pytest.mark.parametrize(
    ("address", "real"),
    [
        ("::ffff:10.1.2.3", "10.1.2.3"), ("::ffff:a01:203", "10.1.2.3"), ("64:ff9b::10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"), ("2606:4700::1", "2606:4700::1"), ("::10.1.2.3", "::a01:203"),
        ("64:ff9b:1::10.1.2.3", "64:ff9b:1::a01:203"),
    ],
)  # fmt: skip
def test_an_embedded_address_is_what_counts(address: str, real: str) -> None:
    assert str(embedded(ip_address(address))) == real


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("8.8.8.8", "8.8.8.8"), ("::ffff:8.8.8.8", "8.8.8.8"), ("64:ff9b::8.8.8.8", "8.8.8.8"),
        ("2606:4700:1:2:3:4:5:6", "2606:4700:1:2::/64"), ("2606:4700:1:2::", "2606:4700:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)  # fmt: skip
def test_a_household_is_counted_as_one_and_an_address_of_ipv4_for_itself(address: str, counted: str) -> None:
    assert household(ip_address(address)) == counted
