"""A campaign of Northwind Radio, for the tests of what participants see."""

from dataclasses import replace

from entracte.campaigns.model import (
    Choice,
    FieldKind,
    FieldMode,
    Form,
    FormField,
    MultipleChoice,
    OpenText,
    SingleChoice,
    Thanks,
    Welcome,
)
from entracte.organizations.model import Brand
from entracte.web.html import PageContext, Progress

ENGLISH = PageContext(
    brand=Brand(mark="♪"),
    organization_title="Northwind Radio",
    campaign_title="Summer quiz",
    languages=("en", "fr"),
    language="en",
    base="/c/summer-quiz",
    here="/c/summer-quiz/number-one",
    nonce="N0nce",
)
FRENCH = replace(ENGLISH, language="fr")
ARABIC = replace(ENGLISH, languages=("ar", "en"), language="ar")
FRAMED = replace(
    ENGLISH,
    base="/c/summer-quiz/in/KEY-1",
    here="/c/summer-quiz/in/KEY-1/number-one",
    embedded=True,
    frame_parent="https://www.northwind.example",
    participation_key="KEY-1",
)
PROGRESS = Progress(("done", "done", "current", "ahead", "ahead"), "Question 3 of 4 · then your details")

WELCOME = Welcome(kind="welcome", key="hello", title="How well do you know the summer hits?", text="Four questions.")
SONGS = SingleChoice(
    kind="single_choice",
    key="number-one",
    title={"en": "Which of these songs was never a number one?", "fr": "Laquelle n’a jamais été numéro un\u202f?"},
    text={"en": "Trust your ears, not your phone.", "fr": "Fiez-vous à vos oreilles."},
    choices=(Choice(key="blue", label="Blue Monday"), Choice(key="wonder", label="Wonderwall")),
    correct="wonder",
)
PLACES = MultipleChoice(
    kind="multiple_choice",
    key="places",
    title="Where do you listen?",
    choices=tuple(Choice(key=key, label=key.title()) for key in ("car", "kitchen", "walk", "work")),
)
WISH = OpenText(kind="open_text", key="wish", title="What should we play at midnight?", maximum_length=300, lines=3)
THANKS = Thanks(kind="thanks", key="thanks", title="You are in. Thank you.", text="We draw the winners in September.")


def form_field(key: str, kind: FieldKind = FieldKind.TEXT, **settings: object) -> FormField:
    return FormField.model_validate({"key": key, "kind": kind, "label": key.replace("_", " ").title(), **settings})


FIRST_NAME = form_field("first_name", half=True, required=True, prefill="first_name")
EMAIL = form_field("email", FieldKind.EMAIL, mode=FieldMode.LOCKED, required=True, prefill="email")
MOBILE = form_field("mobile", FieldKind.PHONE, country="BE", help="to tell you if you win")
NEWS = form_field("news", FieldKind.OPT_IN, label="Send me the newsletter.")
RULES = form_field(
    "rules", FieldKind.CHECKBOX, required=True, label="I accept the [rules](https://northwind.example/r)."
)
FORM = Form(kind="form", key="details", title="Is this right?", fields=(FIRST_NAME, EMAIL, MOBILE, NEWS, RULES))
