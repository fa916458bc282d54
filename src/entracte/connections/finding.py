"""Finding the issuer of what somebody typed (OpenID Connect Discovery section 2)."""

from entracte.connections.metadata import InsecureAllowed, check_address
from entracte.connections.providers import Fetch
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.errors import Refused
from entracte.protocol.webfinger import read_identifier, read_webfinger, webfinger_request


async def issuer_of(typed: str, fetch: Fetch, insecure_allowed: InsecureAllowed) -> str:
    """The issuer that the host of an e-mail address, an account or a web address names. It is only a hint: its
    metadata has to name it byte for byte. LocalError `identifier_malformed`; refuses as `fetch` and `read_webfinger`
    do."""
    try:
        identifier = read_identifier(typed)
    except Refused:
        message = "This is no e-mail address, account, web address or host."
        raise LocalError(Problem(Kind.BAD_INPUT, "identifier_malformed", message)) from None
    request = webfinger_request(identifier, insecure_allowed=insecure_allowed)
    issuer = read_webfinger(await fetch(request), insecure_allowed=insecure_allowed)
    check_address("issuer", issuer, insecure_allowed)
    return issuer
