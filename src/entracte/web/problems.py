"""Each kind of problem has one HTTP status. Anything that is not a problem of ours is 500 and is shown to nobody."""

from entracte.errors import Kind

STATUS: dict[Kind, int] = {
    Kind.BAD_INPUT: 400,
    Kind.NOT_ALLOWED: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.REMOTE: 502,
    Kind.UNAVAILABLE: 503,
}
