"""Which key is used when, what stays of those before, and why a rotation waits for the one before it."""

from dataclasses import replace
from typing import Any

import pytest

from entracte.connections.key_rotation import (
    PUBLISHED_FIRST,
    STAYS,
    key_in_use,
    rotated,
    shown_in_tls,
    signs,
    without_leaked,
)
from entracte.connections.model import Connection, KeyUse, OwnKey
from entracte.connections.opened_keys import opened
from entracte.connections.own_certificates import pem_of
from entracte.connections.own_keys import needed, new_keys, published, with_needed_keys
from entracte.errors import Kind, LocalError
from entracte.protocol.jwe import decrypt, encrypt
from entracte.protocol.keys import read_jwks
from entracte.protocol.messages import HttpResponse
from entracte.values import Secret, entropy
from tests.connections.keyed import EVERYTHING, KEYS, NOW, config, made, rotated_at

SIGNING: dict[str, Any] = {"authentication": "private_key_jwt", "dpop": True}
ENCRYPTED: dict[str, Any] = {"encrypted": ["id_token"], "encryption_algorithm": "ECDH-ES"}


def of(kept: Connection, use: KeyUse) -> list[OwnKey]:
    return [key for key in kept.own_keys if key.use is use]


def signing(kept: Connection, now: int) -> str:
    key = opened(kept, KEYS, now).signing
    assert key is not None
    return key.kid


def thumbed(kept: Connection, at: int) -> str:
    key = opened(kept, KEYS, at).proof
    assert key is not None
    return key.kid


# Which key is used


def test_a_new_key_is_published_before_it_signs() -> None:
    first = made(**SIGNING)
    second = rotated_at(first, NOW + 100)
    [new, old] = of(second, KeyUse.SIGNATURE)
    ripe = NOW + 100 + PUBLISHED_FIRST
    assert (signing(second, ripe - 1), signing(second, ripe)) == (old.kid, new.kid)
    assert {key["kid"] for key in published(second)["keys"]} == {new.kid, old.kid}


def test_which_key_proves_is_told_by_the_time_alone() -> None:
    """Whatever is rotated while somebody is at the login, and whichever process finishes it."""
    first = made(**SIGNING)
    second = rotated_at(first, NOW + 100)
    third = rotated_at(second, NOW + 100 + PUBLISHED_FIRST)
    for began in (NOW, NOW + 99, NOW + 101, NOW + 99 + PUBLISHED_FIRST):
        assert thumbed(first, began) == thumbed(second, began) == thumbed(third, began)
    assert thumbed(first, NOW) != thumbed(second, NOW + 100 + PUBLISHED_FIRST)


def test_the_first_key_signs_at_once() -> None:
    assert opened(made(**SIGNING), KEYS, NOW).signing is not None


def test_a_key_of_another_algorithm_is_not_used() -> None:
    kept = made(authentication="private_key_jwt", **ENCRYPTED)
    changed = config(
        authentication="private_key_jwt", signing_algorithm="PS256", encryption_algorithm="RSA-OAEP",
        encrypted=["id_token"],
    )  # fmt: skip
    without = opened(replace(kept, config=changed), KEYS, NOW)
    assert without.signing is None
    assert without.decryption == ()


def test_a_new_certificate_is_shown_only_after_the_next_rotation() -> None:
    first = made(authentication="self_signed_tls_client_auth")
    second = rotated_at(first, NOW)
    assert shown_in_tls(second) == shown_in_tls(first) == first.own_keys[0]
    third = rotated_at(second, NOW + PUBLISHED_FIRST)
    assert shown_in_tls(third) == second.own_keys[0]
    assert shown_in_tls(replace(first, own_keys=())) is None


# What stays


def test_of_rotated_keys_those_stay_that_something_was_begun_with() -> None:
    kept = made(**EVERYTHING)
    for times in range(1, 6):
        before, now = kept, NOW + times * PUBLISHED_FIRST
        kept = rotated_at(before, now)
        for use in needed(kept.config):
            [new, *rest] = of(kept, use)
            assert new.created_at == now
            assert rest == of(before, use)[: len(rest)], "in their order"
            assert len(rest) == min(times, 2)


def test_an_hour_is_enough_for_what_was_begun() -> None:
    """And the one in use stays, however old it is."""
    late = NOW + 100 * STAYS
    kept = rotated_at(rotated_at(rotated_at(made(**EVERYTHING), NOW), NOW + PUBLISHED_FIRST), late)
    for use in set(needed(kept.config)) - {KeyUse.TLS}:
        assert [key.created_at for key in of(kept, use)] == [late, NOW + PUBLISHED_FIRST]
    assert signing(kept, late) == of(kept, KeyUse.SIGNATURE)[1].kid


