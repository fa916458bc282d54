"""The session at the authorization server, as a sign-in tells of it: what a later logout needs, and no more.

Of `sid` and of the person only keyed hashes are kept. The ID token is kept where it is sent back as the hint of a
sign-out, and `session_state` where our pages watch the session; both sealed.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from entracte.connections.model import ConnectionConfig
from entracte.connections.settings import SignOutHint
from entracte.protocol.claim_rules import is_subject
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.protocol.session_management import read_session_state
from entracte.values import OrganizationNumber, Secret

ID_TOKEN = "id token"  # noqa: S105
SESSION_STATE = "session state"


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """What one sign-in told of the session; None for what it did not tell, or what the connection has no use for."""

    session: bytes | None = field(default=None, repr=False)
    """The hash of `sid` (Front-Channel Logout section 3, Back-Channel Logout section 2.1)."""
    id_token: Secret | None = None
    session_state: Secret | None = None


def session_state_of(parameters: Mapping[str, str], config: ConnectionConfig) -> Secret | None:
    """The `session_state` of an authorization response, where the connection watches. Refuses `RESPONSE_MALFORMED`."""
    text = read_session_state(parameters) if config.watch_session else None
    return Secret(text) if text is not None else None


def provider_session(
    config: ConnectionConfig,
    claims: Mapping[str, Any],
    id_token: Secret,
    session_state: Secret | None,
    person_key: bytes,
) -> ProviderSession:
    """What to keep of a sign-in. `claims` are those of the proven ID token, which is `id_token`, decrypted: the server
    gets back what it signed (RP-Initiated Logout section 2)."""
    sid: Any = claims.get("sid")
    return ProviderSession(
        session_hash(person_key, config.issuer, sid) if config.single_logout and is_subject(sid) else None,
        id_token if config.sign_out and config.sign_out_hint is SignOutHint.ID_TOKEN else None,
        session_state,
    )


def session_hash(person_key: bytes, issuer: str, session: str) -> bytes:
    """The only trace of a `sid` that is kept: a keyed hash of (issuer, sid), which is no `person_hash`."""
    return hmac.digest(person_key, b"sid\0" + issuer.encode() + b"\0" + session.encode(), sha256)


def sealed_for(what: str, text: Secret | None, organization: OrganizationNumber, keys: SealKeys) -> str | None:
    """An ID token or a session state as the store keeps it. It does not open for another organization."""
    return seal(text.reveal().encode(), _purpose(what, organization), keys) if text is not None else None


def opened_for(what: str, sealed: str | None, organization: OrganizationNumber, keys: SealKeys) -> Secret | None:
    """What `sealed_for` sealed. Refuses as `open_sealed` does."""
    if sealed is None:
        return None
    return Secret(open_sealed(sealed, _purpose(what, organization), keys).decode())


def _purpose(what: str, organization: OrganizationNumber) -> str:
    return f"{what} of {organization}"
