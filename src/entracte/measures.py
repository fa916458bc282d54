"""What operators can watch, in Prometheus' names and units. Scraped at `/metrics`.

No label holds an organization, a campaign, an issuer, a person, or anything that a visitor can choose: the number of
series is bounded by this program. With several processes the numbers are sums: each writes into files of a folder that
`PROMETHEUS_MULTIPROC_DIR` names, and whoever is asked reads them all (prometheus_client's multiprocess mode).
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from entracte import __version__

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Set before this module is imported, or not at all: the library decides once how it keeps its numbers."""

REGISTRY = CollectorRegistry()
_counter = partial(Counter, registry=REGISTRY)
_histogram = partial(Histogram, registry=REGISTRY)
_gauge = partial(Gauge, registry=REGISTRY)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = _counter(
    "entracte_requests",
    "Requests that were answered. `route` is the pattern of the address, `none` where there is none.",
    ("method", "route", "status"),
)
REQUEST_SECONDS = _histogram(
    "entracte_request_seconds",
    "From the head of a request to the end of its answer.",
    ("route",),
    buckets=_SECONDS,
)
MISTAKES = _counter(
    "entracte_mistakes",
    "Requests that a mistake of ours ended: answered with 500. The log has the place.",
)
SIGN_INS = _counter(
    "entracte_sign_ins",
    "Sign-in attempts: `sent` to the login, and how they ended: `signed_in`, `cancelled` or `failed` with the reason "
    "code. `refused` are returns that belong to no attempt.",
    ("outcome", "reason"),
)
PROVIDER_SECONDS = _histogram(
    "entracte_provider_request_seconds",
    "Requests to authorization servers, by what they were for. `outcome` is `answered`, or the reason code of what "
    "went wrong on the way.",
    ("purpose", "outcome"),
    buckets=_SECONDS,
)
COMMIT_CHANGES = _histogram(
    "entracte_commit_changes",
    "Changes that were committed together.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
COMMIT_SECONDS = _histogram(
    "entracte_commit_seconds",
    "From the first statement of a commit to its end.",
    buckets=_SECONDS,
)
QUEUE_DEPTH = _gauge(
    "entracte_queue_depth",
    "What waits for the database: `changes` and `reads`.",
    ("queue",),
    multiprocess_mode="livesum",
)
QUEUE_REFUSED = _counter(
    "entracte_queue_refused",
    "What was answered with 503 because too much was waiting.",
    ("queue",),
)
BUILD = _gauge(
    "entracte_build_info",
    "Always 1; the label says which version runs.",
    ("version",),
    multiprocess_mode="max",
)
BUILD.labels(__version__).set(1)
if FOLDER not in os.environ:
    ProcessCollector(registry=REGISTRY)  # memory, CPU and open files of this one process

COLLECTORS = (
    REQUESTS,
    REQUEST_SECONDS,
    MISTAKES,
    SIGN_INS,
    PROVIDER_SECONDS,
    COMMIT_CHANGES,
    COMMIT_SECONDS,
    QUEUE_DEPTH,
    QUEUE_REFUSED,
    BUILD,
)
"""All of ours, in the order of the reference."""


def request_answered(method: str, route: str, status: int, seconds: float) -> None:
    """A request of a browser or a program."""
    _requests(method if method in _METHODS else "other", route, status).inc()
    _request_seconds(route).observe(seconds)
    if status == 500:
        MISTAKES.inc()


def expect_sign_ins(pairs: Iterable[tuple[str, str]]) -> None:
    """Outcomes and reasons that there can be: each begins at 0. A counter that is first seen at 1 has not risen, and
    an alert on its first time would stay silent."""
    for outcome, reason in pairs:
        _sign_ins(outcome, reason)


def sign_in(outcome: str, reason: str = "") -> None:
    """A sign-in attempt was sent, or ended."""
    _sign_ins(outcome, reason).inc()


def provider_asked(purpose: str, outcome: str, seconds: float) -> None:
    """A request to an authorization server ended."""
    _provider_seconds(purpose, outcome).observe(seconds)


def committed(changes: int, seconds: float) -> None:
    """So many changes were committed together."""
    COMMIT_CHANGES.observe(changes)
    COMMIT_SECONDS.observe(seconds)


def waiting(queue: str, depth: int) -> None:
    """So much waits for the database now."""
    _queue_depth(queue).set(depth)


def refused(queue: str) -> None:
    """Something could not even wait."""
    _queue_refused(queue).inc()


def exposition(accept: str) -> tuple[bytes, str]:
    """Every number, in the format that the scraper likes best, and the media type of it."""
    encode, media_type = choose_encoder(accept)
    return encode(_registry()), media_type


def _registry() -> CollectorRegistry:
    folder = os.environ.get(FOLDER)
    if not folder:
        return REGISTRY
    _forget_the_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
    return together


def _forget_the_dead(folder: Path) -> None:
    """What a killed process said of its queues is true no more; what it counted has happened."""
    for file in folder.glob("gauge_live*.db"):
        number = int(file.stem.rpartition("_")[2])
        if not _lives(number):
            with suppress(FileNotFoundError):  # another one was asked at the same time
                mark_process_dead(number, str(folder))  # type: ignore[no-untyped-call]


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# the child for some labels is looked up once: the library checks and hashes the labels each time


@cache
def _requests(method: str, route: str, status: int) -> Counter:
    return REQUESTS.labels(method, route, str(status))


@cache
def _request_seconds(route: str) -> Histogram:
    return REQUEST_SECONDS.labels(route)


@cache
def _sign_ins(outcome: str, reason: str) -> Counter:
    return SIGN_INS.labels(outcome, reason)


@cache
def _provider_seconds(purpose: str, outcome: str) -> Histogram:
    return PROVIDER_SECONDS.labels(purpose, outcome)


@cache
def _queue_depth(queue: str) -> Gauge:
    return QUEUE_DEPTH.labels(queue)


@cache
def _queue_refused(queue: str) -> Counter:
    return QUEUE_REFUSED.labels(queue)


for _queue in ("changes", "reads"):  # as for sign-ins: they begin at 0
    _queue_depth(_queue)
    _queue_refused(_queue)
