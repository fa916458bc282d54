"""The reasons to refuse: each its own code, each with somebody whose fault it is."""

import pytest

from entracte.errors import Kind, LocalError, RemoteError
from entracte.protocol.errors import Reason, Refused, refuse

KINDS = {
    "browser": (Kind.BAD_INPUT, LocalError),
    "us": (Kind.UNAVAILABLE, LocalError),
    "participant": (Kind.REMOTE, RemoteError),
    "provider": (Kind.REMOTE, RemoteError),
}


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.code)
def test_every_reason_says_whose_fault_it_is(reason: Reason) -> None:
    kind, fault = KINDS[reason.fault]
    refusal = refuse(reason, "Expected one thing; got another.")
    assert isinstance(refusal, Refused)
    assert isinstance(refusal, fault)
    assert refusal.reason is reason
    assert refusal.problem.kind is kind
    assert refusal.problem.code == reason.code == reason.name.lower()
    assert str(refusal) == f"{reason.meaning} Expected one thing; got another. [{reason.code}]"


def test_no_two_reasons_are_one() -> None:
    assert len(Reason.__members__) == len(list(Reason))
    assert len({reason.meaning for reason in Reason}) == len(list(Reason))


def test_without_evidence_the_meaning_stands_alone() -> None:
    assert str(refuse(Reason.TOKEN_NONCE)) == f"{Reason.TOKEN_NONCE.meaning} [token_nonce]"


def test_a_refusal_has_its_evidence() -> None:
    refusal = Refused(Reason.TOKEN_NONCE)
    assert refusal.evidence == ""
    assert Refused(Reason.TOKEN_NONCE, "Expected one thing.").evidence == "Expected one thing."
    assert refuse(Reason.TOKEN_NONCE, "Expected one thing.").evidence == "Expected one thing."
    assert str(refusal) == f"{Reason.TOKEN_NONCE.meaning} [token_nonce]"
