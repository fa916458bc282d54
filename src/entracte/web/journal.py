"""The structured log. Values here are codes, counts and names of ours: never a token, code, state, key, address with a
query, or anything that a person typed."""

import structlog


def journal() -> structlog.stdlib.BoundLogger:
    """The logger of the web room."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("entracte")
    return logger
