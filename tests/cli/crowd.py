"""People who took part, for the commands that read what was kept."""

from dataclasses import dataclass, replace

from entracte.campaigns.drafts import text_of
from entracte.participation.events import EventKind, Outcome, ValueOutcome
from entracte.participation.model import Attempt, Entry, Participation, Profile
from entracte.store.opened import Store
from tests.campaigns.definitions import small
from tests.store.samples import START, a_participation, an_attempt, an_entry, an_event, numbered
from tests.test_cli import SECRET, Shell
from tests.web.running import work

ESCAPE = "\x1b[31m\u202e"
"""What a terminal would obey."""
CONNECTION = (
    *("connection", "add", "northwind", "--title", "Northwind", "--client-id", "x", "--scope", "profile"),
    *("--authorization-endpoint", "https://login.example/a", "--token-endpoint", "https://login.example/t"),
    *("--userinfo-endpoint", "https://login.example/u"),
)


@dataclass(frozen=True)
class Crowd:
    """Ana signed in and entered, a minute later Bea entered as a guest, and another minute later Cleo's sign-in failed,
    twice. All are of the campaign `small` of northwind, and began at `START`."""

    ana: Entry
    bea: Entry
    cleo: Participation
    attempts: tuple[Attempt, Attempt]


def gather(shell: Shell) -> Crowd:
    """Publish the campaign, and let the people take part."""
    shell.says(*CONNECTION, ENTRACTE_CLIENT_SECRET=SECRET)
    file = shell.folder / "small.yaml"
    file.write_text(text_of(small()))
    shell.says("campaign", "publish", str(file))
    return work(shell.environment["ENTRACTE_DATABASE_URL"], _take_part)


async def _take_part(store: Store) -> Crowd:
    campaign = await store.campaigns.by_name("small")
    assert campaign is not None
    [connection] = await store.connections.of(campaign.organization)
    people = [
        a_participation(campaign.organization, campaign=campaign.number, id=numbered(n), started_at=START + 60 * n)
        for n in (1, 2, 3)
    ]
    for one in people:
        started = an_event(one, EventKind.STARTED, at=one.started_at)
        await store.participations.start(replace(one, answers={"welcome": None}), [started])
    ana, bea, cleo = people
    answered = an_event(ana, EventKind.ANSWERED, "one")
    await store.participations.keep_answer(ana.organization, ana.id, "one", f"a{ESCAPE}", START, [answered])
    signing_in = an_attempt(ana, 9, connection=connection.number, short_code="ANA-222", sent_at=START + 61)
    await store.participations.attempt_was_sent(signing_in, [an_event(ana, EventKind.SIGN_IN_SENT)])
    profile = Profile({"email": "ana@example.com"}, frozenset(), "ana@example.com", b"ana")
    await store.participations.sign_in(replace(signing_in, finished_at=START + 66), profile)
    entries = [
        an_entry(
            one,
            entered_at=START + 600 * (n + 1),
            signed_in=one is ana,
            language=language,
            person=b"ana" if one is ana else b"",
            answers={},
            values={"name": f"{name}{ESCAPE}"},
            outcomes={"name": ValueOutcome.TYPED},
        )
        for n, (one, name, language) in enumerate(((ana, "Ana", "en"), (bea, "Bea", "de")))
    ]
    for entry in entries:
        assert await store.participations.enter(entry, [])
    failed = [
        an_attempt(
            *(cleo, number),
            connection=connection.number,
            short_code="K7Q-2ML",
            sent_at=START + 200 + number,
            consumed_at=START + 300,
            finished_at=START + 301,
            outcome=Outcome.FAILED,
            reason=reason,
            evidence=f"Expected RS256; got none.{ESCAPE}",
        )
        for number, reason in ((1, "provider_timeout"), (2, "token_algorithm"))
    ]
    for attempt in failed:
        await store.participations.attempt_was_sent(
            replace(attempt, consumed_at=None, finished_at=None, outcome=Outcome.SENT, reason="", evidence=""),
            [an_event(cleo, EventKind.SIGN_IN_SENT)],
        )
        await store.participations.consume_attempt(attempt, START + 300, [])
        await store.participations.finish_attempt(attempt)
    return Crowd(entries[0], entries[1], cleo, (failed[1], failed[0]))