def test_the_key_in_use_stays_when_a_newer_one_is_of_another_algorithm() -> None:
    first = made(authentication="private_key_jwt")
    other = config(authentication="private_key_jwt", signing_algorithm="PS256")
    both = with_needed_keys(first.with_config(other), KEYS, entropy, NOW + 5).with_config(first.config)
    late = NOW + 100 * STAYS
    assert signing(rotated_at(both, late), late) == first.own_keys[0].kid


def test_keys_of_no_use_go() -> None:
    kept = made(**EVERYTHING).with_config(config(authentication="private_key_jwt"))
    assert {key.use for key in rotated_at(kept, NOW).own_keys} == {KeyUse.SIGNATURE}
    unneeded = new_keys(made(**EVERYTHING), KEYS, entropy, NOW)
    assert {key.use for key in rotated(kept, unneeded, NOW).own_keys} == {KeyUse.SIGNATURE}


# A second rotation within the hour


def test_a_rotation_waits_for_the_one_before() -> None:
    """Otherwise a key that was published for a minute would sign: a server that keeps our key set would not know it."""
    first = made(**SIGNING, **ENCRYPTED)
    told = encrypt(Secret("a.b.c"), key_set(first), "ECDH-ES")
    second = rotated_at(first, NOW + 10)
    for after in (0, 60, PUBLISHED_FIRST - 1):
        with pytest.raises(LocalError) as caught:
            rotated_at(second, NOW + 10 + after)
        assert (caught.value.problem.kind, caught.value.problem.code) == (Kind.CONFLICT, "connection_keys_rotating")
    assert "Wait 1 minutes" in caught.value.problem.hint
    third = rotated_at(second, NOW + 10 + PUBLISHED_FIRST)
    assert signing(second, NOW + 70) == signing(first, NOW)
    assert signing(third, NOW + 10 + PUBLISHED_FIRST) == of(second, KeyUse.SIGNATURE)[0].kid
    for kept in (first, second, third):
        assert decrypt(told, opened(kept, KEYS, NOW + 70).decryption) == Secret("a.b.c")


@pytest.mark.parametrize("changes", [ENCRYPTED, {"dpop": True}, {"authentication": "self_signed_tls_client_auth"}])
def test_it_waits_for_every_use(changes: dict[str, Any]) -> None:
    second = rotated_at(made(**changes), NOW)
    with pytest.raises(LocalError, match="connection_keys_rotating"):
        rotated_at(second, NOW + 60)


def test_a_first_key_is_in_use_and_can_be_rotated_at_once() -> None:
    first = made(authentication="private_key_jwt")
    other = config(authentication="private_key_jwt", signing_algorithm="PS256")
    second = with_needed_keys(rotated_at(first, NOW).with_config(other), KEYS, entropy, NOW + 1)
    assert signing(rotated_at(second, NOW + 2), NOW + 2) == second.own_keys[0].kid


def test_leaked_keys_go_at_once() -> None:
    """Also twice within a minute, and with the certificate that was for one of them."""
    first = made(authentication="self_signed_tls_client_auth", request_object="value", dpop=True, **ENCRYPTED)
    by_authority = config(
        authentication="tls_client_auth", request_object="value", dpop=True,
        client_certificate=pem_of(of(first, KeyUse.TLS)[0].public["x5c"][0]), **ENCRYPTED,
    )  # fmt: skip
    kept = rotated_at(first.with_config(by_authority), NOW)
    for _ in range(2):
        before, kept = kept, without_leaked(kept, new_keys(kept, KEYS, entropy, NOW + 60))
        assert len(kept.own_keys) == len(needed(kept.config)) == 4
        assert not {key.kid for key in kept.own_keys} & {key.kid for key in before.own_keys}
    assert kept.config == by_authority.model_copy(update={"client_certificate": ""})
    assert all(key_in_use(kept, key, NOW + 60) for key in kept.own_keys)
    assert signs(kept, KeyUse.SIGNATURE, NOW + 60) in kept.own_keys
    shown = opened(kept, KEYS, NOW + 60).certificate
    assert shown is not None
    assert shown.chain == pem_of(of(kept, KeyUse.TLS)[0].public["x5c"][0])


def key_set(kept: Connection) -> Any:
    body = str(published(kept)).replace("'", '"').encode()
    return read_jwks(HttpResponse(200, {"content-type": "application/jwk-set+json"}, body)).encryption[0]
