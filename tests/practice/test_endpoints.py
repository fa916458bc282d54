"""The way out: RP-initiated logout."""

import urllib.parse

from tests.practice.conftest import Running
from tests.practice.visitor import CLIENT_ID, SIGNED_OUT_URI, Answer, Trip


def leave(trip: Trip, **parameters: str) -> Answer:
    return trip.visitor.go("/end-session?" + urllib.parse.urlencode(parameters))


def is_signed_in(trip: Trip) -> bool:
    return "code" in trip.start(prompt="none").parameters


def test_own_id_token_signs_out_at_once_and_goes_back(running: Running) -> None:
    trip = running.trip()
    hint = trip.tokens()["id_token"]
    back = leave(trip, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT_URI, state="s&=1")
    assert back.status == 303
    assert back.location.startswith(SIGNED_OUT_URI)
    assert back.parameters == {"state": "s&=1"}
    assert not is_signed_in(trip)


def test_unregistered_address_is_not_followed(running: Running) -> None:
    trip = running.trip()
    hint = trip.tokens()["id_token"]
    page = leave(trip, id_token_hint=hint, post_logout_redirect_uri="https://evil.example/")
    assert page.status == 200
    assert "You are signed out" in page.text
    assert "Location" not in page.headers
    assert not is_signed_in(trip)


def test_without_an_id_token_there_is_a_question(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    question = leave(trip, client_id=CLIENT_ID)
    assert "You are signed in as Ana Lopez" in question.text
    assert is_signed_in(trip)
    done = trip.visitor.post(question, "/end-session")
    assert "You are signed out" in done.text
    assert not is_signed_in(trip)


def test_id_token_of_somebody_else_signs_nobody_out(running: Running) -> None:
    other = running.trip().tokens("minor")["id_token"]
    trip = running.trip()
    trip.sign_in()
    assert "Sign out?" in leave(trip, id_token_hint=other).text
    assert is_signed_in(trip)


def test_posted_question_of_another_site_signs_nobody_out(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    assert "Sign out?" in trip.visitor.go("/end-session", {"form_token": "made up"}).text
    assert is_signed_in(trip)


def test_made_up_id_token_is_refused(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    page = leave(trip, id_token_hint="a.b.<script>", post_logout_redirect_uri=SIGNED_OUT_URI)
    assert page.status == 400
    assert "<script" not in page.text
    assert is_signed_in(trip)


def test_id_token_from_before_a_rotation_still_counts(running: Running) -> None:
    trip = running.trip()
    hint = trip.tokens()["id_token"]
    running.provider.rotate_keys()
    assert leave(trip, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT_URI).status == 303
