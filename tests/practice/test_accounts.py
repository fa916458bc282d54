"""Registration, and the forgotten password."""

import pytest

from entracte.practice.accounts import read_email, read_phone_number
from tests.practice.conftest import Running
from tests.practice.visitor import Answer, Trip, bearer

NEWCOMER = {
    "given_name": "Noor",
    "family_name": "O'Brien <i>",
    "email": "noor@example.org",
    "phone": "0470 98 76 54",
    "password": "long enough",
}


def register(trip: Trip, **changes: str) -> Answer:
    (link,) = [link for link in trip.start().links() if link.startswith("/register")]
    return trip.visitor.post(trip.visitor.go(link), "/register", **{**NEWCOMER, **changes})


def mail_for(trip: Trip, email: str) -> Answer:
    (link,) = [link for link in trip.start().links() if link.startswith("/forgotten")]
    return trip.visitor.post(trip.visitor.go(link), "/forgotten", email=email)


def reset_link(mail: Answer) -> str:
    (link,) = [link for link in mail.links() if link.startswith("/reset")]
    return link


def test_newcomer_goes_straight_on(running: Running) -> None:
    trip = running.trip()
    consent = register(trip)
    assert "O&#39;Brien &lt;i&gt;" in consent.text
    tokens = trip.redeem(trip.visitor.allow(consent).parameters["code"]).json
    told = running.visitor().send("/userinfo", headers=bearer(tokens["access_token"])).json
    assert told["given_name"] == "Noor"
    assert told["email"] == "noor@example.org"
    assert told["email_verified"] is False
    assert told["phone_number"] == "+32470987654"

    later = running.trip()
    again = later.visitor.post(later.start(), "/login", email="NOOR@example.org", password="long enough")
    assert again.parameters["code"]


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("given_name", "  ", "first name is missing"),
        ("family_name", "", "last name is missing"),
        ("email", "noor", "not an e-mail address yet"),
        ("email", "a@b@example.org", "not an e-mail address yet"),
        ("email", "ANA@example.com", "There is an account with this address already"),
        ("phone", "0470", "not a phone number yet"),
        ("password", "short", "too short"),
    ],
)
def test_each_field_says_what_it_needs(running: Running, field: str, typed: str, says: str) -> None:
    page = register(running.trip(), **{field: typed})
    assert page.status == 422
    assert says in page.text
    assert f'id="{field}-error"' in page.text
    assert f'href="#{field}"' in page.text
    assert page.text.count('class="error"') == 1
    assert "long enough" not in page.text


def test_password_that_was_forgotten(running: Running) -> None:
    trip = running.trip()
    mail = mail_for(trip, "ana@example.com")
    assert "The mail is there" in mail.text
    page = trip.visitor.go(reset_link(mail))
    short = trip.visitor.post(page, "/reset", password="short")
    assert "too short" in short.text
    consent = trip.visitor.post(page, "/reset", password="a new password")
    assert "Share this" in consent.text

    assert trip.visitor.go(reset_link(mail)).status == 410
    later = running.trip()
    assert later.visitor.post(later.start(), "/login", email="ana@example.com", password="practice").status == 422
    page = later.visitor.post(later.start(), "/login", email="ana@example.com", password="a new password")
    assert "Share this" in page.text


def test_link_may_be_opened_in_another_browser(running: Running) -> None:
    trip = running.trip()
    link = reset_link(mail_for(trip, "chloe@example.com"))
    phone = running.visitor()
    done = phone.post(phone.go(link), "/reset", password="a new password")
    assert done.status == 200
    assert "Your new password works" in done.text
    login = trip.start()
    assert trip.visitor.post(login, "/login", email="chloe@example.com", password="a new password").status == 200


def test_opened_link_confirms_the_address(running: Running) -> None:
    trip = running.trip()
    page = trip.visitor.go(reset_link(mail_for(trip, "chloe@example.com")))
    back = trip.visitor.allow(trip.visitor.post(page, "/reset", password="a new password"))
    token = trip.redeem(back.parameters["code"]).json["access_token"]
    assert running.visitor().send("/userinfo", headers=bearer(token)).json["email_verified"] is True


def test_link_is_old_after_half_an_hour(running: Running) -> None:
    trip = running.trip()
    link = reset_link(mail_for(trip, "ana@example.com"))
    running.clock.time += 1801
    assert trip.visitor.go(link).status == 410


def test_mail_to_an_unknown_address_has_no_link(running: Running) -> None:
    mail = mail_for(running.trip(), "nobody@example.com")
    assert "No account with this address" in mail.text
    assert not [link for link in mail.links() if link.startswith("/reset")]


def test_address_that_is_none_is_said_at_the_field(running: Running) -> None:
    page = mail_for(running.trip(), "<script>alert(1)</script>")
    assert page.status == 422
    assert 'id="email-error"' in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize(
    ("typed", "read"), [("0470 12 34 56", "+32470123456"), ("+33 6 12 34 56 78", "+33612345678"), ("0470 12", None)]
)
def test_phone_numbers(typed: str, read: str | None) -> None:
    assert read_phone_number(typed) == read


def test_email_addresses() -> None:
    assert read_email(" Ana@EXAMPLE.com ") == "Ana@example.com"
    assert read_email("ana@") is None
