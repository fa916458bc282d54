"""The OpenID provider proper: Authlib's server with what it leaves open filled in.

Stricter than Authlib where RFC 9700 is: PKCE with S256 is required of every client, redirects after a form are 303,
and no text of a request is repeated in an error.
"""

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Request, UnsupportedResponseTypeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenValidator, InvalidTokenError
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator, JWTBearerTokenValidator
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import OpenIDCode, UserInfo, UserInfoEndpoint
from authlib.oidc.core.errors import RequestNotSupportedError, RequestURINotSupportedError
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import Response
from flask import request as flask_request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from entracte.practice.claims import user_info
from entracte.practice.clients import AUTHENTICATION_METHODS, PracticeClient
from entracte.practice.codes import AuthorizationCode, Codes
from entracte.practice.keys import ALGORITHM, SigningKeys
from entracte.practice.people import Behaviour, People, Person
from entracte.values import Clock

TOKEN_SECONDS = 3600
_ONCE = ("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "code_challenge")
_NOT_SUPPORTED = {"request": RequestNotSupportedError, "request_uri": RequestURINotSupportedError}


@dataclass(frozen=True)
class Provision:
    """What the protocol side works with."""

    issuer: str
    clients: Mapping[str, PracticeClient]
    people: People
    codes: Codes
    keys: SigningKeys
    clock: Clock
    slow_seconds: float
    stopping: Event
    """Set when the provider ends: nobody waits for a slow answer then."""

    @property
    def audience(self) -> str:
        """The `aud` of access tokens: the brand's own API and UserInfo (RFC 9068 section 3)."""
        return f"{self.issuer}/api"


class KeptRequest(OAuth2Request):  # type: ignore[misc]  # Authlib is untyped, here and below
    """An authorization request that was checked once, and is answered after the person did their part."""

    def __init__(self, issuer: str, parameters: Mapping[str, str]) -> None:
        super().__init__("GET", f"{issuer}/authorize")
        self.payload = BasicOAuth2Payload(dict(parameters))

    @property
    def form(self) -> Mapping[str, str]:
        return {}


class PracticeServer(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server on Flask, with `iss` in every authorization response."""

    def __init__(self, provision: Provision) -> None:
        super().__init__(query_client=provision.clients.get, save_token=_remember_token(provision))
        self.provision = provision
        self.issuer_parameter = ThisIssuer(provision.issuer)
        self.register_extension(self.issuer_parameter)
        self.register_client_auth_method("client_secret_basic", client_secret_basic)
        self.register_token_generator("default", AccessTokens(provision))
        self.register_grant(CodeGrant, [S256Only(), IdTokens(provision)])
        self.protector = BearerProtector(provision)
        self.register_endpoint(UserInfoAnswer(provision, self.protector))
        self.register_endpoint(EndSession(provision))

    def create_oauth2_request(self, request: object) -> OAuth2Request:
        return request if isinstance(request, OAuth2Request) else super().create_oauth2_request(request)

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        # RFC 9700 section 4.12: 303, so that a form with a password is never posted on to the client.
        response: Response = super().handle_response(303 if status_code == 302 else status_code, payload, headers)
        return response

    def checked_request(self, end_user: Person | None) -> Any:
        """The grant of the authorization request at hand.

        :raises OAuth2Error: with `redirect_uri` when the client may be told, without when it must not be
            (RFC 6749 section 4.1.2.1).
        """
        self._refuse_repeated()
        try:
            grant = self.get_consent_grant(end_user=end_user)
        except UnsupportedResponseTypeError as error:
            raise OAuth2Error(
                "Only response_type=code is answered here.",
                error=error.error,
                state=error.state,
                redirect_uri=error.redirect_uri,
            ) from error
        except ValueError as error:
            # Authlib puts request text into a description, and then refuses characters that do not belong there.
            raise InvalidRequestError("The request can not be read.") from error
        self._refuse_request_objects(grant)
        return grant

    def kept_grant(self, parameters: Mapping[str, str], person: Person | None) -> Any:
        """The grant of a request that was checked before."""
        return self.get_consent_grant(KeptRequest(self.provision.issuer, parameters), end_user=person)

    def grant_access(self, grant: Any, person: Person | None) -> Response:
        """Back to the client: with a code, or with `access_denied` when there is no person."""
        response: Response = self.create_authorization_response(grant.request, grant_user=person, grant=grant)
        return response

    def refuse(self, error: OAuth2Error) -> Response:
        """Back to the client with an error, and with `iss` (RFC 9207 section 2)."""
        response: Response = self.handle_error_response(None, error)
        self.issuer_parameter.add_issuer_parameter(self, response)
        return response

    def _refuse_repeated(self) -> None:
        # RFC 6749 section 3.1: parameters MUST NOT be included more than once.
        if any(len(flask_request.values.getlist(name)) > 1 for name in _ONCE):
            raise InvalidRequestError("A parameter is there more than once.")

    def _refuse_request_objects(self, grant: Any) -> None:
        # OpenID Connect Core section 6: a provider without request objects says so by these errors.
        for name, error in _NOT_SUPPORTED.items():
            if name in flask_request.values:
                raise error(redirect_uri=grant.redirect_uri, state=grant.request.payload.state)


class ThisIssuer(IssuerParameter):  # type: ignore[misc]
    """`iss` in authorization responses (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """Codes of one minute, spent when they are first shown."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: PracticeClient) -> str:
        redirect_uri: str | None = request.payload.redirect_uri
        if not redirect_uri or not client.check_redirect_uri(redirect_uri):
            raise InvalidRequestError("The redirect_uri is not one that this client registered.")
        return redirect_uri

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        data = request.payload.data
        provision = self.server.provision
        provision.codes.keep(
            AuthorizationCode(
                code=code,
                client_id=request.client.client_id,
                redirect_uri=request.payload.redirect_uri,
                scope=request.scope,
                subject=request.user.subject,
                nonce=data.get("nonce"),
                auth_time=int(data["auth_time"]),
                code_challenge=data["code_challenge"],
                code_challenge_method=data["code_challenge_method"],
                issued_at=provision.clock(),
            )
        )

    def query_authorization_code(self, code: str, client: PracticeClient) -> AuthorizationCode | None:
        provision = self.server.provision
        found: AuthorizationCode | None = provision.codes.spend(code, client.client_id, provision.clock())
        return found

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Nothing left to delete: it was spent when it was looked up."""

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Person | None:
        provision = self.server.provision
        person: Person | None = provision.people.by_subject(authorization_code.subject)
        if person is not None and person.behaviour is Behaviour.IS_SLOW:
            provision.stopping.wait(provision.slow_seconds)
        return person


class S256Only(CodeChallenge):  # type: ignore[misc]
    """PKCE for everybody, and only S256 (RFC 9700 section 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or not data.get("code_challenge_method"):
            raise InvalidRequestError("This server needs a code_challenge with the method S256.")
        super().validate_code_challenge(grant, redirect_uri)


class IdTokens(OpenIDCode):  # type: ignore[misc]
    """ID tokens, with the claims of the scopes in them."""

    def __init__(self, provision: Provision) -> None:
        super().__init__()
        self._provision = provision

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        # A repeated nonce is for the client to notice (OpenID Connect Core section 3.1.2.1: passed through unmodified).
        return False

    def resolve_client_private_key(self, client: PracticeClient) -> RSAKey:
        return self._provision.keys.current

    def get_encode_header(self, client: PracticeClient) -> dict[str, str]:
        return {"alg": ALGORITHM, "kid": self._provision.keys.key_id}

    def get_client_claims(self, client: PracticeClient) -> dict[str, object]:
        now = self._provision.clock()
        return {"iss": self._provision.issuer, "aud": client.client_id, "iat": now, "exp": now + TOKEN_SECONDS}

    def generate_user_info(self, user: Person, scope: str) -> UserInfo:
        return user_info(user, scope)


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """JWT access tokens (RFC 9068) that also tell the profile, for clients that read it there."""

    def __init__(self, provision: Provision) -> None:
        super().__init__(provision.issuer, ALGORITHM, expires_generator=TOKEN_SECONDS)
        self._provision = provision

    def get_jwks(self) -> KeySet:
        return self._provision.keys.signing_set()

    def get_audiences(self, client: PracticeClient, user: Person, scope: str) -> str:
        return self._provision.audience

    def get_extra_claims(self, client: PracticeClient, grant_type: str, user: Person, scope: str) -> UserInfo:
        return user_info(user, scope)


class IssuedToken(JWTAccessTokenClaims):  # type: ignore[misc]
    """An access token whose signature was checked, with whom and what it stands for."""

    def __init__(self, claims: JWTAccessTokenClaims, person: Person, client: PracticeClient) -> None:
        super().__init__(claims, claims.header)
        self._checked = claims
        self._person = person
        self._client = client

    def validate(self, **arguments: Any) -> None:
        self._checked.validate(**arguments)

    @property
    def scope(self) -> str:
        return str(self["scope"])

    def get_user(self) -> Person:
        return self._person

    def get_client(self) -> PracticeClient:
        return self._client


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]
    """Checks the tokens that the UserInfo endpoint and the profile API are shown."""

    def __init__(self, provision: Provision) -> None:
        super().__init__(provision.issuer, provision.audience, realm=provision.issuer)
        self._provision = provision

    def get_jwks(self) -> KeySet:
        return self._provision.keys.verifying_set()

    def authenticate_token(self, token_string: str) -> IssuedToken:
        try:
            claims = super().authenticate_token(token_string)
        except ValueError as error:
            raise InvalidTokenError(realm=self.realm) from error
        person = self._provision.people.by_subject(str(claims.get("sub")))
        client = self._provision.clients.get(str(claims.get("client_id")))
        if person is None or client is None or self._provision.codes.is_revoked(str(claims.get("jti"))):
            raise InvalidTokenError(realm=self.realm)
        return IssuedToken(claims, person, client)


class BearerProtector(ResourceProtector):  # type: ignore[misc]
    """Bearer tokens in the header or in a posted form (RFC 6750 sections 2.1 and 2.2)."""

    def __init__(self, provision: Provision) -> None:
        super().__init__()
        self.register_token_validator(AccessTokenValidator(provision))

    def parse_request_authorization(self, request: Any) -> tuple[BearerTokenValidator, str]:
        in_form = flask_request.form.get("access_token") if flask_request.method == "POST" else None
        if in_form is None:
            found: tuple[BearerTokenValidator, str] = super().parse_request_authorization(request)
            return found
        if "Authorization" in flask_request.headers:
            # RFC 6750 section 2: MUST NOT use more than one method.
            raise InvalidRequestError("The access token is there twice.")
        return self.get_token_validator("bearer"), in_form


class UserInfoAnswer(UserInfoEndpoint):  # type: ignore[misc]
    """UserInfo (OpenID Connect Core section 5.3)."""

    def __init__(self, provision: Provision, protector: ResourceProtector) -> None:
        super().__init__(resource_protector=protector)
        self._provision = provision

    def generate_user_info(self, user: Person, scope: str) -> UserInfo:
        return user_info(user, scope)

    def get_issuer(self) -> str:
        return self._provision.issuer


class EndSession(EndSessionEndpoint):  # type: ignore[misc]
    """RP-initiated logout. Ending the browser's session is done by the page, which knows the cookie."""

    def __init__(self, provision: Provision) -> None:
        super().__init__()
        self._provision = provision

    def get_server_jwks(self) -> KeySet:
        return self._provision.keys.verifying_set()

    def get_algorithms(self) -> list[str]:
        return [ALGORITHM]

    def end_session(self, end_session_request: object) -> None:
        """The page has done it."""


def client_secret_basic(
    query_client: Callable[[str], PracticeClient | None], request: OAuth2Request
) -> PracticeClient | None:
    """HTTP Basic with form-urlencoded parts (RFC 6749 section 2.3.1). Authlib's own leaves `+` as it is."""
    scheme, _, encoded = (request.headers.get("Authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client_id, secret = "", ""
    client = query_client(unquote_plus(client_id))
    if client is None or not client.check_client_secret(unquote_plus(secret)):
        raise InvalidClientError("The client did not prove who it is.", status_code=401)
    return client


def _remember_token(provision: Provision) -> Callable[[Mapping[str, str], OAuth2Request], None]:
    def remember(token: Mapping[str, str], request: OAuth2Request) -> None:
        claims = jwt.decode(token["access_token"], provision.keys.verifying_set()).claims
        provision.codes.remember_token(request.authorization_code.code, claims["jti"])

    return remember


def quiet() -> None:
    """Authlib tells its debug log which tokens it issues; nobody may read that, whatever level the program chose."""
    logging.getLogger("authlib").setLevel(logging.WARNING)
