"""The authorization server of the benchmark: real where it costs something, and nothing besides.

It signs an RS256 ID token for each nonce, checks the PKCE verifier and the client's authentication, and takes a code
once. There is no login: who is sent here comes back at once.

    python -m bench.stub PORT
"""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT_ID = "benchmark"
CLIENT_SECRET = "secret-of-the-benchmark-and-of-nobody"  # noqa: S105
EMAIL_DOMAIN = "@example.com"
CORE = 1

Answer = tuple[int, dict[str, str], bytes]


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Stub:
    """The endpoints, and the codes that nobody has redeemed yet."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = rsa.generate_private_key(65537, 2048)
        self._codes: dict[str, dict[str, str]] = {}
        self._header = base64url(json.dumps({"alg": "RS256", "kid": "1", "typ": "JWT"}).encode())
        self.endpoints: dict[str, Callable[[str, bytes, str], Answer]] = {
            "/authorize": self._authorize,
            "/token": self._token,
            "/jwks": lambda query, body, authorization: _json(200, {"keys": [self._public_key()]}),
            "/.well-known/openid-configuration": lambda query, body, authorization: _json(200, self._metadata()),
        }

    def _authorize(self, query: str, body: bytes, authorization: str) -> Answer:
        asked = dict(parse_qsl(query))
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return 302, {"location": f"{asked['redirect_uri']}?{answer}"}, b""

    def _token(self, query: str, body: bytes, authorization: str) -> Answer:
        given = dict(parse_qsl(body.decode()))
        asked = self._codes.pop(given.get("code", ""), None)
        if not _is_the_client(authorization):
            return _json(401, {"error": "invalid_client"})
        challenge = base64url(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if asked is None or challenge != asked["code_challenge"] or given["redirect_uri"] != asked["redirect_uri"]:
            return _json(400, {"error": "invalid_grant"})
        return _json(200, self._tokens(asked["nonce"]))

    def _tokens(self, nonce: str) -> dict[str, Any]:
        now, subject = int(time.time()), secrets.token_hex(8)
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": subject, "iat": now, "exp": now + 300, "nonce": nonce,
            "given_name": "Ana", "family_name": "Lopez", "email": f"{subject}{EMAIL_DOMAIN}", "email_verified": True,
        }  # fmt: skip
        signed = f"{self._header}.{base64url(json.dumps(claims).encode())}"
        signature = self._key.sign(signed.encode(), PKCS1v15(), SHA256())
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": f"{signed}.{base64url(signature)}",
        }

    def _public_key(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "kid": "1",
            "use": "sig",
            "alg": "RS256",
            "n": _integer(numbers.n),
            "e": _integer(numbers.e),
        }

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode()
        endpoint = self.endpoints.get(scope["path"])
        nothing: Answer = 404, {}, b""
        asked = scope["query_string"].decode()
        status, headers, said = endpoint(asked, body, authorization) if endpoint is not None else nothing
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        raw.append((b"content-length", str(len(said)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": said})


def _is_the_client(authorization: str) -> bool:
    """HTTP Basic; both parts are form-urlencoded (RFC 6749 section 2.3.1), and some encode more than others do."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    return scheme == "Basic" and (unquote_plus(name), unquote_plus(secret)) == (CLIENT_ID, CLIENT_SECRET)


def _json(status: int, said: dict[str, Any]) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps(said).encode()


def _integer(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def main() -> None:
    port = int(sys.argv[1])
    os.sched_setaffinity(0, {CORE})
    app = Stub(f"http://localhost:{port}")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="error",
        access_log=False,
        lifespan="off",
        loop="uvloop",
        http="httptools",
    )


if __name__ == "__main__":
    main()
