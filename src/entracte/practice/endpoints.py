"""The addresses that programs call: discovery, keys, token, UserInfo, the profile API; and the way out."""

from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error
from flask import Flask, Response, jsonify, redirect, request

from entracte.practice.authorization_server import PracticeServer
from entracte.practice.browsers import Browsers, take_cookie
from entracte.practice.claims import brand_profile
from entracte.practice.clients import AUTHENTICATION_METHODS, SCOPES
from entracte.practice.keys import ALGORITHM
from entracte.practice.pages import Pages, Visit
from entracte.practice.sign_in import SignIn
from entracte.practice.texts import LANGUAGES
from entracte.values import Json

CLAIMS = (
    "sub iss aud exp iat auth_time nonce at_hash amr name given_name family_name birthdate locale "
    "email email_verified phone_number phone_number_verified address"
)


def metadata(issuer: str) -> dict[str, Json]:
    """OpenID Connect Discovery section 3, RFC 8414, RFC 9207 section 3, RP-Initiated Logout section 2.1."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/end-session",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [*CLAIMS.split()],
        "ui_locales_supported": list(LANGUAGES),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


@dataclass(frozen=True)
class Endpoints:
    """Everything beside the sign-in itself."""

    server: PracticeServer
    pages: Pages
    browsers: Browsers
    sign_in: SignIn

    def register(self, app: Flask) -> None:
        app.add_url_rule("/.well-known/openid-configuration", view_func=self.discovery)
        app.add_url_rule("/jwks", view_func=self.jwks)
        app.add_url_rule("/token", view_func=self.token, methods=["POST"])
        app.add_url_rule("/userinfo", view_func=self.userinfo, methods=["GET", "POST"])
        app.add_url_rule("/api/profile", view_func=self.profile, methods=["GET", "POST"])
        app.add_url_rule("/end-session", view_func=self.end_session, methods=["GET", "POST"])

    def discovery(self) -> Response:
        return jsonify(metadata(self.server.provision.issuer))

    def jwks(self) -> Response:
        return jsonify(self.server.provision.keys.published())

    def token(self) -> Response:
        response: Response = self.server.create_token_response()
        return response

    def userinfo(self) -> Response:
        response: Response = self.server.create_endpoint_response("userinfo")
        return response

    def profile(self) -> Response:
        """The brand's own profile API: any access token of ours, in the header or in a posted form."""
        try:
            token = self.server.protector.acquire_token()
        except OAuth2Error as error:
            return self.server.refuse(error)
        return jsonify(brand_profile(token.get_user(), token.scope))

    def end_session(self) -> Response:
        """RP-initiated logout: at once with an ID token of the person who is signed in, else after a question."""
        visit = self.pages.visit()
        try:
            ending = self.server.validate_endpoint_request("end_session")
        except OAuth2Error:
            return self.pages.notice("request", visit, status=400, detail="id_token_hint")
        person = self.sign_in.person_of(visit.browser)
        named = (ending.id_token_claims or {}).get("sub")
        agreed = request.method == "POST" and visit.browser.owns_form(request.form.get("form_token", ""))
        if person is not None and person.subject != named and not agreed:
            return self.pages.show("sign_out", visit, parameters=_logout_parameters())
        self.browsers.sign_out(visit.browser)
        return self._signed_out(visit, ending.redirect_uri)

    def _signed_out(self, visit: Visit, redirect_uri: str | None) -> Response:
        if redirect_uri is None:
            response = self.pages.notice("signed_out", visit, status=200)
        else:
            response = redirect(redirect_uri, 303)  # type: ignore[assignment]
        take_cookie(response, secure=self.pages.secure)
        return response


def _logout_parameters() -> dict[str, str]:
    names = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
    return {name: request.values[name] for name in names if name in request.values}
