"""What a member may set of a connection: each setting with its meaning, before they are held against each other."""

from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from entracte.connections.claim_map import DEFAULT_CLAIMS, AttributeName, ClaimRule, DottedPath, RequiredValues
from entracte.connections.made_secret import MadeSecret
from entracte.connections.profiles import Profile
from entracte.connections.sources import ProfileSource, RestSource, TrustedClaims
from entracte.organizations.model import Name
from entracte.protocol.authorization import RESPONSE_TYPES, ResponseMode, is_response_token, usual_mode
from entracte.protocol.client_auth import SECRET_METHODS, TLS_METHODS, ClientAuthentication
from entracte.protocol.jwe import KEY_MANAGEMENT
from entracte.protocol.jws import MAC_ALGORITHMS
from entracte.protocol.signing import SIGNING_ALGORITHMS
from entracte.protocol.userinfo import BearerPlace


def _one_of(*names: str) -> AfterValidator:
    """A text that is one of these names."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"it is one of {', '.join(name or 'empty' for name in names)}")
        return value

    return AfterValidator(check)


class RequestObject(StrEnum):
    """How the authorization request is signed (RFC 9101)."""

    NONE = ""
    VALUE = "value"
    REFERENCE = "reference"


class Encrypted(StrEnum):
    """What the server encrypts to us."""

    ID_TOKEN = "id_token"  # noqa: S105
    USERINFO = "userinfo"
    RESPONSE = "response"


class Signed(StrEnum):
    """What else the server signs, beside the ID token."""

    RESPONSE = "response"
    USERINFO = "userinfo"
    ACCESS_TOKEN = "access_token"  # noqa: S105
    INTROSPECTION = "introspection"


class SignOutHint(StrEnum):
    """How the server is told who signs out (RP-Initiated Logout section 2)."""

    NONE = ""
    ID_TOKEN = "id_token"  # noqa: S105
    ACCOUNT = "account"


class ConnectionSettings(BaseModel):
    """What a member may set, but the secret, before anything is checked: what discovery knows can be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="What commands and campaign files call it.")
    title: str = Field(min_length=1, max_length=80, description="What participants know it as: “Northwind”.")
    issuer: str = Field(
        "",
        description="The server's issuer, byte for byte as its metadata says it. Empty: plain OAuth 2.0, with no ID "
        "token.",
    )
    authorization_endpoint: str = Field("", description="Where the browser is sent. A query that it has is kept.")
    token_endpoint: str = Field("", description="Where the code is redeemed, server to server.")
    jwks_uri: str = Field(
        "", description="Where the server's public keys are. Needed for an ID token and a JWT access token."
    )
    userinfo_endpoint: str = Field("", description="Where UserInfo is.")
    end_session_endpoint: str = Field(
        "", description="Kept from discovery: where the browser is sent to sign out at the server."
    )
    check_session_iframe: str = Field("", description="Kept from discovery: the server's page for session management.")
    issuer_in_response: StrictBool = Field(
        False, description="Whether every authorization response must have `iss` (RFC 9207). Discovery says it."
    )
    own_redirect_uri: StrictBool = Field(
        False,
        description="Whether the server is told a redirect URI of this connection's own, which has to be registered "
        "there, and no other one of ours: a defence against mix-up where its answers do not say which server they are "
        "from (RFC 9700 section 4.4.2.2).",
    )
    client_id: str = Field(min_length=1, max_length=500, description="Our name at the authorization server.")
    profile: Profile = Field(
        Profile.NONE,
        description="A security profile that fixes all the options below it; none of them can then be set weaker.",
    )
    authentication: ClientAuthentication = Field(
        ClientAuthentication.BASIC, description="How we prove ourselves at the token endpoint."
    )
    assertion_audience: str = Field(
        "",
        description="The `aud` of our client assertions, where it is not the issuer: for old servers, and servers "
        "without an issuer.",
    )
    made_secret: MadeSecret | None = Field(
        None,
        description="For a client secret that is a JWT (Apple): we make it afresh for each request, with this `issuer` "
        "and this `audience`. The secret that is kept is then the private key, behind a line with its identifier.",
    )
    signing_algorithm: Annotated[str, _one_of(*SIGNING_ALGORITHMS)] = Field(
        "ES256",
        description="What we sign with: client assertions (`private_key_jwt`), request objects and DPoP proofs.",
    )
    client_certificate: str = Field(
        "",
        description="For `tls_client_auth`: our certificate and its chain, in PEM, as an authority gave it out for our "
        "key. Empty: one that we signed ourselves, until that one is there.",
    )
    response_type: Annotated[str, _one_of(*RESPONSE_TYPES)] = Field(
        "code", description="What the authorization response brings."
    )
    response_mode: ResponseMode | Literal[""] = Field(
        "",
        description="How it comes: in the query, the fragment or a form, or in one signed token (`jwt` and `….jwt`). "
        "Empty: the usual one of the response type.",
    )
    user_in_response: StrictBool = Field(
        False,
        description="Whether the name is taken that is posted beside the code (Apple's `user`). Nobody vouches for it, "
        "so it counts where no document has one: `given_name` and `family_name`, and nothing else.",
    )
    pushed_authorization_request_endpoint: str = Field("", description="Where the request is pushed to (RFC 9126).")
    push_requests: StrictBool = Field(
        False, description="Whether we push the authorization request to the server, before the browser goes there."
    )
    request_object: RequestObject = Field(
        RequestObject.NONE,
        description="Whether the authorization request is signed (RFC 9101): in the request itself (`value`), or at an "
        "address of ours that the server asks (`reference`).",
    )
    request_object_encryption: Annotated[str, _one_of("", *KEY_MANAGEMENT)] = Field(
        "", description="The algorithm by which the request object is encrypted to the server's key; empty: it is not."
    )
    dpop: StrictBool = Field(False, description="Whether the access token is bound to a key of ours (DPoP, RFC 9449).")
    certificate_bound_tokens: StrictBool = Field(
        False, description="Whether the access token is bound to a certificate of ours (RFC 8705 section 3)."
    )
    encryption_algorithm: Annotated[str, _one_of("", *KEY_MANAGEMENT)] = Field(
        "", description="The algorithm by which the server encrypts to a key of ours."
    )
    encrypted: tuple[Encrypted, ...] = Field(
        (), description="What the server encrypts: it is then refused when it comes unencrypted."
    )
    signed_userinfo: StrictBool = Field(False, description="Whether UserInfo is a signed token.")
    max_age: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        None,
        description="The most seconds since the person signed in at the login; asked for with `max_age`, and checked.",
    )
    acr_values: tuple[str, ...] = Field(
        (), description="The authentication contexts of which the ID token must name one; asked for with `acr_values`."
    )
    resource: tuple[str, ...] = Field((), description="What the access token is for (RFC 8707).")
    requested_claims: dict[str, Any] = Field(
        default_factory=dict,
        description="The `claims` parameter (OpenID Connect Core section 5.5): single claims that are asked for. Of "
        "`id_token`, the values of an essential `acr` and those of `sub` have to hold.",
    )
    required_claims: dict[DottedPath, RequiredValues] = Field(
        default_factory=dict,
        description="Which accounts are taken: for each claim (a dotted path) the values of which it must have one. "
        "They are looked for in the ID token; without one, in what the profile's source says.",
    )
    introspection_endpoint: str = Field("", description="Where an access token is asked about (RFC 7662).")
    revocation_endpoint: str = Field("", description="Where tokens are given back (RFC 7009).")
    revoke_tokens: StrictBool = Field(
        False, description="Whether the access token is revoked as soon as the profile is read."
    )
    introspect_tokens: StrictBool = Field(
        False, description="Whether the server is asked if the access token is active, before it is used."
    )
    signed_introspection: StrictBool = Field(
        False, description="Whether the answer to that is a signed token (RFC 9701)."
    )
    refresh_tokens: StrictBool = Field(
        False,
        description="Whether an access token that the profile's source does not take is refreshed. The refresh token "
        "is not kept longer than the sign-in takes.",
    )
    userinfo_bearer: BearerPlace = Field(
        BearerPlace.HEADER, description="Where the access token goes at UserInfo: the header, or a posted form."
    )
    claim_sources: dict[str, TrustedClaims] = Field(
        default_factory=dict,
        description="Issuers whose aggregated and distributed claims are taken, by issuer.",
    )
    scopes: tuple[str, ...] = Field(
        ("openid", "profile", "email"), description="What is asked for. `openid` asks for an ID token."
    )
    extra_parameters: dict[str, str] = Field(
        default_factory=dict,
        description="More parameters of the authorization request, such as `prompt`. They can not be those that we "
        "set, nor `max_age` and `claims`, whose answer is checked: these have a setting. `acr_values` is a mere wish "
        "here, and nothing is checked; the setting demands it.",
    )
    id_token_algorithms: tuple[str, ...] = Field(
        ("RS256",),
        description="The algorithms that a token may be signed with. Discovery chooses RS256 where the server has it.",
    )
    other_algorithms: dict[Signed, tuple[str, ...]] = Field(
        default_factory=dict,
        description="The same for what is signed by other algorithms than the ID token: `response`, `userinfo`, "
        "`access_token`, `introspection`. An ID token that is signed so is refused.",
    )
    profile_source: ProfileSource = Field(
        ProfileSource.ID_TOKEN,
        description="Where the profile comes from. Left out: the ID token; where there is none, `rest` with a `rest` "
        "API, else `userinfo`.",
    )
    rest: RestSource | None = Field(None, description="For the source `rest`: the profile API.")
    access_token_audience: str = Field("", description="The `aud` that a JWT access token must have.")
    access_token_types: tuple[str, ...] = Field(
        ("at+jwt", "application/at+jwt"), description="The `typ` that a JWT access token may have, in lower case."
    )
    claims: dict[AttributeName, ClaimRule] = Field(
        default_factory=lambda: dict(DEFAULT_CLAIMS),
        description="The claim map: for each attribute of the profile, where it is found.",
    )
    another_account_prompt: Literal["login", "select_account"] = Field(
        "login",
        description="What the server is asked for when a person wants to use another account (`prompt`): to show its "
        "login, or its choice of accounts.",
    )
    prefill_opt_ins: StrictBool = Field(False, description="Whether opt-ins may come ticked from the profile.")
    sign_out: StrictBool = Field(
        False,
        description="Whether people can sign out on our pages, which signs them out at the server too "
        "(`end_session_endpoint`).",
    )
    sign_out_hint: SignOutHint = Field(
        SignOutHint.ID_TOKEN,
        description="How the server is told who signs out: by the ID token, which is then kept sealed (`id_token`), by "
        "what the person knows the account by (`account`), or not at all (empty).",
    )
    single_logout: StrictBool = Field(
        False,
        description="Whether a logout at the server signs people out here: told in the browser (front-channel) and "
        "from server to server (back-channel).",
    )
    watch_session: StrictBool = Field(
        False,
        description="Whether the form asks the server's frame (`check_session_iframe`) if the person is still signed "
        "in there.",
    )

    @property
    def is_openid(self) -> bool:
        """Whether an ID token is asked for and proven."""
        return bool(self.issuer) and "openid" in self.scopes

    @property
    def tells_servers_apart(self) -> bool:
        """Whether it is known which server an answer is from, before its code is told: the defence against mix-up. The
        answer says so by `iss`, an ID token in it or a signature around it (RFC 9700 section 4.4.2.1), or it came at
        an address that no other server was told (section 4.4.2.2). The ID token that the token endpoint gives comes
        too late."""
        in_the_answer = "id_token" in RESPONSE_TYPES[self.response_type] or is_response_token(self.mode)
        return self.own_redirect_uri or (bool(self.issuer) and (self.issuer_in_response or in_the_answer))

    @property
    def mode(self) -> ResponseMode:
        """How the authorization response comes."""
        return self.response_mode or usual_mode(self.response_type)

    @property
    def uses_secret(self) -> bool:
        """Whether a client secret is needed: to prove ourselves, or to check MACs."""
        signed = {*self.id_token_algorithms, *chain.from_iterable(self.other_algorithms.values())}
        return self.authentication in SECRET_METHODS or bool(MAC_ALGORITHMS & signed)

    def algorithms_of(self, signed: Signed) -> tuple[str, ...]:
        """The algorithms that the server may sign this with."""
        return self.other_algorithms.get(signed, self.id_token_algorithms)

    @property
    def introspects(self) -> bool:
        """Whether the server is asked about an access token."""
        return self.introspect_tokens or self.profile_source is ProfileSource.INTROSPECTION

    @property
    def keeps_session(self) -> bool:
        """Whether anything is kept of the session at the server. For others a sign-in costs no statement more."""
        return self.sign_out or self.single_logout or self.watch_session

    @property
    def shows_certificate(self) -> bool:
        """Whether we show a certificate in TLS, to prove ourselves or to bind the access token to it (RFC 8705)."""
        return self.authentication in TLS_METHODS or self.certificate_bound_tokens
