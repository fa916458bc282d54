"""The name that is posted beside the code, at the first consent and never again (Apple, "Request an authorization to
the Sign in with Apple server").

    {"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "ada@northwind.example"}

It is unsigned and the browser brings it, so whoever signs in can write what they like. That is no more than what they
could write into a form: two names are taken out of it, and nothing that says who somebody is. The address is in the ID
token, proven.
"""

from collections.abc import Mapping
from types import MappingProxyType

from entracte.protocol.json_documents import MalformedJson, parse_json_object

MAXIMUM_BYTES = 1024
_CLAIMS: Mapping[str, str] = MappingProxyType({"firstName": "given_name", "lastName": "family_name"})
"""The names -> the standard claims that they are (OpenID Connect Core section 5.1)."""


def read_posted_user(text: str) -> dict[str, str]:
    """The names as standard claims, each that is a text. Nothing of a sign-in depends on them: what is too long or can
    not be read tells nothing, and is no error."""
    try:
        name = parse_json_object(text.encode(errors="replace"), maximum_bytes=MAXIMUM_BYTES).get("name")
    except MalformedJson:
        return {}
    told = name if isinstance(name, dict) else {}
    return {claim: told[member] for member, claim in _CLAIMS.items() if isinstance(told.get(member), str)}
