"""The end of a session: asked for by the client, told to it by back and front channel, watched in a frame."""

import hashlib
import html
import json
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidSignature

from tests.misbehaving_provider.claims import LOGOUT_CLAIMS, LOGOUT_EVENT, change
from tests.misbehaving_provider.keys import MacKey, compact, parts, verify_mac, verify_with_set
from tests.misbehaving_provider.model import CALL, Client, OAuthError
from tests.misbehaving_provider.signatures import signed

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

CHANGES = frozenset(
    {"end_session_other_state", "end_session_missing_state", "end_session_error", "logout_wrong_typ",
     "logout_missing_typ", "check_session_garbage", "check_session_error"}
)  # fmt: skip


async def end_session(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """OpenID Connect RP-Initiated Logout: ends at once, without a question, and sends the browser back."""
    call = request[CALL]
    asked = {**call.query, **call.form}
    client = _whose(provider, asked)
    if provider.misbehaviour == "end_session_error":
        raise OAuthError(500, "server_error")
    provider.session_changed = True
    target = asked.get("post_logout_redirect_uri", "")
    state = {"end_session_other_state": "another-state", "end_session_missing_state": ""}.get(
        provider.misbehaviour, asked.get("state", "")
    )
    if not target:
        return web.Response(text="<!doctype html><title>Logged out</title>", content_type="text/html")
    registered = client.metadata.get("post_logout_redirect_uris", [target])
    if target not in registered:
        raise OAuthError(400, "invalid_request")
    joint = "&" if "?" in target else "?"
    back = target + (joint + urlencode({"state": state}) if state else "")
    if provider.front_channel_logout_uri:
        return web.Response(text=_front_channel(provider, back), content_type="text/html")
    return web.Response(status=303, headers={"Location": back})


def _whose(provider: "MisbehavingProvider", asked: dict[str, str]) -> Client:
    """The client, by the ID token that it shows or by its name. Raises OAuthError."""
    name, hint = asked.get("client_id", ""), asked.get("id_token_hint", "")
    try:
        if hint:
            name = parts(hint)[1]["aud"]
            key = provider.signing_key(provider.algorithm)
            if isinstance(key, MacKey):
                verify_mac(hint, key.secret)
            else:
                verify_with_set(hint, provider.all_public_keys())
    except (InvalidSignature, KeyError, ValueError) as error:
        raise OAuthError(400, "invalid_request") from error
    client = provider.client(name)
    if client is None or asked.get("client_id", name) != name:
        raise OAuthError(400, "invalid_request")
    return client


# Told to the client


def logout_token(provider: "MisbehavingProvider", *, sub: str, sid: str, client_id: str) -> str:
    """OpenID Connect Back-Channel Logout section 2.4."""
    now = int(time.time())
    claims = {
        "iss": provider.issuer, "aud": client_id, "iat": now, "exp": now + 120, "jti": secrets.token_urlsafe(12),
        "events": {LOGOUT_EVENT: {}}, **({"sub": sub} if sub else {}), **({"sid": sid} if sid else {}),
    }  # fmt: skip
    change((LOGOUT_CLAIMS,), provider.misbehaviour, claims)
    typ = "JWT" if provider.misbehaviour == "logout_wrong_typ" else "logout+jwt"
    key = provider.signing_key(provider.algorithm, provider.client(client_id))
    if provider.misbehaviour == "logout_missing_typ":
        return compact({"alg": key.algorithm, "kid": key.kid}, claims, key.sign)
    return signed(provider.inner("logout"), claims, key, typ)


async def send_logout_token(
    provider: "MisbehavingProvider", address: str, *, sub: str = "", sid: str = "", client_id: str = ""
) -> int:
    """Sends a logout token to a client; the status that it answers with."""
    token = logout_token(provider, sub=sub, sid=sid, client_id=client_id or provider.client_id)
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
        session.post(address, data={"logout_token": token}, ssl=provider.trust_of_clients) as response,
    ):
        return response.status


def front_channel_address(provider: "MisbehavingProvider") -> str:
    """The address of the client with `iss` and `sid` (OpenID Connect Front-Channel Logout section 3)."""
    told = urlencode({"iss": provider.issuer, "sid": provider.sid})
    return f"{provider.front_channel_logout_uri}{'&' if '?' in provider.front_channel_logout_uri else '?'}{told}"


def _front_channel(provider: "MisbehavingProvider", back: str) -> str:
    frame = html.escape(front_channel_address(provider))
    link = f'<a href="{html.escape(back)}">Go on</a>' if back else ""
    return f'<!doctype html><title>Logged out</title><iframe src="{frame}"></iframe>{link}'


async def front_channel_page(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """What a browser sees when the session ends by no wish of the client."""
    return web.Response(text=_front_channel(provider, ""), content_type="text/html")


# Watched in a frame


def session_state(provider: "MisbehavingProvider", client_id: str, redirect_uri: str) -> str:
    """OpenID Connect Session Management section 4.2: bound to the client, its origin and the browser's session."""
    address = urlsplit(redirect_uri)
    salt = secrets.token_hex(8)
    text = f"{client_id} {address.scheme}://{address.netloc} {browser_state(provider)} {salt}"
    return f"{hashlib.sha256(text.encode()).hexdigest()}.{salt}"


def browser_state(provider: "MisbehavingProvider") -> str:
    return "ended" if provider.session_changed else "begun"


_PAGE = """<!doctype html><title>Session</title><script>
const said = SAID, state = STATE;
addEventListener("message", async (event) => {
  const [client, session] = String(event.data).split(" ");
  const salt = (session || "").split(".")[1] || "";
  const text = new TextEncoder().encode(`${client} ${event.origin} ${state} ${salt}`);
  const hash = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", text)));
  const same = hash.map((byte) => byte.toString(16).padStart(2, "0")).join("") + "." + salt === session;
  event.source.postMessage(said || (same ? "unchanged" : "changed"), event.origin);
});
</script>"""


async def check_session(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """The page that a client puts into a frame and asks by messages."""
    said = {"check_session_garbage": "<b>other</b>", "check_session_error": "error"}.get(provider.misbehaviour, "")
    text = _PAGE.replace("SAID", json.dumps(said)).replace("STATE", json.dumps(browser_state(provider)))
    return web.Response(text=text, content_type="text/html")
