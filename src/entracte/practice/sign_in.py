"""From the authorization request to the answer: who is it, may we tell, back to the client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oidc.core.errors import ConsentRequiredError, LoginRequiredError
from flask import Flask, Response, redirect, request

from entracte.practice.authorization_server import PracticeServer
from entracte.practice.browsers import Browser, Browsers, Interaction
from entracte.practice.claims import user_info
from entracte.practice.pages import Pages, Visit
from entracte.practice.people import PERSONA_PASSWORD, Behaviour, People, Person, Persona
from entracte.values import Clock, Json


@dataclass
class Consents:
    """Which scopes each person allowed each client. With `skip`, nobody is asked."""

    skip: bool
    _allowed: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def covers(self, person: Person, client_id: str, scope: str) -> bool:
        return self.skip or set(scope.split()) <= self._allowed.get((person.subject, client_id), set())

    def remember(self, person: Person, client_id: str, scope: str) -> None:
        self._allowed.setdefault((person.subject, client_id), set()).update(scope.split())

    def forget(self) -> None:
        self._allowed.clear()


@dataclass(frozen=True)
class SignIn:
    """The pages between the client's request and its answer."""

    server: PracticeServer
    pages: Pages
    browsers: Browsers
    people: People
    personas: tuple[Persona, ...]
    consents: Consents
    clock: Clock
    slow_seconds: float

    def register(self, app: Flask) -> None:
        app.add_url_rule("/authorize", view_func=self.authorize, methods=["GET", "POST"])
        app.add_url_rule("/login", view_func=self.login, methods=["GET"])
        app.add_url_rule("/login", "login_form", self.login_form, methods=["POST"])
        app.add_url_rule("/persona", view_func=self.persona, methods=["POST"])
        app.add_url_rule("/continue", "go_on", self.go_on, methods=["POST"])
        app.add_url_rule("/cancel", view_func=self.cancel, methods=["GET"])
        app.add_url_rule("/consent", view_func=self.consent, methods=["GET"])
        app.add_url_rule("/consent", "consent_form", self.consent_form, methods=["POST"])

    def authorize(self) -> Response:
        """The authorization endpoint (OpenID Connect Core section 3.1.2)."""
        visit = self.pages.visit()
        person = self.person_of(visit.browser)
        try:
            grant = self.server.checked_request(person)
            must_sign_in = self._must_sign_in(grant, visit.browser, person)
            response = self._next_page(grant, visit.browser, None if must_sign_in else person)
        except OAuth2Error as error:
            return self._refused(error, visit)
        return self.pages.with_cookie(response, visit.browser)

    def _must_sign_in(self, grant: Any, browser: Browser, person: Person | None) -> bool:
        data = grant.request.payload.data
        asked = set((data.get("prompt") or "").split())
        too_old = self._is_too_old(data.get("max_age"), browser, grant)
        needed = person is None or too_old or bool(asked & {"login", "select_account"})
        if needed and "none" in asked:
            raise LoginRequiredError(redirect_uri=grant.redirect_uri, state=data.get("state"))
        return needed

    def _is_too_old(self, max_age: str | None, browser: Browser, grant: Any) -> bool:
        if max_age is None:
            return False
        if not (max_age.isascii() and max_age.isdigit()):
            state = grant.request.payload.state
            raise InvalidRequestError("max_age is a number.", redirect_uri=grant.redirect_uri, state=state)
        elapsed = self.clock() - browser.authenticated_at
        # Zero always asks, also within the second of the sign-in.
        return elapsed > int(max_age) or int(max_age) == 0

    def _next_page(self, grant: Any, browser: Browser, person: Person | None) -> Response:
        data = grant.request.payload.data
        if person is not None and not self._must_ask(data, person, grant.request.scope):
            return self._answer(dict(data), browser, person)
        if data.get("prompt") == "none":
            raise ConsentRequiredError(redirect_uri=grant.redirect_uri, state=data.get("state"))
        interaction = browser.begin(data, self.clock())
        interaction.fresh = person is not None
        return _to("/login" if person is None else "/consent", interaction)

    def _must_ask(self, parameters: Mapping[str, str], person: Person, scope: str) -> bool:
        asked = "consent" in (parameters.get("prompt") or "").split()
        return asked or not self.consents.covers(person, parameters["client_id"], scope)

    def _refused(self, error: OAuth2Error, visit: Visit) -> Response:
        if error.redirect_uri:
            return self.server.refuse(error)
        detail = f"{error.error}: {error.get_error_description()}"
        return self.pages.notice("request", visit, status=400, detail=detail)

    # -- who is it

    def login(self) -> Response:
        visit = self.pages.visit()
        if visit.interaction is None:
            return self.pages.notice("gone", visit, status=410)
        return self._login_page(visit, email=visit.interaction.parameters.get("login_hint", ""))

    def _login_page(self, visit: Visit, *, email: str, error: str = "", status: int = 200) -> Response:
        parameters = visit.interaction.parameters if visit.interaction else {}
        return self.pages.show(
            "login",
            visit,
            status=status,
            email=email,
            error=error,
            choose=_may_go_on(parameters),
            personas=self.personas,
            persona_password=PERSONA_PASSWORD,
            seconds=f"{self.slow_seconds:g}",
        )

    def login_form(self) -> Response:
        visit = self.pages.visit()
        if not _may_post(visit):
            return self.pages.notice("gone", visit, status=410)
        email = request.form.get("email", "")
        person = self.people.by_password(email, request.form.get("password", ""))
        if person is None:
            return self._login_page(visit, email=email, error="no_match", status=422)
        return self.signed_in(visit, person)

    def persona(self) -> Response:
        """Somebody of the picker: one press."""
        visit = self.pages.visit()
        chosen = next((row.person for row in self.personas if row.key == request.form.get("persona")), None)
        if not _may_post(visit) or chosen is None:
            return self.pages.notice("gone", visit, status=410)
        return self.signed_in(visit, self.people.by_subject(chosen.subject) or chosen)

    def go_on(self) -> Response:
        """The account that is signed in already, for `prompt=select_account`; not a way around `prompt=login`."""
        visit = self.pages.visit()
        person = self.person_of(visit.browser)
        if not _may_post(visit) or visit.interaction is None or person is None:
            return self.pages.notice("gone", visit, status=410)
        if not _may_go_on(visit.interaction.parameters):
            return _to("/login", visit.interaction)
        visit.interaction.fresh = True
        return self._after_sign_in(visit.browser, visit.interaction, person)

    def signed_in(self, visit: Visit, person: Person) -> Response:
        """Goes on after somebody proved who they are, or plays what their persona is for."""
        interaction = visit.interaction
        if interaction is None:
            return self.pages.notice("gone", visit, status=410)
        if person.behaviour is Behaviour.REFUSES:
            return self._deny(interaction)
        if person.behaviour is Behaviour.FAILS:
            return self._fail(interaction)
        self.browsers.sign_in(visit.browser, person, self.clock())
        interaction.fresh = True
        return self._after_sign_in(visit.browser, interaction, person)

    def _after_sign_in(self, browser: Browser, interaction: Interaction, person: Person) -> Response:
        if self._must_ask(interaction.parameters, person, self._scope(interaction)):
            response = _to("/consent", interaction)
        else:
            response = self._answer(interaction.parameters, browser, person)
        return self.pages.with_cookie(response, browser)

    # -- may we tell

    def consent(self) -> Response:
        visit = self.pages.visit()
        person = self.person_of(visit.browser)
        if visit.interaction is None:
            return self.pages.notice("gone", visit, status=410)
        if person is None or not visit.interaction.fresh:
            return _to("/login", visit.interaction)
        told = told_about(person, self._scope(visit.interaction))
        return self.pages.show("consent", visit, told=told)

    def consent_form(self) -> Response:
        visit = self.pages.visit()
        person = self.person_of(visit.browser)
        interaction = visit.interaction
        if not _may_post(visit) or interaction is None or person is None or not interaction.fresh:
            return self.pages.notice("gone", visit, status=410)
        if request.form.get("decision") != "allow":
            return self._deny(interaction)
        client_id = interaction.parameters["client_id"]
        self.consents.remember(person, client_id, self._scope(interaction))
        return self._answer(interaction.parameters, visit.browser, person)

    # -- back to the client

    def cancel(self) -> Response:
        visit = self.pages.visit()
        if visit.interaction is None:
            return self.pages.notice("gone", visit, status=410)
        return self._deny(visit.interaction)

    def _answer(self, parameters: Mapping[str, str], browser: Browser, person: Person) -> Response:
        # After the client's own parameters, so that no client can say when the person signed in.
        kept = {**parameters, "auth_time": str(browser.authenticated_at)}
        return self.server.grant_access(self.server.kept_grant(kept, person), person)

    def _deny(self, interaction: Interaction) -> Response:
        return self.server.grant_access(self.server.kept_grant(interaction.parameters, None), None)

    def _fail(self, interaction: Interaction) -> Response:
        parameters = interaction.parameters
        error = OAuth2Error(
            "The account service has a fault.",
            error="server_error",
            state=parameters.get("state"),
            redirect_uri=parameters["redirect_uri"],
        )
        return self.server.refuse(error)

    def _scope(self, interaction: Interaction) -> str:
        return str(self.server.kept_grant(interaction.parameters, None).request.scope)

    def person_of(self, browser: Browser) -> Person | None:
        return self.people.by_subject(browser.subject) if browser.subject else None


