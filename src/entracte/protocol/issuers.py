"""How two issuer identifiers differ, for the person who has to mend a setting.

Issuers are compared byte for byte (OpenID Connect Core section 3.1.3.7, RFC 9207 section 2.4). What the
other side sent is never shown: it may come from anybody's browser.
"""


def difference(expected: str, got: str) -> str:
    """One sentence: what was expected, and what kind of other thing came."""
    if not got:
        return f"Expected {expected}; it was empty."
    if got.rstrip("/") == expected.rstrip("/"):
        return f"Expected {expected}; only a slash at the end differs."
    if got.casefold() == expected.casefold():
        return f"Expected {expected}; only upper and lower case differ."
    return f"Expected {expected}."
