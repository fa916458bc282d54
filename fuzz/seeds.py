"""Writes the first inputs of each target: `.venv/bin/python -m fuzz.seeds`. What is there already stays.

The specifications' own examples and the refusals of the tests come from `tests/vectors/`; the rest is made here. The
name of a file is the hash of what is in it.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from entracte.protocol.base64url import encode
from entracte.protocol.jwe import encrypt
from entracte.protocol.signing import mac
from entracte.protocol.state import StateContent, seal_state
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, ParticipationId, Secret
from fuzz.stage import CLIENT, ISSUER, NONCE, NOW, PRIVATE, RECIPIENT, SEAL_KEYS, SECRET, STATE

ROOT = Path(__file__).resolve().parent
CORPUS = ROOT / "corpus"
VECTORS = ROOT.parent / "tests" / "vectors"
LONGEST = 16 * 1024
"""Bytes of an input; what is longer is a test of a limit, and stands there."""

ID_TOKEN: Mapping[str, Any] = {
    "iss": ISSUER,
    "sub": "subject",
    "aud": CLIENT,
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": NONCE,
    "auth_time": NOW,
    "acr": "gold",
}
LOGOUT: Mapping[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "once",
    "sub": "subject",
    "sid": "session",
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
}
METADATA: Mapping[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize?p=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.as.example/token"},
    "id_token_signing_alg_values_supported": ["RS256", "none"],
    "authorization_response_iss_parameter_supported": True,
    "require_pushed_authorization_requests": False,
}
KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": encode(PRIVATE.public_key().public_bytes_raw())}
PERSON: Mapping[str, Any] = {
    "sub": "subject",
    "name": "ANNA-LENA d'Hondt",
    "email": "a@b.example",
    "email_verified": True,
    "emails": [{"value": "c@d.example"}],
    "a.b": {"c": "quoted"},
    "a": {"b": {"c": 1}},
    "adult": "yes",
    "data": [{"person": {"email": "e@f.example"}}],
}


ODD: tuple[Any, ...] = (None, 1e300, [True], "")
"""What stands where something else should."""


def vectors(name: str, member: str) -> Iterator[bytes]:
    for vector in json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8")):
        if isinstance(vector.get(member), str):
            yield vector[member].encode("utf-8", errors="surrogatepass")


def broken(document: Mapping[str, Any]) -> Iterator[bytes]:
    """The document, then each member left out, and of another type."""
    yield json.dumps(document).encode()
    for name in document:
        yield json.dumps({other: value for other, value in document.items() if other != name}).encode()
        yield from (json.dumps({**document, name: value}).encode() for value in ODD)
    yield from (b"", b"[]", b"null", b"\xff", b'{"a":1,"a":2}', b'{"exp":1e400}', b"[" * 40)


def answers(documents: Iterator[bytes], *choices: int) -> Iterator[bytes]:
    """As good answers, and the first of them with every status and media type."""
    first = next(documents)
    yield from (bytes([choice]) + first for choice in (*range(10), *range(10, 50, 10)))
    for document in documents:
        yield b"\0" + document
        yield from (bytes([choice]) + document for choice in choices)


def signed(claims: Any, **header: Any) -> bytes:
    part = f"{encode(json.dumps({'alg': 'EdDSA', **header}).encode())}.{encode(json.dumps(claims).encode())}"
    return f"{part}.{encode(PRIVATE.sign(part.encode()))}".encode()


def states() -> Iterator[bytes]:
    for issued_at in (NOW, NOW - 600, NOW - 601, NOW + 61):
        content = StateContent(
            CampaignNumber(3), ConnectionNumber(5), ParticipationId(UUID(int=9)), AttemptNumber(11), issued_at
        )
        sealed = seal_state(content, SEAL_KEYS)
        yield from (part.encode() for part in (sealed, sealed[:-1], sealed + "A", "A" + sealed[1:], f"{sealed}=="))
    yield from (b"", b"A", b"A" * 64, b"\xed\xa0\x80" * 21)


def callbacks() -> Iterator[bytes]:
    yield from vectors("callback", "query")
    parts = ("code=c", "id_token=t", "access_token=a", "token_type=Bearer", "error=access_denied", "response=r")
    yield from ("&".join([part, *parts[:count], f"iss={ISSUER}"]).encode() for count in range(6) for part in parts)
    yield f"iss={ISSUER}&sid=session".encode()
    yield f"logout_token=a.b.c&state={STATE}".encode()


HEADERS: tuple[Mapping[str, Any], ...] = (
    *({}, {"kid": "one"}, {"kid": "two"}, {"kid": 1}, {"alg": "none"}, {"alg": "HS256"}, {"typ": "at+jwt"}),
    *({"crit": ["x"]}, {"b64": False}, {"jwk": KEY}, {"jku": "https://evil.example/"}),
)


def tokens() -> Iterator[bytes]:
    yield from vectors("jws", "token")
    yield from (signed(ID_TOKEN, **members) for members in HEADERS)
    yield mac(ID_TOKEN, SECRET, "HS256").reveal().encode()
    yield signed({**ID_TOKEN, "state": STATE, "code": "c"})
    good = signed(ID_TOKEN).decode()
    header, payload, signature = good.split(".")
    for bad in (
        "",
        "..",
        "a.b.c",
        f"{good}.",
        f"{header}.{payload}.",
        f"{header}..{signature}",
        f" {good}",
        f"{good}=",
    ):
        yield bad.encode()
    yield json.dumps({"protected": header, "payload": payload, "signature": signature}).encode()
    yield json.dumps({"payload": payload, "signatures": []}).encode()


def encrypted() -> Iterator[bytes]:
    yield from vectors("jwe", "token")
    for algorithm in ("ECDH-ES", "ECDH-ES+A128KW"):
        for content in ("A128GCM", "A256CBC-HS512"):
            good = encrypt(Secret(signed(ID_TOKEN).decode()), RECIPIENT, algorithm, content).reveal()
            parts = good.split(".")
            yield good.encode()
            yield from (".".join([*parts[:place], "AAAA", *parts[place + 1 :]]).encode() for place in range(5))
    yield encrypt(Secret('{"sub":"subject"}'), RECIPIENT, "ECDH-ES").reveal().encode()
    for header in ({"alg": "RSA1_5"}, {"alg": "PBES2-HS512+A256KW", "p2c": 2**31 - 1}, {"alg": "dir"}, {"zip": "DEF"},
                   {"alg": "ECDH-ES", "epk": None}, {"alg": "ECDH-ES", "epk": KEY}, {"enc": "none"}):  # fmt: skip
        yield f"{encode(json.dumps({'alg': 'ECDH-ES', 'enc': 'A128GCM', **header}).encode())}..AAAA.AAAA.AAAA".encode()
    yield from (b"", b"....", json.dumps({"encrypted_key": None, "iv": "", "ciphertext": "", "tag": ""}).encode())


def all_claims() -> Iterator[bytes]:
    yield from broken(ID_TOKEN)
    for aud in ([CLIENT], [CLIENT, "other"], "other"):
        yield json.dumps({**ID_TOKEN, "aud": aud, "azp": CLIENT}).encode()
    yield from broken({**ID_TOKEN, "state": STATE, "code": "c", "error": "e", "expires_in": 3600})


def logouts() -> Iterator[bytes]:
    yield from broken(LOGOUT)
    yield json.dumps({**LOGOUT, "nonce": NONCE}).encode()
    yield from (signed(LOGOUT, typ=typ) for typ in ("logout+jwt", "JWT", None))
    yield signed(LOGOUT, typ="logout+jwt", alg="none")


def key_sets() -> Iterator[bytes]:
    keys = [vector["key"] for vector in json.loads((VECTORS / "jws.json").read_text())]
    yield json.dumps({"keys": [KEY, *keys]}).encode()
    for key in [KEY, *keys[:2], {**KEY, "use": "enc"}, {"kty": "oct", "k": "AAAA"}]:
        for document in broken(key):
            yield b'{"keys":[' + document + b"]}"
    yield from broken({"keys": []})


def token_answers() -> Iterator[bytes]:
    good = {"access_token": "a", "token_type": "Bearer", "id_token": "a.b.c", "refresh_token": "r", "expires_in": 3600}
    yield from broken(good)
    for error in ("invalid_grant", "invalid_client", "use_dpop_nonce", "<script>"):
        yield json.dumps({"error": error}).encode()
    yield json.dumps({"request_uri": "urn:example:1", "expires_in": 60}).encode()
    yield from (b'DPoP error="use_dpop_nonce"', b'dpop algs="a, b", error = use_dpop_nonce', b'DPoP error="use_dpop')


HOSTS = (
    *("as.example", "AS.example", "as.example.", "a_b", "xn--a", "bücher.example", "as.example:0443"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::1%25lo]", "127.1", "0x7f.1", "2130706433", "1.2.3.4", "localhost:80@evil"),
)


def addresses() -> Iterator[bytes]:
    yield from vectors("endpoints", "url")
    yield b"https://as.example/\xff"  # half a character, found by the first run
    for host in HOSTS:
        yield from (f"{scheme}://{host}{rest}".encode() for scheme in ("https", "HTTP") for rest in ("", "/a?b", "?b"))


SEEDS: Mapping[str, Callable[[], Iterator[bytes]]] = MappingProxyType(
    {
        "state": states,
        "callback": callbacks,
        "metadata": lambda: answers(broken(METADATA)),
        "jwks": lambda: answers(key_sets()),
        "jws": tokens,
        "jwe": encrypted,
        "claims": all_claims,
        "logout": logouts,
        "token_response": lambda: answers(token_answers(), 4, 5),
        "userinfo": lambda: answers(broken(PERSON), 10),
        "claim_map": lambda: broken(PERSON),
        "url": addresses,
    }
)


def main() -> int:
    for target, seeds in SEEDS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            for data in seeds():
                if len(data) <= LONGEST:
                    (folder / sha256(data).hexdigest()[:16]).write_bytes(data)
        print(f"{target}: {len(list(folder.iterdir()))} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