def told_about(person: Person, scope: str) -> list[tuple[str, Json, str]]:
    """The lines of the consent page: the label's text, the value, and a remark's text ("" for none)."""
    claims: dict[str, Json] = user_info(person, scope)
    lines: list[tuple[str, Json, str]] = [("claim_id", person.subject, "")]
    for wanted, label, claim in _CONSENT_LINES:
        if wanted in scope.split():
            value = claims.get(claim)
            shown = value.get("formatted") if isinstance(value, dict) else value
            lines.append(
                (label, shown, _REMARKS.get((claim, claims.get(f"{claim}_verified") is True), "") if shown else "")
            )
    return lines


_CONSENT_LINES = (
    ("profile", "claim_name", "name"),
    ("profile", "claim_birthdate", "birthdate"),
    ("profile", "claim_locale", "locale"),
    ("email", "claim_email", "email"),
    ("phone", "claim_phone", "phone_number"),
    ("address", "claim_address", "address"),
)
_REMARKS: Mapping[tuple[str, bool], str] = {
    ("email", True): "confirmed",
    ("email", False): "not_confirmed",
    ("phone_number", True): "confirmed",
    ("phone_number", False): "not_confirmed",
}


def _may_go_on(parameters: Mapping[str, str]) -> bool:
    """Whether the account that is signed in is enough: the client asked for a choice, not for a new proof."""
    prompts = (parameters.get("prompt") or "").split()
    return "select_account" in prompts and "login" not in prompts and "max_age" not in parameters


def _may_post(visit: Visit) -> bool:
    return visit.browser.owns_form(request.form.get("form_token", ""))


def _to(path: str, interaction: Interaction) -> Response:
    response: Response = redirect(f"{path}?{urlencode({'interaction': interaction.handle})}", 303)  # type: ignore[assignment]
    return response
