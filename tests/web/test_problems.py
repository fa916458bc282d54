"""Every kind of problem has a status, and it is the one that HTTP has for it."""

from entracte.errors import Kind
from entracte.protocol.errors import Reason, refuse
from entracte.web.problems import STATUS


def test_no_kind_is_without_a_status() -> None:
    assert STATUS.keys() == set(Kind)


def test_whose_fault_it_was_can_be_read_off_the_status() -> None:
    """RFC 9110 section 15: the participant's and the caller's are 4xx, the brand's server's and ours are 5xx."""
    ours = {Kind.REMOTE, Kind.UNAVAILABLE}
    assert {kind for kind, status in STATUS.items() if status >= 500} == ours
    assert all(400 <= status < 600 for status in STATUS.values())


def test_the_statuses_that_clients_act_on() -> None:
    assert STATUS[Kind.UNAVAILABLE] == 503, "try again"
    assert STATUS[Kind.TOO_LARGE] == 413
    assert STATUS[Kind.UNSUPPORTED] == 415
    assert STATUS[Kind.GONE] == 410
    assert STATUS[Kind.NOT_FOUND] == 404


def test_every_reason_of_a_refusal_has_a_status() -> None:
    for reason in Reason:
        status = STATUS[refuse(reason).problem.kind]
        assert status == {"browser": 400, "us": 503}.get(reason.fault, 502)
