"""What an answer that is no success says of itself (RFC 6749 section 5.2, and all that borrow its form)."""

from collections.abc import Collection

from entracte.protocol.json_documents import MalformedJson, parse_json_object
from entracte.protocol.messages import HttpResponse

MAXIMUM_BYTES = 64 * 1024


def registered_error(response: HttpResponse, registered: Collection[str]) -> str:
    """The `error` of an answer that may be anything, a page of a proxy, too. Empty unless it is one of `registered`:
    any other text is the sender's, and is told to nobody."""
    try:
        error = parse_json_object(response.body, maximum_bytes=MAXIMUM_BYTES).get("error")
    except MalformedJson:
        return ""
    return error if isinstance(error, str) and error in registered else ""
