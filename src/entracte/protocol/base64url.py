"""base64url without padding, canonical only (RFC 7515 section 2, RFC 4648 section 3.5).

Two texts that decode to the same bytes would let a token or a state be altered without being noticed.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(raw: bytes) -> str:
    """The text of these bytes."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of a canonical text. Raises ValueError, which never shows the text, for anything else."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:  # also UnicodeEncodeError and binascii.Error
        raise ValueError("not base64url") from None
    if encode(raw) != text:
        # spare bits set, padding, or characters that the decoder skips
        raise ValueError("not canonical base64url")
    return raw
