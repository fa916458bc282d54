"""Why a sign-in was refused: the stable reason codes, and the exceptions that carry them.

The codes are public: the attempt log stores them, the statistics count them, the documentation
lists each one. A code is never reused for another meaning.
"""

from collections.abc import Mapping
from enum import Enum, unique
from types import MappingProxyType

from entracte.errors import EntracteError, Kind, LocalError, Problem, RemoteError


@unique
class Reason(Enum):
    """Each reason: (who is at fault, what it means in one sentence)."""

    # the state that came back, before anything else is looked at
    STATE_MISSING = ("browser", "The return address was opened without a state.")
    STATE_INVALID = ("browser", "The state does not open: it was altered, cut or made by somebody else.")
    STATE_EXPIRED = ("browser", "The state is older than a sign-in may take.")
    STATE_FROM_FUTURE = ("browser", "The state claims to be issued later than now.")
    STATE_UNKNOWN_KEY = ("browser", "The state was sealed with a key that this server does not have.")
    PARAMETER_REPEATED = ("provider", "A parameter of the authorization response stands there twice.")
    # this browser, this attempt
    BROWSER_MISMATCH = ("browser", "The sign-in was begun in another browser.")
    ATTEMPT_CONSUMED = ("browser", "The return address of this sign-in was already used.")
    ATTEMPT_INTERRUPTED = ("us", "The sign-in was cut off while it was being finished.")
    CONNECTION_CHANGED = ("us", "The connection was set up for another server or client during the sign-in.")
    # the authorization response
    ACCESS_DENIED = ("participant", "The person cancelled, or did not consent.")
    PROVIDER_ERROR = ("provider", "The authorization server answered with an error.")
    RESPONSE_MIXED = ("provider", "The authorization response holds a code and an error, or neither.")
    RESPONSE_MODE = ("provider", "The authorization response came in another way than the one that was asked for.")
    RESPONSE_ADDRESS = ("provider", "The authorization response came at another redirect URI than the request named.")
    ISSUER_MISMATCH = ("provider", "The `iss` of the authorization response is not this connection's issuer.")
    ISSUER_MISSING = ("provider", "The server announces `iss` in authorization responses, and it was absent.")
    # server to server
    PROVIDER_UNREACHABLE = ("provider", "The authorization server could not be reached.")
    PROVIDER_TIMEOUT = ("provider", "The authorization server did not answer in time.")
    PROVIDER_BLOCKED = ("provider", "An address of the authorization server is not one we connect to.")
    RESPONSE_REDIRECTED = ("provider", "A server-to-server request was answered with a redirect.")
    RESPONSE_TOO_LARGE = ("provider", "A server-to-server answer was larger than the limit.")
    RESPONSE_MALFORMED = ("provider", "A server-to-server answer was not what the specification says.")
    PROVIDER_BUSY = ("provider", "Too many sign-ins wait for this authorization server already.")
    PROVIDER_PAUSED = ("provider", "The authorization server failed again and again, and is not asked for a moment.")
    REQUEST_REFUSED = ("provider", "The authorization server refused the authorization request that we pushed to it.")
    TOKEN_REFUSED = ("provider", "The token endpoint refused the code.")
    CLIENT_REFUSED = ("provider", "The token endpoint refused our client authentication.")
    TOKEN_TYPE = ("provider", "The token type is not the one that was asked for.")
    # the proof
    ID_TOKEN_MISSING = ("provider", "The token response has no ID token, and one was asked for.")
    TOKEN_MALFORMED = ("provider", "A token is not a JWS in compact form within the limits.")
    TOKEN_ALGORITHM = ("provider", "A token is signed with an algorithm that the connection does not allow.")
    TOKEN_KEY = ("provider", "No key of the authorization server fits a token's header.")
    TOKEN_SIGNATURE = ("provider", "A token's signature is wrong.")
    TOKEN_ENCRYPTION = ("provider", "A token is not encrypted as the connection says, or does not open with our keys.")
    TOKEN_ISSUER = ("provider", "A token's `iss` is not this connection's issuer.")
    TOKEN_AUDIENCE = ("provider", "A token's `aud` or `azp` does not name us alone.")
    TOKEN_EXPIRED = ("provider", "A token is expired, or not valid yet.")
    TOKEN_TOO_OLD = ("provider", "A token was issued too long ago.")
    TOKEN_NONCE = ("provider", "The ID token's `nonce` is not the one that was sent.")
    TOKEN_HASH = ("provider", "The `at_hash`, `c_hash` or `s_hash` of an ID token is missing or of something else.")
    TOKEN_REPLAYED = ("provider", "A token that counts once was sent twice.")
    TOKEN_INACTIVE = ("provider", "The authorization server says that the access token is not active.")
    TOKEN_EVENT = ("provider", "A logout token does not tell of a logout.")
    AUTHENTICATION_AGE = ("provider", "The person signed in too long ago at the login, or it does not say when.")
    AUTHENTICATION_CONTEXT = ("provider", "The person did not sign in at the login in the way that was asked for.")
    TOKEN_SUBJECT = ("provider", "A token has no usable `sub`.")
    TOKEN_CLAIM = ("provider", "A claim that must be there is missing or of the wrong type.")
    USERINFO_SUBJECT = ("provider", "UserInfo tells of another subject than the ID token.")
    USERINFO_REFUSED = ("provider", "The UserInfo endpoint or REST API refused the access token.")
    JWKS_MALFORMED = ("provider", "The key set of the authorization server can not be used.")
    METADATA_MALFORMED = ("provider", "The metadata document can not be used.")
    METADATA_ISSUER = ("provider", "The metadata names another issuer than the one that was asked for.")
    METADATA_LACKS = ("provider", "The metadata says that the server can not do what the connection needs.")
    REGISTRATION_REFUSED = ("provider", "The authorization server did not register us, or not as we asked.")
    CLAIM_SOURCE = ("provider", "A claim comes from a source that is not proven, or not allowed.")
    PROFILE_INCOMPLETE = ("provider", "The profile has no person in it where the connection says one is.")
    ACCOUNT_NOT_ACCEPTED = ("participant", "The account is none of those that the connection takes.")

    def __init__(self, fault: str, meaning: str) -> None:
        self.fault = fault
        self.meaning = meaning

    @property
    def code(self) -> str:
        """The stable code, as stored and documented."""
        return self.name.lower()


_KINDS: Mapping[str, Kind] = MappingProxyType({"browser": Kind.BAD_INPUT, "us": Kind.UNAVAILABLE})


class Refused(EntracteError):
    """The relying party refuses to go on. `reason` is what is recorded; `evidence` says expected and
    got, and never holds a token, code, state or personal value."""

    def __init__(self, reason: Reason, evidence: str = "") -> None:
        self.reason = reason
        self.evidence = evidence
        kind = _KINDS.get(reason.fault, Kind.REMOTE)
        super().__init__(Problem(kind, reason.code, reason.meaning, hint=evidence))


class RefusedHere(Refused, LocalError):
    """What the browser brought can not be accepted, or we could not finish it."""


class RefusedAnswer(Refused, RemoteError):
    """What the authorization server said can not be accepted."""


def refuse(reason: Reason, evidence: str = "") -> Refused:
    """The exception of this reason, of the class that says whose fault it is."""
    if reason.fault in _KINDS:
        return RefusedHere(reason, evidence)
    return RefusedAnswer(reason, evidence)
