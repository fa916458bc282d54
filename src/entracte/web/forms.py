"""The body of a form post, read within limits: media type, size, number of fields, UTF-8, no control characters."""

from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from entracte.errors import Kind, LocalError, Problem

MAXIMUM_BYTES = 128 * 1024
MAXIMUM_FIELDS = 300
_MEDIA_TYPE = "application/x-www-form-urlencoded"

Posted = dict[str, list[str]]


async def read_form(request: Request, most: int = MAXIMUM_BYTES) -> Posted:
    """The fields of a form post, each with its values in order; `most` in bytes. Raises LocalError `body_*`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ("", _MEDIA_TYPE):
        raise _problem(Kind.UNSUPPORTED, "body_media_type", "The form came in a media type that is not a form's.")
    body = await bounded_body(request, most)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAXIMUM_FIELDS,
        )
    except ValueError:  # not ASCII, not UTF-8, or too many fields
        raise _problem(Kind.BAD_INPUT, "body_malformed", "The form can not be read.") from None
    posted: Posted = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise _problem(Kind.BAD_INPUT, "body_malformed", "The form can not be read.")
        posted.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return posted


def first_values(posted: Posted) -> dict[str, str]:
    """The first value of each field."""
    return {name: values[0] for name, values in posted.items()}


async def bounded_body(request: Request, most: int) -> bytes:
    """The body as it came. LocalError `body_too_large` (before it is read, where its length was announced) and
    `body_interrupted`."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise _too_large()  # before anything of it is read
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise _too_large()
    except ClientDisconnect:
        raise _problem(Kind.BAD_INPUT, "body_interrupted", "The body stopped coming before its end.") from None
    return bytes(body)


def _too_large() -> LocalError:
    return _problem(Kind.TOO_LARGE, "body_too_large", "The body is larger than the limit.")


def _problem(kind: Kind, code: str, message: str) -> LocalError:
    return LocalError(Problem(kind, code, message))
