"""Making an account, and choosing a new password by way of a mail that is shown instead of sent."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask import Flask, Response, request

from entracte.practice.pages import Pages
from entracte.practice.people import People, Person
from entracte.practice.sign_in import SignIn
from entracte.practice.texts import language_of
from entracte.values import Clock

RESET_SECONDS = 1800
PASSWORD_CHARACTERS = 8
NAME_CHARACTERS = 100
HOME_COUNTRY = "BE"
_FIELDS = ("given_name", "family_name", "email", "phone")


@dataclass
class ResetLinks:
    """The links of the mails: each works once, for half an hour."""

    _links: dict[str, tuple[str, int]] = field(default_factory=dict)

    def make(self, person: Person, now: int) -> str:
        token = secrets.token_urlsafe(24)
        self._links[token] = (person.subject, now)
        return token

    def subject(self, token: str, now: int) -> str | None:
        subject, made_at = self._links.get(token, (None, 0))
        return subject if now - made_at <= RESET_SECONDS else None

    def spend(self, token: str) -> None:
        self._links.pop(token, None)


@dataclass(frozen=True)
class Registration:
    """A registration form that was read: the values as typed, and one text per field that needs another look."""

    values: dict[str, str] = field(repr=False)
    errors: dict[str, str]
    email: str = field(repr=False)
    phone_number: str | None = field(repr=False)


@dataclass(frozen=True)
class Accounts:
    """The pages around an account."""

    pages: Pages
    people: People
    sign_in: SignIn
    issuer: str
    clock: Clock
    links: ResetLinks = field(default_factory=ResetLinks)

    def register(self, app: Flask) -> None:
        app.add_url_rule("/register", view_func=self.registration, methods=["GET"])
        app.add_url_rule("/register", "registration_form", self.registration_form, methods=["POST"])
        app.add_url_rule("/forgotten", view_func=self.forgotten, methods=["GET"])
        app.add_url_rule("/forgotten", "forgotten_form", self.forgotten_form, methods=["POST"])
        app.add_url_rule("/reset", view_func=self.reset, methods=["GET"])
        app.add_url_rule("/reset", "reset_form", self.reset_form, methods=["POST"])

    def registration(self) -> Response:
        visit = self.pages.visit()
        hint = visit.interaction.parameters.get("login_hint", "") if visit.interaction else ""
        return self.pages.show("register", visit, values={"email": hint}, errors={})

    def registration_form(self) -> Response:
        visit = self.pages.visit()
        form = read_registration(request.form, self.people)
        if not visit.browser.owns_form(request.form.get("form_token", "")):
            return self.pages.notice("gone", visit, status=410)
        if form.errors:
            return self.pages.show("register", visit, status=422, values=form.values, errors=form.errors)
        person = self.people.register(
            given_name=form.values["given_name"],
            family_name=form.values["family_name"],
            email=form.email,
            phone_number=form.phone_number,
            password=request.form["password"],
            locale=f"{language_of(request, visit.ui_locales)}-{HOME_COUNTRY}",
        )
        return self.sign_in.signed_in(visit, person)

    def forgotten(self) -> Response:
        visit = self.pages.visit()
        return self.pages.show("forgotten", visit, email=request.args.get("email", ""), error="")

    def forgotten_form(self) -> Response:
        visit = self.pages.visit()
        typed = request.form.get("email", "")
        if not visit.browser.owns_form(request.form.get("form_token", "")):
            return self.pages.notice("gone", visit, status=410)
        email = read_email(typed)
        if email is None:
            return self.pages.show("forgotten", visit, status=422, email=typed, error="need_email")
        person = self.people.by_email(email)
        token = self.links.make(person, self.clock()) if person else None
        return self.pages.show("mail", visit, email=email, token=token, host=self.issuer.partition("//")[2])

    def reset(self) -> Response:
        """The link of the mail. It may be opened in another browser, which knows nothing of the sign-in."""
        visit = self.pages.visit()
        token = request.args.get("token", "")
        if self.links.subject(token, self.clock()) is None:
            return self.pages.show("reset_gone", visit, status=410)
        return self.pages.show("reset", visit, token=token, error="")

    def reset_form(self) -> Response:
        visit = self.pages.visit()
        token = request.form.get("token", "")
        password = request.form.get("password", "")
        person = self.people.by_subject(self.links.subject(token, self.clock()) or "")
        if not visit.browser.owns_form(request.form.get("form_token", "")) or person is None:
            return self.pages.show("reset_gone", visit, status=410)
        if len(password) < PASSWORD_CHARACTERS:
            return self.pages.show("reset", visit, status=422, token=token, error="need_password")
        self.links.spend(token)
        person = self.people.reset_password(person, password)
        if visit.interaction is None:
            return self.pages.notice("reset_done", visit, status=200)
        return self.sign_in.signed_in(visit, person)


def read_registration(form: Mapping[str, str], people: People) -> Registration:
    """Reads the form; nothing is refused before all of it was looked at."""
    values = {name: form.get(name, "").strip()[:NAME_CHARACTERS] for name in _FIELDS}
    email = read_email(values["email"])
    phone_number = read_phone_number(values["phone"])
    findings = {
        "given_name": "" if values["given_name"] else "need_given_name",
        "family_name": "" if values["family_name"] else "need_family_name",
        "email": _email_finding(email, people),
        "phone": "need_phone" if values["phone"] and phone_number is None else "",
        "password": "" if len(form.get("password", "")) >= PASSWORD_CHARACTERS else "need_password",
    }
    errors = {name: finding for name, finding in findings.items() if finding}
    return Registration(values, errors, email or "", phone_number)


def _email_finding(email: str | None, people: People) -> str:
    if email is None:
        return "need_email"
    return "taken_email" if people.by_email(email) else ""


def read_email(typed: str) -> str | None:
    """The address in its usual form; None when it is none. Nobody is asked whether it takes mail."""
    try:
        return validate_email(typed.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


def read_phone_number(typed: str) -> str | None:
    """In E.164, numbers without a country taken as Belgian; None when it is no number."""
    try:
        number = phonenumbers.parse(typed, HOME_COUNTRY)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
