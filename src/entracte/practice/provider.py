"""The practice identity provider as one value: give it an issuer and clients, serve its `app`."""

from collections.abc import Sequence
from threading import Event

from authlib.common.security import is_secure_transport
from authlib.oauth2 import OAuth2Error
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from entracte.errors import Kind, LocalError, Problem
from entracte.practice.accounts import Accounts
from entracte.practice.authorization_server import PracticeServer, Provision, quiet
from entracte.practice.browsers import Browsers
from entracte.practice.clients import PracticeClient
from entracte.practice.codes import Codes
from entracte.practice.endpoints import Endpoints
from entracte.practice.keys import SigningKeys
from entracte.practice.pages import Pages, add_headers
from entracte.practice.people import People, personas
from entracte.practice.sign_in import Consents, SignIn
from entracte.values import Clock, now

__all__ = ["PracticeClient", "PracticeProvider"]

MAX_REQUEST_BYTES = 100_000


class PracticeProvider:
    """An OpenID provider with personas, in memory.

    `issuer` is its address as browsers and programs see it, without a slash at the end: https, or http on a loopback
    address. `slow_seconds` is how long the token answer of the persona "Slow" takes. With `skip_consent` nobody is
    asked whether their data may be told.

    :raises LocalError: `issuer_not_secure` for another kind of address.
    """

    def __init__(
        self,
        issuer: str,
        clients: Sequence[PracticeClient],
        *,
        slow_seconds: float = 8,
        skip_consent: bool = False,
        clock: Clock = now,
    ) -> None:
        _check_issuer(issuer)
        quiet()
        self.issuer = issuer
        self._keys = SigningKeys()
        self._stopping = Event()
        self._consents = Consents(skip_consent)
        rows = personas()
        provision = Provision(
            issuer=issuer,
            clients={client.client_id: client for client in clients},
            people=People(row.person for row in rows),
            codes=Codes(),
            keys=self._keys,
            clock=clock,
            slow_seconds=slow_seconds,
            stopping=self._stopping,
        )
        browsers = Browsers()
        server = PracticeServer(provision)
        pages = _pages(provision, browsers)
        sign_in = SignIn(server, pages, browsers, provision.people, rows, self._consents, clock, slow_seconds)
        accounts = Accounts(pages, provision.people, sign_in, issuer, clock)
        self.app = _app(pages, sign_in, accounts, Endpoints(server, pages, browsers, sign_in))

    @property
    def api_audience(self) -> str:
        """The `aud` of its access tokens."""
        return f"{self.issuer}/api"

    def rotate_keys(self, *, keep_old: bool = True) -> None:
        """Sign with a new key from now on. Without `keep_old`, the JWK set forgets the earlier ones."""
        self._keys.rotate(keep_old=keep_old)

    def forget_consents(self) -> None:
        """Everybody is asked again."""
        self._consents.forget()

    def close(self) -> None:
        """Ends the waiting of slow answers, so that a server can stop at once. May be called more than once."""
        self._stopping.set()


def _check_issuer(issuer: str) -> None:
    if is_secure_transport(issuer) and not issuer.endswith("/"):
        return
    raise LocalError(
        Problem(
            Kind.BAD_INPUT,
            "issuer_not_secure",
            "The issuer of the practice identity provider is not one that it can serve.",
            "Give https, or http on localhost, without a slash at the end.",
            "issuer",
        )
    )


def _pages(provision: Provision, browsers: Browsers) -> Pages:
    def client_name(client_id: str) -> str:
        client = provision.clients.get(client_id)
        return client.name if client else ""

    return Pages(
        browsers,
        provision.clock,
        lambda browser: provision.people.by_subject(browser.subject or ""),
        client_name,
        secure=provision.issuer.startswith("https:"),
    )


def _app(pages: Pages, *rooms: SignIn | Accounts | Endpoints) -> Flask:
    app = Flask(__name__, static_folder="static/account", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    for room in rooms:
        room.register(app)

    def home() -> Response:
        return pages.notice("home", pages.visit(), status=200)

    def refused(error: HTTPException) -> Response | HTTPException:
        return pages.notice("not_found", pages.visit(), status=404) if error.code == 404 else error

    def not_an_address_of_ours(error: OAuth2Error) -> Response:
        return pages.notice("request", pages.visit(), status=400, detail=error.error)

    app.add_url_rule("/", view_func=home)
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(OAuth2Error, not_an_address_of_ours)
    app.after_request(add_headers)
    return app
