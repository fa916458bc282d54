"""The people who have an account here: the personas, and whoever registers."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

PERSONA_PASSWORD = "practice"  # noqa: S105 — it is printed on the sign-in page
MINOR_AGE = 12

# Cheap on purpose: nothing here is worth breaking, and the demo should start at once.
_HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


class Behaviour(Enum):
    """What happens after a persona was chosen."""

    SIGNS_IN = "signs_in"
    REFUSES = "refuses"
    IS_SLOW = "is_slow"
    FAILS = "fails"


@dataclass(frozen=True)
class Address:
    """A postal address (OpenID Connect Core section 5.1.1)."""

    street: str
    postal_code: str
    city: str
    country: str


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `repr` says nothing about them but the subject."""

    subject: str
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    email_verified: bool = field(default=False, repr=False)
    phone_number: str | None = field(default=None, repr=False)
    phone_number_verified: bool = field(default=False, repr=False)
    birthdate: date | None = field(default=None, repr=False)
    locale: str = field(default="en-BE", repr=False)
    address: Address | None = field(default=None, repr=False)
    behaviour: Behaviour = Behaviour.SIGNS_IN

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def initials(self) -> str:
        return (self.given_name[:1] + self.family_name[:1]).upper()

    def get_user_id(self) -> str:
        """What Authlib takes as the `sub` of an access token."""
        return self.subject


@dataclass(frozen=True)
class Persona:
    """One row of the picker. `name` is its accessible name, the same in every language."""

    key: str
    name: str
    person: Person


_BRUSSELS = Address("Rue des Riches Claires 12", "1000", "Brussels", "Belgium")


def _birthday_of_a_minor() -> date:
    # The first of January always exists, so that the persona also works on a 29 February.
    return date(date.today().year - MINOR_AGE, 1, 1)


def personas() -> tuple[Persona, ...]:
    """The rows of the picker, in the order in which they are shown."""
    return (
        Persona(
            "complete",
            "Ana Lopez",
            Person(
                "persona-complete",
                "Ana",
                "Lopez",
                "ana@example.com",
                True,
                "+32470123456",
                True,
                date(1988, 5, 17),
                "en-BE",
                _BRUSSELS,
            ),
        ),
        Persona(
            "no-email",
            "No e-mail",
            Person("persona-no-email", "Ben", "Okafor", phone_number="+32470223344", birthdate=date(1979, 11, 3)),
        ),
        Persona(
            "unverified-email",
            "Unverified e-mail",
            Person("persona-unverified-email", "Chloé", "Martin", "chloe@example.com", locale="fr-BE"),
        ),
        Persona(
            "minor",
            "A minor",
            Person("persona-minor", "Dana", "Visser", "dana@example.com", True, birthdate=_birthday_of_a_minor()),
        ),
        Persona(
            "refuses",
            "Says no",
            Person("persona-refuses", "Emil", "Novak", "emil@example.com", True, behaviour=Behaviour.REFUSES),
        ),
        Persona(
            "slow",
            "Slow",
            Person("persona-slow", "Fay", "Larsen", "fay@example.com", True, behaviour=Behaviour.IS_SLOW),
        ),
        Persona(
            "fails",
            "Error",
            Person("persona-fails", "Gil", "Moreau", "gil@example.com", True, behaviour=Behaviour.FAILS),
        ),
    )


class People:
    """All accounts, in memory."""

    def __init__(self, members: Iterable[Person]) -> None:
        self._by_subject = {person.subject: person for person in members}
        persona_hash = _HASHER.hash(PERSONA_PASSWORD)
        self._password_hashes = dict.fromkeys(self._by_subject, persona_hash)

    def by_subject(self, subject: str) -> Person | None:
        return self._by_subject.get(subject)

    def by_email(self, email: str) -> Person | None:
        """Whoever has this address; letter case does not matter."""
        wanted = email.strip().casefold()
        everybody = list(self._by_subject.values())
        return next((person for person in everybody if (person.email or "").casefold() == wanted and wanted), None)

    def by_password(self, email: str, password: str) -> Person | None:
        person = self.by_email(email)
        if person is None:
            return None
        try:
            _HASHER.verify(self._password_hashes[person.subject], password)
        except VerifyMismatchError:
            return None
        return person

    def register(
        self, *, given_name: str, family_name: str, email: str, phone_number: str | None, password: str, locale: str
    ) -> Person:
        """A new account. Its address stays unconfirmed until a link in a mail to it is opened."""
        subject = f"person-{secrets.token_hex(8)}"
        person = Person(subject, given_name, family_name, email, phone_number=phone_number, locale=locale)
        self._password_hashes[subject] = _HASHER.hash(password)
        self._by_subject[subject] = person
        return person

    def reset_password(self, person: Person, password: str) -> Person:
        """A new password. Who could open the link has the mailbox: the address is confirmed by it."""
        confirmed = replace(person, email_verified=True)
        self._password_hashes[person.subject] = _HASHER.hash(password)
        self._by_subject[person.subject] = confirmed
        return confirmed
