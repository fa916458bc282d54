"""Each kind of problem has one HTTP status. Anything that is not a problem of ours is 500 and is shown to nobody."""

from entracte.errors import Kind

STATUS: dict[Kind, int] = {
    Kind.BAD_INPUT: 400,
    Kind.UNKNOWN_CALLER: 401,
    Kind.NOT_ALLOWED: 403,
    Kind.NOT_FOUND: 404,
    Kind.METHOD: 405,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.CHANGED: 412,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.REUSED: 422,
    Kind.TOO_MANY: 429,
    Kind.REMOTE: 502,
    Kind.UNAVAILABLE: 503,
}
