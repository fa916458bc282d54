"""Settings -> Program: the only file that knows everybody."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial

import structlog
import uuid_utils.compat as uuid_utils
import uvicorn
from starlette.applications import Starlette

from entracte import measures
from entracte.connections.metadata_memory import MetadataMemory
from entracte.connections.providers import Providers
from entracte.errors import LocalError
from entracte.fetch import Fetcher, OutboundAllow, tls_context
from entracte.participation.events import Outcome
from entracte.participation.signing_in import SigningIn
from entracte.participation.signing_out import SigningOut
from entracte.participation.take_part import TakePart
from entracte.protocol.errors import Reason
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import ParticipationId, Secret, entropy, now
from entracte.web.allowance import Allowances
from entracte.web.api.app import Below, api
from entracte.web.api.parts import ApiServices
from entracte.web.app import Operations, application
from entracte.web.directory import Directory
from entracte.web.heads import LimitedHeads
from entracte.web.journal import journal, journal_libraries, place_of
from entracte.web.manage import ManageServices
from entracte.web.pages.manage_campaigns import page as manage_campaigns
from entracte.web.pages.manage_sign_in import page as manage_sign_in
from entracte.web.rates import Rates
from entracte.web.visits import Services


def new_participation_id() -> ParticipationId:
    """A UUID whose first bits are the time (RFC 9562 section 5.7): neighbours in time are neighbours in the index."""
    return ParticipationId(uuid_utils.uuid7())


def open_fetcher(settings: Settings) -> Fetcher:
    """The way out, with the guard that the settings say."""
    return Fetcher(OutboundAllow.parse(settings.outbound_allow), tls=partial(tls_context, settings.outbound_ca_file))


_OUTCOMES = (
    (Outcome.SENT, ""),
    (Outcome.SIGNED_IN, ""),
    (Outcome.CANCELLED, Reason.ACCESS_DENIED.code),
    *((Outcome.FAILED, reason.code) for reason in Reason if reason is not Reason.ACCESS_DENIED),
)


class Program:
    """The program as a value: start it, ask its application, stop it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = settings.seal_keys()
        self.store = Store.open(settings.database_url.get_secret_value())
        self.fetcher = open_fetcher(settings)
        self.providers = Providers(self.fetcher, now)
        self.app = self._application()
        measures.expect_sign_ins(_OUTCOMES)

    def check(self) -> None:
        """LocalError when the schema is not the one that this version needs. Waits for the database: before `start`."""
        self.store.check_schema()

    def close(self) -> None:
        """Leave a program that was only checked: its connections are not for other processes."""
        self.store.close()

    async def start(self) -> None:
        """Open everything."""
        await self.store.start()
        await self.fetcher.start()

    async def stop(self) -> None:
        """Finish what was accepted, then close."""
        await self.fetcher.stop()
        await self.store.stop()

    async def ready(self) -> bool:
        """Whether requests can be served: the store answers."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self.store.check_schema), timeout=2)
        except (LocalError, TimeoutError):
            return False
        return True

    def _application(self) -> Starlette:
        settings, store = self.settings, self.store
        take_part = TakePart(store.participations, self.keys, now, new_participation_id)
        signing_in = SigningIn(
            store.participations,
            self.providers,
            self.keys,
            now,
            entropy,
            settings.oauth_address,
        )
        services = Services(
            directory=Directory(store.organizations, store.campaigns, store.connections, now),
            take_part=take_part,
            signing_in=signing_in,
            signing_out=SigningOut(
                store.participations, store.provider_sessions, self.keys, now, settings.oauth_address
            ),
            keys=self.keys,
            clock=now,
            public_url=settings.public_url,
            secure=settings.secure,
            state_maximum_age=settings.sign_in_maximum_age,
            rates=Rates(
                settings.sign_ins_per_minute_per_address,
                settings.sign_ins_per_minute_per_organization,
                settings.sign_ins_per_minute_per_server,
            ),
        )
        manage = ManageServices(
            organizations=store.organizations,
            members=store.members,
            campaigns=store.campaigns,
            participations=store.participations,
            tallies=store.tallies,
            clock=now,
            entropy=entropy,
            secure=settings.secure,
            public_url=settings.public_url,
        )
        manage_routes = [
            *manage_sign_in.routes(manage),
            *manage_campaigns.routes(manage),
            Below("/api", api(self._api_services())),
        ]
        operations = Operations(
            ready=self.ready,
            metrics_token=Secret(settings.metrics_token.get_secret_value()),
            trusted_proxies=settings.trusted_proxies,
        )
        return application(services, manage_routes, operations, self._lifespan)

    def _api_services(self) -> ApiServices:
        settings, store = self.settings, self.store
        return ApiServices(
            organizations=store.organizations,
            tokens=store.tokens,
            connections=store.connections,
            campaigns=store.campaigns,
            drafts=store.drafts,
            records=store.records,
            tallies=store.tallies,
            kept_answers=store.kept_answers,
            allowances=Allowances(settings.api_requests_per_minute),
            keys=self.keys,
            clock=now,
            entropy=entropy,
            fetch=self.providers.document,
            insecure_allowed=self.fetcher.insecure_allowed,
            metadata=MetadataMemory(self.providers.document, self.fetcher.insecure_allowed, now),
            public_url=settings.public_url,
            oauth_url=settings.oauth_address,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            await self.start()
        except Exception as error:
            journal().error("not_started", error=type(error).__name__, where=place_of(error))
            raise
        try:
            yield
        finally:
            await self.stop()


def server(program: Program, grace: int = 30) -> uvicorn.Server:
    """The HTTP server of a program: no access log (ours has no addresses in it), no server header. On a stop it
    finishes what it accepted, for at most `grace` seconds."""
    return uvicorn.Server(server_config(program.app, program.settings, grace))


def server_config(app: Starlette | Callable[[], Starlette], settings: Settings, grace: int = 30) -> uvicorn.Config:
    """How an application, or one that is made in the process that serves it, is served."""
    return uvicorn.Config(
        app,
        factory=not isinstance(app, Starlette),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application does that itself
        timeout_graceful_shutdown=grace,
        http=LimitedHeads,
        lifespan="on",
    )


def configure_logs(form: str, least: int = logging.INFO) -> None:
    """Structured logs on standard error, from a level up; what libraries say is in the same form."""
    journal_libraries()
    last = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
