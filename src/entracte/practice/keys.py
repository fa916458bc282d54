"""The keys that sign ID tokens and access tokens: made at the start, never written anywhere."""

from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"


class SigningKeys:
    """One key that signs, and the earlier ones that still verify."""

    def __init__(self) -> None:
        self._keys = [_new_key()]

    @property
    def current(self) -> RSAKey:
        return self._keys[-1]

    @property
    def key_id(self) -> str:
        return str(self.current.kid)

    def signing_set(self) -> KeySet:
        """Only the signing key, as a set: joserfc then names it in the `kid` header."""
        return KeySet([self.current])

    def verifying_set(self) -> KeySet:
        return KeySet(list(self._keys))

    def published(self) -> dict[str, object]:
        """The JWK set (RFC 7517 section 5), without any private part."""
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def rotate(self, *, keep_old: bool) -> None:
        """Sign with a new key from now on. Without `keep_old`, earlier tokens stop verifying."""
        kept = self._keys if keep_old else []
        self._keys = [*kept, _new_key()]


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
