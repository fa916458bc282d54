"""Two client secrets of a connection: which one is current, when one can go, and sealing them anew."""

from dataclasses import replace

import pytest

from entracte.connections.client_secrets import (
    KeptSecret,
    Place,
    check_secret,
    client_of,
    previous_client_of,
    reseal,
    seal_secret,
    secrets_of,
    with_secret,
    without_secret,
)
from entracte.connections.model import Connection, ConnectionConfig
from entracte.errors import LocalError
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys
from entracte.values import ConnectionNumber, OrganizationNumber, Secret

OLD = SealKeys(1, {1: b"1" * 32})
BOTH = SealKeys(2, {2: b"2" * 32, 1: b"1" * 32})
NEW = SealKeys(2, {2: b"2" * 32})
OWNER = OrganizationNumber(1)
CONFIG = ConnectionConfig(
    name="northwind",
    title="Northwind",
    client_id="us",
    authorization_endpoint="https://login.example/a",
    token_endpoint="https://login.example/t",
    userinfo_endpoint="https://login.example/u",
    profile_source="userinfo",
)


def sealed(text: str, keys: SealKeys = OLD) -> str:
    return seal_secret(Secret(text), OWNER, keys)


ONE = Connection(OWNER, ConnectionNumber(5), CONFIG, sealed("first"), 100)
TWO = with_secret(ONE, sealed("second"), 200, replace_previous=False)


def opened(connection: Connection, keys: SealKeys = OLD) -> tuple[str, str | None]:
    previous = previous_client_of(connection, keys)
    return client_of(connection, keys).client_secret.reveal(), previous.client_secret.reveal() if previous else None


@pytest.mark.conformance("MUST 51")
def test_the_new_one_is_current_and_the_old_one_previous() -> None:
    assert opened(ONE) == ("first", None)
    assert opened(TWO) == ("second", "first")
    assert secrets_of(ONE) == (KeptSecret(Place.CURRENT, 100),)
    assert secrets_of(TWO) == (KeptSecret(Place.CURRENT, 200), KeptSecret(Place.PREVIOUS, 100))


def test_a_third_one_pushes_out_the_previous_one_only_when_asked() -> None:
    with pytest.raises(LocalError) as raised:
        with_secret(TWO, sealed("third"), 300, replace_previous=False)
    assert raised.value.problem.code == "connection_secrets_full"
    assert raised.value.problem.hint
    assert opened(with_secret(TWO, sealed("third"), 300, replace_previous=True)) == ("third", "second")


def test_one_can_go_but_not_the_last() -> None:
    assert opened(without_secret(TWO, Place.PREVIOUS)) == ("second", None)
    assert without_secret(TWO, Place.CURRENT) == ONE  # with its time
    for place, code in ((Place.CURRENT, "connection_secret_last"), (Place.PREVIOUS, "connection_secret_unknown")):
        with pytest.raises(LocalError) as raised:
            without_secret(ONE, place)
        assert raised.value.problem.code == code


@pytest.mark.conformance("MUST 51")
@pytest.mark.parametrize("connection", [ONE, TWO], ids=["one", "two"])
def test_sealed_anew_it_opens_without_the_old_key(connection: Connection) -> None:
    again = reseal(connection, BOTH)
    assert opened(again, NEW) == opened(connection)
    assert (
        replace(again, sealed_secret=connection.sealed_secret, previous_sealed_secret=connection.previous_sealed_secret)
        == connection
    )
    with pytest.raises(Refused) as refused:
        reseal(connection, NEW)
    assert refused.value.reason is Reason.STATE_UNKNOWN_KEY


def test_sealed_anew_by_the_same_key_nothing_changes() -> None:
    assert reseal(TWO, OLD) == TWO


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\0b", "\ud800", "x" * 2001])
def test_what_no_server_gives_out_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(LocalError) as raised:
        check_secret(Secret(text), CONFIG)
    assert raised.value.problem.code == "connection_secret_malformed"
    assert not text.strip() or text not in str(raised.value)


def test_odd_characters_may_stand_in_a_secret() -> None:
    assert check_secret(Secret("s3cret/+:%& ü"), CONFIG) == Secret("s3cret/+:%& ü")
