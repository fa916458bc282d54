"""Why sign-ins failed, in the words of the people who run the campaign: a clause for each `protocol.errors.Reason`.

The clauses stand after "Failed:". The code is shown beside them and is explained in the documentation.
"""

from collections.abc import Mapping
from types import MappingProxyType

from entracte.protocol.errors import Reason


def mark(message: str) -> str:
    """Says that a text in a table is translated where it is shown."""
    return message


REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.STATE_MISSING: mark("the return address was opened by itself"),
        Reason.STATE_INVALID: mark("the way back was cut off or changed"),
        Reason.STATE_EXPIRED: mark("the person took too long at the login"),
        Reason.STATE_FROM_FUTURE: mark("our servers’ clocks do not agree"),
        Reason.STATE_UNKNOWN_KEY: mark("the sign-in began before our keys were changed"),
        Reason.PARAMETER_REPEATED: mark("the login’s answer said the same thing twice"),
        Reason.BROWSER_MISMATCH: mark("the person came back in another browser"),
        Reason.ATTEMPT_CONSUMED: mark("the way back was used a second time"),
        Reason.ATTEMPT_INTERRUPTED: mark("we were interrupted while finishing"),
        Reason.CONNECTION_CHANGED: mark("the connection was set up anew while the person was at the login"),
        Reason.ACCESS_DENIED: mark("the person cancelled, or did not consent"),
        Reason.PROVIDER_ERROR: mark("the login answered with an error"),
        Reason.RESPONSE_MIXED: mark("the login’s answer contradicted itself"),
        Reason.ISSUER_MISMATCH: mark("the answer came from another login"),
        Reason.ISSUER_MISSING: mark("the answer did not say which login it came from"),
        Reason.PROVIDER_UNREACHABLE: mark("provider could not be reached"),
        Reason.PROVIDER_TIMEOUT: mark("provider did not answer in time"),
        Reason.PROVIDER_BLOCKED: mark("provider has an address that we do not connect to"),
        Reason.RESPONSE_REDIRECTED: mark("provider sent our request to another address"),
        Reason.RESPONSE_TOO_LARGE: mark("provider answered with too much data"),
        Reason.RESPONSE_MALFORMED: mark("provider’s answer could not be read"),
        Reason.TOKEN_REFUSED: mark("provider refused to finish the sign-in"),
        Reason.CLIENT_REFUSED: mark("provider refused our client ID or secret"),
        Reason.TOKEN_TYPE: mark("provider issued a kind of token that we do not use"),
        Reason.ID_TOKEN_MISSING: mark("provider did not say who signed in"),
        Reason.TOKEN_MALFORMED: mark("provider’s proof could not be read"),
        Reason.TOKEN_ALGORITHM: mark("provider’s proof is signed in a way that the connection does not allow"),
        Reason.TOKEN_KEY: mark("provider’s proof is signed with a key that it does not publish"),
        Reason.TOKEN_SIGNATURE: mark("provider’s proof has a wrong signature"),
        Reason.TOKEN_ISSUER: mark("provider’s proof names another login"),
        Reason.TOKEN_AUDIENCE: mark("provider’s proof was meant for somebody else"),
        Reason.TOKEN_EXPIRED: mark("provider’s proof had expired, or its clock is wrong"),
        Reason.TOKEN_TOO_OLD: mark("provider’s proof was too old"),
        Reason.TOKEN_NONCE: mark("provider’s proof belongs to another sign-in"),
        Reason.TOKEN_HASH: mark("provider’s proof does not go with its access token"),
        Reason.TOKEN_SUBJECT: mark("provider’s proof names no account"),
        Reason.TOKEN_CLAIM: mark("provider’s proof lacks something that it must say"),
        Reason.USERINFO_SUBJECT: mark("the profile belongs to another account"),
        Reason.USERINFO_REFUSED: mark("provider refused to hand out the profile"),
        Reason.JWKS_MALFORMED: mark("provider’s keys could not be read"),
        Reason.METADATA_MALFORMED: mark("provider’s description of itself could not be read"),
        Reason.METADATA_ISSUER: mark("provider’s description names another login"),
        Reason.RESPONSE_MODE: mark("the login’s answer came in a way that was not asked for"),
        Reason.RESPONSE_ADDRESS: mark("the answer came at an address that is for another login"),
        Reason.PROVIDER_BUSY: mark("too many people waited for provider at once"),
        Reason.PROVIDER_PAUSED: mark("provider had failed so often that we gave it a moment"),
        Reason.REQUEST_REFUSED: mark("provider refused to begin the sign-in"),
        Reason.TOKEN_ENCRYPTION: mark("provider’s proof does not open with our keys"),
        Reason.TOKEN_REPLAYED: mark("provider’s proof was used before"),
        Reason.TOKEN_INACTIVE: mark("provider says that its access token is not valid"),
        Reason.TOKEN_EVENT: mark("provider’s message about a logout could not be read"),
        Reason.AUTHENTICATION_AGE: mark("the person’s last login there was too long ago"),
        Reason.AUTHENTICATION_CONTEXT: mark("the person did not log in there as strongly as asked"),
        Reason.METADATA_LACKS: mark("provider can not do what the connection needs"),
        Reason.REGISTRATION_REFUSED: mark("provider did not register us"),
        Reason.CLAIM_SOURCE: mark("a part of the profile came from a source that is not proven"),
        Reason.PROFILE_INCOMPLETE: mark("the profile had no person in it"),
        Reason.ACCOUNT_NOT_ACCEPTED: mark("the account is none that the connection takes"),
    }
)

_BY_CODE: Mapping[str, str] = MappingProxyType({reason.code: words for reason, words in REASONS.items()})


def reason_in_words(code: str) -> str:
    """The clause for a stored reason code; empty for a code that this version does not know."""
    return _BY_CODE.get(code, "")
