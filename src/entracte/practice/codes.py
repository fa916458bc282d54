"""Authorization codes: spent once, within a minute; a second use also ends the token of the first."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

CODE_SECONDS = 60
MAX_REMEMBERED = 10_000


@dataclass
class AuthorizationCode:
    """What a code stands for. Its methods are what Authlib asks of a code."""

    code: str = field(repr=False)
    client_id: str
    redirect_uri: str
    scope: str
    subject: str
    nonce: str | None = field(repr=False)
    auth_time: int
    code_challenge: str = field(repr=False)
    code_challenge_method: str
    issued_at: int

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        """No level is claimed."""

    def get_amr(self) -> list[str]:
        return ["pwd"]


class Codes:
    """The codes that were given out, and the access tokens that came of those already spent."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: OrderedDict[str, AuthorizationCode] = OrderedDict()
        self._tokens_of_spent: OrderedDict[str, str] = OrderedDict()
        self._revoked: set[str] = set()

    def keep(self, code: AuthorizationCode) -> None:
        with self._lock:
            self._open[code.code] = code
            self._drop_expired(code.issued_at)

    def spend(self, code: str, client_id: str, now: int) -> AuthorizationCode | None:
        """The code, if it is this client's, in time, and never used before
        (RFC 6749 section 4.1.2: a code that is used more than once is denied)."""
        with self._lock:
            found = self._open.get(code)
            if found is None:
                self._revoke_token_of(code)
                return None
            if found.client_id != client_id:
                return None
            del self._open[code]
        return found if now - found.issued_at <= CODE_SECONDS else None

    def remember_token(self, code: str, token_id: str) -> None:
        with self._lock:
            self._tokens_of_spent[code] = token_id
            while len(self._tokens_of_spent) > MAX_REMEMBERED:
                self._tokens_of_spent.popitem(last=False)

    def is_revoked(self, token_id: str) -> bool:
        return token_id in self._revoked

    def _revoke_token_of(self, code: str) -> None:
        # RFC 6749 section 4.1.2: a second use SHOULD revoke the tokens of the first.
        token_id = self._tokens_of_spent.get(code)
        if token_id is not None:
            self._revoked.add(token_id)

    def _drop_expired(self, now: int) -> None:
        # They are in the order of their issue, so the first that is young enough ends the search.
        while self._open and now - next(iter(self._open.values())).issued_at > CODE_SECONDS:
            self._open.popitem(last=False)
