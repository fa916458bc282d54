"""A campaign's definition: steps, form, languages, sign-in. The schema of the YAML file is generated from here.

A text is either one string for every language or a mapping from language to string; after parsing it is
always the mapping, complete for every language of the campaign.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from entracte.organizations.model import Name
from entracte.values import CampaignNumber, OrganizationNumber

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][A-Za-z0-9]{1,7})?$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=60)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Text = Line | dict[Language, Line]

RESERVED_KEYS = frozenset({"sign-in", "sign-out", "guest", "in", "assets", "form-draft"})
"""Step keys that would hide an address of ours."""


_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{{0,4}}))?"
)
"""An origin as browsers serialize it (HTML, section 7.1.1): lower case, without the usual port. It stands in a
Content-Security-Policy, so nothing else may stand in it."""
_USUAL_PORTS = {"https": "443", "http": "80"}


def _origin(value: str) -> str:
    found = _ORIGIN.fullmatch(value)
    if found is None or int(found["port"] or 1) > 65535 or found["port"] == _USUAL_PORTS[found["scheme"]]:
        raise ValueError("an origin is scheme and host alone, as browsers say it, such as https://www.example.com")
    return value


Origin = Annotated[str, AfterValidator(_origin)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(_Part):
    """One thing to choose."""

    key: Key
    label: Text


class Welcome(_Part):
    """The first page: what this is, and a button to begin."""

    kind: Literal["welcome"]
    key: Key
    title: Text
    text: Text | None = None
    button: Text | None = None


class SingleChoice(_Part):
    """A question with one answer."""

    kind: Literal["single_choice"]
    key: Key
    title: Text
    text: Text | None = None
    required: bool = True
    choices: tuple[Choice, ...] = Field(min_length=2, max_length=26)
    correct: Key | None = Field(None, description="The key of the right choice, for a quiz. Never sent to the browser.")


class MultipleChoice(_Part):
    """A question with several answers."""

    kind: Literal["multiple_choice"]
    key: Key
    title: Text
    text: Text | None = None
    required: bool = True
    choices: tuple[Choice, ...] = Field(min_length=2, max_length=26)
    minimum: int = Field(1, ge=0)
    maximum: int | None = Field(None, ge=1)


class OpenText(_Part):
    """A question answered in the participant's own words."""

    kind: Literal["open_text"]
    key: Key
    title: Text
    text: Text | None = None
    required: bool = True
    maximum_length: int = Field(1000, ge=1, le=10_000)
    lines: int = Field(4, ge=1, le=20)


class FieldKind(StrEnum):
    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    CHOICE = "choice"
    CHECKBOX = "checkbox"
    OPT_IN = "opt_in"


class FieldMode(StrEnum):
    """What the participant may do with a prefilled value. Locked and hidden values come from the account
    alone; a locked field that the account has no value for can be typed."""

    EDITABLE = "editable"
    LOCKED = "locked"
    HIDDEN = "hidden"


class FormField(_Part):
    """One field of the form."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
    kind: FieldKind
    label: Text = Field(description="In a checkbox or opt-in, [words](https://…) is a link.")
    help: Text | None = Field(None, description="A few words beside the label: why we ask.")
    required: bool = False
    prefill: str = Field("", description="The attribute of the profile that fills it.")
    mode: FieldMode = FieldMode.EDITABLE
    choices: tuple[Choice, ...] = ()
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        None, description="For a phone number: the country of numbers without a prefix."
    )
    minimum_age: int | None = Field(
        None, ge=0, le=120, description="For a date of birth: the least age in years today."
    )
    maximum_length: int = Field(200, ge=1, le=5000)
    half: bool = Field(False, description="Half the width, where there is room.")


class Form(_Part):
    """The form step. `{first_name}` in the title stands for that attribute of the profile; `title_guest`
    is used when the profile does not have it."""

    kind: Literal["form"]
    key: Key
    title: Text
    title_guest: Text | None = None
    text: Text | None = None
    button: Text | None = None
    submit: Literal["shown", "when_complete"] = "shown"
    fields: tuple[FormField, ...] = Field(min_length=1, max_length=100)


class Thanks(_Part):
    """The last page."""

    kind: Literal["thanks"]
    key: Key
    title: Text
    text: Text | None = None


Question = SingleChoice | MultipleChoice | OpenText
Step = Annotated[Welcome | SingleChoice | MultipleChoice | OpenText | Form | Thanks, Field(discriminator="kind")]


class SignIn(_Part):
    """How the campaign signs people in, before the form."""

    connection: Name
    start: Literal["button", "automatic"] = "button"
    window: Literal["same", "popup"] = "same"
    title: Text | None = None
    message: Text | None = None
    button: Text | None = None
    tells: Text | None = Field(None, description="What the brand's login will tell, in the participant's words.")
    guests: bool = Field(False, description="Whether one may take part without an account.")


class Embed(_Part):
    """The pages of the brand that may show the campaign in a frame."""

    origins: tuple[Origin, ...] = Field(min_length=1)


class Definition(_Part):
    """A campaign, as its file says it."""

    campaign: Name = Field(description="Its name in addresses: /c/{campaign}.")
    title: Text
    languages: tuple[Language, ...] = Field(min_length=1, description="The first one is the default.")
    opens: date | None = None
    closes: date | None = Field(None, description="The last day, in UTC.")
    sign_in: SignIn | None = None
    embed: Embed | None = None
    steps: tuple[Step, ...] = Field(min_length=2)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        return tuple(step for step in self.steps if isinstance(step, Question))

    @cached_property
    def form(self) -> Form:
        return next(step for step in self.steps if isinstance(step, Form))

    def say(self, text: Text, language: str) -> str:
        """A text in a language of the campaign, or in its first one."""
        if isinstance(text, str):
            return text
        return text.get(language) or text[self.languages[0]]


@dataclass(frozen=True, slots=True)
class Published:
    """A campaign that went through every check and can be played. Made by `campaigns.manage.publish` and
    by the store, which keeps only what was published. `closed_at` is when a member closed it by hand, whatever its
    schedule says."""

    organization: OrganizationNumber
    number: CampaignNumber
    definition: Definition
    version: int
    published_at: int
    closed_at: int | None = None

    @property
    def name(self) -> str:
        return self.definition.campaign


@dataclass(frozen=True, slots=True)
class Version:
    """One publication of a campaign."""

    number: int
    published_at: int


class Campaigns(Protocol):
    """What keeps campaigns. `by_name` and `by_number` without an organization are the directory: the only way
    from a public address or a state to its organization. `publish` raises LocalError `campaign_name_taken` when
    another organization has the name; publishing again makes the next version of the same number, and leaves a campaign
    closed that was closed. `close` keeps the time of the first closing; both `close` and `reopen` are None when the
    organization has published no such campaign. `versions` are the newest first."""

    async def publish(self, organization: OrganizationNumber, definition: Definition, at: int) -> Published: ...
    async def by_name(self, name: str) -> Published | None: ...
    async def by_number(self, number: CampaignNumber) -> Published | None: ...
    async def of(self, organization: OrganizationNumber) -> list[Published]: ...
    async def versions(self, organization: OrganizationNumber, name: str) -> list[Version]: ...
    async def close(self, organization: OrganizationNumber, name: str, at: int) -> Published | None: ...
    async def reopen(self, organization: OrganizationNumber, name: str) -> Published | None: ...
