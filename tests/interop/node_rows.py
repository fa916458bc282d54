"""All that signs in, or is refused, at npm's `oidc-provider`."""

import re
from collections.abc import Mapping

from tests.interop.node_access_rows import after, bound, fapi, rotated
from tests.interop.node_refused_rows import refused
from tests.interop.node_row import Row
from tests.interop.node_sign_in_rows import authentication, requests, responses, tokens


def _named(*tables: Mapping[str, Row]) -> Mapping[str, Row]:
    """All rows, by names that campaigns can have."""
    return {re.sub(r"[^a-z0-9]+", "-", name.lower()): row for table in tables for name, row in table.items()}


TABLES = (authentication(), requests(), responses(), tokens(), bound(), after(), fapi(), rotated(), refused())
ROWS: Mapping[str, Row] = _named(*TABLES)
"""By the name of the campaign, the connection and the client."""
