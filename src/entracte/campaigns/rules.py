"""The rules that a campaign file obeys across its parts, one function each.

They read the file's values as they stand, not the model, so that one wrong key does not hide everything else: whatever
has the wrong shape is passed over here, because the model says that already.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import phonenumbers
from pydantic import BaseModel

from entracte.campaigns.document import Finding, Path
from entracte.campaigns.model import RESERVED_KEYS, Definition, FieldKind, FormField, Step
from entracte.values import Json

Findings = Iterator[Finding]
Values = Mapping[str, Json]

LONGEST_TEXT = 2000

STEP_MODELS: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(Step)[0])
}
"""The model of each kind of step."""

_MODELS_BY_KEY: dict[str, type[BaseModel]] = {
    "sign_in": Definition.model_fields["sign_in"].annotation.__args__[0],  # type: ignore[union-attr]
    "embed": Definition.model_fields["embed"].annotation.__args__[0],  # type: ignore[union-attr]
    "choices": FormField.model_fields["choices"].annotation.__args__[0],  # type: ignore[union-attr]
    "fields": FormField,
}
"""The model of what stands under a key."""


def model_at(path: Path, value: Json) -> type[BaseModel] | None:
    """The model of a mapping in the file, or None where there is none. `value` is the mapping."""
    names = [part for part in path if isinstance(part, str)]
    if not names:
        return Definition
    if names == ["steps"]:
        return STEP_MODELS.get(str(_mapping(value).get("kind")))
    return _MODELS_BY_KEY.get(names[-1])


def _types(annotation: Any) -> frozenset[Any]:
    """The plain types that an annotation is made of: {str, dict} of a text."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _types(parts[0])
    if origin in (Union, UnionType):
        return frozenset().union(*(_types(part) for part in parts))
    return frozenset({origin or annotation})


def _keys_of(*wanted: type) -> frozenset[str]:
    models: list[type[BaseModel]] = [Definition, *_MODELS_BY_KEY.values(), *STEP_MODELS.values()]
    fields = chain.from_iterable(model.model_fields.items() for model in models)
    return frozenset(name for name, field in fields if _types(field.annotation) & set(wanted))


TEXT_KEYS = _keys_of(dict)
"""The keys whose value is a text in the languages of the campaign."""
TYPED_KEYS = _keys_of(int, bool)
"""The keys whose value is a number or a truth value."""


def findings(top: Values) -> Findings:
    """Everything that the rules find in a file."""
    return chain.from_iterable(rule(top) for rule in _RULES)


def _mapping(value: Json) -> Values:
    return value if isinstance(value, dict) else {}


def _mappings(value: Json, path: Path) -> Iterator[tuple[Path, Values]]:
    """The mappings of a list, each with its path."""
    for place, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield (*path, place), item


def _steps(top: Values) -> Iterator[tuple[Path, Values]]:
    return _mappings(top.get("steps"), ("steps",))


def _fields(top: Values) -> Iterator[tuple[Path, Values]]:
    for path, step in _steps(top):
        if step.get("kind") == "form":
            yield from _mappings(step.get("fields"), (*path, "fields"))


def languages_of(top: Values) -> tuple[str, ...]:
    """The languages that the file names, as far as they are texts."""
    named = top.get("languages")
    return tuple(item for item in named if isinstance(item, str)) if isinstance(named, list) else ()


def texts_of(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every text in the file; one that may be left out is passed over where nothing stands."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from texts_of(item, (*path, place))
    elif isinstance(value, dict):
        for key, item in value.items():
            model = model_at(path, value)
            if model is not None and key in TEXT_KEYS and key in model.model_fields:
                if item is not None or model.model_fields[key].is_required():
                    yield (*path, key), item
            else:
                yield from texts_of(item, (*path, key))


def _every_text(top: Values) -> Findings:
    languages = languages_of(top)
    for path, text in texts_of(dict(top)):
        if isinstance(text, str):
            yield from _line(path, text)
        elif isinstance(text, dict):
            yield from _translations(path, text, languages)
        else:
            yield Finding(path, "campaign_wrong_type", "Here stands a text, or one text for each language.")


def _line(path: Path, text: Json) -> Findings:
    if not isinstance(text, str):
        yield Finding(path, "campaign_wrong_type", "Here stands a text.")
    elif not text.strip():
        yield Finding(path, "campaign_text_empty", "The text is empty.")
    elif len(text.strip()) > LONGEST_TEXT:
        yield Finding(path, "campaign_text_too_long", f"The text is longer than {LONGEST_TEXT} characters.")


def _translations(path: Path, text: Values, languages: tuple[str, ...]) -> Findings:
    missing = [language for language in languages if language not in text]
    if missing:
        yield Finding(path, "campaign_language_missing", f"The text is not there in {_list(missing)}.")
    for language, line in text.items():
        if language not in languages:
            message = f"`{language}` is not one of the campaign's languages."
            yield Finding((*path, language), "campaign_language_unknown", message)
        yield from _line((*path, language), line)


def _list(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _repeated(keys: Iterator[tuple[Path, Json]], code: str, what: str) -> Findings:
    seen: set[str] = set()
    for path, key in keys:
        if isinstance(key, str):
            if key in seen:
                yield Finding(path, code, f"{what} `{key}` stands here twice.")
            seen.add(key)


def _languages_once(top: Values) -> Findings:
    named = top.get("languages")
    items = enumerate(named if isinstance(named, list) else [])
    return _repeated(
        ((("languages", place), item) for place, item in items), "campaign_repeated_language", "The language"
    )


def _step_keys(top: Values) -> Findings:
    keys = [((*path, "key"), step.get("key")) for path, step in _steps(top)]
    yield from _repeated(iter(keys), "campaign_repeated_step", "The step")
    for path, key in keys:
        if isinstance(key, str) and key in RESERVED_KEYS:
            yield Finding(
                path, "campaign_reserved_key", f"`{key}` is the address of a page of ours. Choose another key."
            )


def _one_form(top: Values) -> Findings:
    forms = [path for path, step in _steps(top) if step.get("kind") == "form"]
    if not forms:
        yield Finding(("steps",), "campaign_form_missing", "A campaign has a form; there is none.")
    for path in forms[1:]:
        yield Finding(path, "campaign_form_repeated", "A campaign has one form; this is another one.")


def _one_thanks(top: Values) -> Findings:
    steps = list(_steps(top))
    thanks = [path for path, step in steps if step.get("kind") == "thanks"]
    if not thanks:
        yield Finding(("steps",), "campaign_thanks_missing", "A campaign ends with a step of kind `thanks`.")
    elif thanks[0] != steps[-1][0] and len(thanks) == 1:
        yield Finding(thanks[0], "campaign_order", "The step of kind `thanks` comes last.")
    for path in thanks[1:]:
        yield Finding(
            path, "campaign_thanks_repeated", "A campaign has one step of kind `thanks`; this is another one."
        )


def _welcome_first(top: Values) -> Findings:
    welcomes = [path for path, step in _steps(top) if step.get("kind") == "welcome"]
    for path in welcomes[1:]:
        yield Finding(path, "campaign_welcome_repeated", "A campaign has one welcome; this is another one.")
    if welcomes and welcomes[0] != ("steps", 0):
        yield Finding(welcomes[0], "campaign_order", "The welcome comes first.")


def _questions_before_form(top: Values) -> Findings:
    form_seen = False
    for path, step in _steps(top):
        kind = step.get("kind")
        form_seen = form_seen or kind == "form"
        if form_seen and kind in ("single_choice", "multiple_choice", "open_text"):
            yield Finding(path, "campaign_order", "Questions come before the form.")


def _with_choices(top: Values) -> Iterator[tuple[Path, Values]]:
    return chain(_steps(top), _fields(top))


def _choice_keys(top: Values) -> Findings:
    for path, part in _with_choices(top):
        choices = _mappings(part.get("choices"), (*path, "choices"))
        keys = (((*at, "key"), choice.get("key")) for at, choice in choices)
        yield from _repeated(keys, "campaign_repeated_choice", "The choice")


def _correct_choice(top: Values) -> Findings:
    for path, step in _steps(top):
        correct = step.get("correct")
        keys = [choice.get("key") for _, choice in _mappings(step.get("choices"), path)]
        if isinstance(correct, str) and correct not in keys:
            yield Finding((*path, "correct"), "campaign_unknown_choice", f"There is no choice `{correct}`.")


def _how_many(top: Values) -> Findings:
    for path, step in _steps(top):
        choices = step.get("choices")
        if step.get("kind") != "multiple_choice" or not isinstance(choices, list):
            continue
        minimum, maximum = step.get("minimum", 1), step.get("maximum")
        if isinstance(maximum, int) and maximum > len(choices):
            message = f"`maximum` is {maximum}; there are {len(choices)} choices."
            yield Finding((*path, "maximum"), "campaign_out_of_range", message)
        most = maximum if isinstance(maximum, int) else len(choices)
        if isinstance(minimum, int) and minimum > most:
            message = f"`minimum` is {minimum}; at most {most} can be chosen."
            yield Finding((*path, "minimum"), "campaign_out_of_range", message)


def _field_keys(top: Values) -> Findings:
    keys = (((*path, "key"), field.get("key")) for path, field in _fields(top))
    return _repeated(keys, "campaign_repeated_field", "The field")


_ONLY_FOR = {"choices": "choice", "country": "phone", "minimum_age": "date"}
"""Keys of a field that mean something for one kind of field."""
_FIELD_KINDS = frozenset(kind.value for kind in FieldKind)


def _field_options(top: Values) -> Findings:
    for path, field in _fields(top):
        kind = str(field.get("kind"))
        for key, only in _ONLY_FOR.items():
            if field.get(key) not in (None, []) and kind in _FIELD_KINDS and kind != only:
                message = f"`{key}` is for a field of kind `{only}`; this one is `{kind}`."
                yield Finding((*path, key), "campaign_option_misplaced", message)
        if kind == "choice" and not field.get("choices"):
            yield Finding((*path, "choices"), "campaign_choices_missing", "A field of kind `choice` has choices.")


_COUNTRY = re.compile(r"[A-Z]{2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _countries(top: Values) -> Findings:
    for path, field in _fields(top):
        country = field.get("country")
        if isinstance(country, str) and _COUNTRY.fullmatch(country) and country not in phonenumbers.SUPPORTED_REGIONS:
            message = f"`{country}` is not a country with telephone numbers that we know."
            yield Finding((*path, "country"), "campaign_unknown_country", message)


def _field_modes(top: Values) -> Findings:
    for path, field in _fields(top):
        kind, mode = field.get("kind"), field.get("mode", "editable")
        if mode not in ("locked", "hidden"):
            continue
        if kind in ("checkbox", "opt_in"):
            message = "What a participant agrees to can not be locked or hidden."
            yield Finding((*path, "mode"), "campaign_consent_locked", message)
        elif not field.get("prefill"):
            yield Finding((*path, "mode"), "campaign_prefill_missing", f"A {mode} field has a `prefill`.")
        if mode == "hidden":
            yield from _hidden(path, field)


def _hidden(path: Path, field: Values) -> Findings:
    """What nobody can see, nobody can mend: a hidden field must never stop an entry."""
    for key in ("required", "minimum_age"):
        if field.get(key):
            message = f"A hidden field has no `{key}`: nobody could fill it where the account has no value."
            yield Finding((*path, key), "campaign_option_misplaced", message)


def _acceptances(top: Values) -> Findings:
    for path, field in _fields(top):
        if field.get("kind") == "checkbox" and field.get("prefill"):
            message = "A checkbox is ticked by the participant alone; it has no `prefill`. An `opt_in` can have one."
            yield Finding((*path, "prefill"), "campaign_consent_prefilled", message)


_LINK = re.compile(r"\[[^\]]*\]\(([^)]*)\)")


def _links(top: Values) -> Findings:
    for path, field in _fields(top):
        label = field.get("label")
        lines = label if isinstance(label, dict) else {"": label}
        for language, line in lines.items():
            for target in _LINK.findall(line) if isinstance(line, str) else ():
                if not re.match(r"https?://[^\s\"'<>]+$", target):
                    at = (*path, "label", language) if language else (*path, "label")
                    yield Finding(at, "campaign_link", "A link begins with https:// and has no spaces.")


def _schedule(top: Values) -> Findings:
    opens, closes = str(top.get("opens")), str(top.get("closes"))
    # ISO dates are ordered as texts are
    if _DATE.fullmatch(opens) and _DATE.fullmatch(closes) and opens > closes:
        yield Finding(("closes",), "campaign_schedule", f"The campaign closes on {closes}, before it opens.")


def _complete_needs_sign_in(top: Values) -> Findings:
    for path, step in _steps(top):
        if step.get("submit") == "when_complete" and not top.get("sign_in"):
            message = "A form can be complete only after a sign-in; the campaign has no `sign_in`."
            yield Finding((*path, "submit"), "campaign_sign_in_missing", message)


_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(text: str) -> tuple[str, ...]:
    """The attributes that stand in braces in a form's title."""
    return tuple(_PLACEHOLDER.findall(text))


def _named_in(title: Json) -> set[str]:
    lines = list(title.values()) if isinstance(title, dict) else [title]
    return {name for line in lines if isinstance(line, str) for name in placeholders(line)}


def _form_titles(top: Values) -> Findings:
    for path, step in _steps(top):
        if step.get("kind") == "form":
            yield from _placeholders((*path, "title"), step.get("title"), guest=step.get("title_guest") is not None)


def _placeholders(path: Path, title: Json, *, guest: bool) -> Findings:
    names = _named_in(title)
    if names - {"first_name"}:
        yield Finding(path, "campaign_placeholder", "The attribute that can stand in a title is {first_name}.")
    if names and not guest:
        message = "The title has {first_name}; `title_guest` says what stands there without it."
        yield Finding(path, "campaign_title_guest_missing", message)


def connection_findings(top: Values, known: Mapping[str, AbstractSet[str]]) -> Findings:
    """What the organization's connections do not have: `known` are they by name, each with the attributes that its
    claim map defines."""
    sign_in = _mapping(top.get("sign_in"))
    name = sign_in.get("connection")
    if not isinstance(name, str):
        return
    if name not in known:
        hint = f"There are: {', '.join(sorted(known))}." if known else "Make one with `entracte connection add`."
        message = f"There is no connection `{name}`."
        yield Finding(("sign_in", "connection"), "campaign_unknown_connection", message, hint)
        return
    for path, attribute in _attributes(top):
        if attribute not in known[name]:
            message = f"The connection `{name}` does not define the attribute `{attribute}`."
            hint = f"It defines: {', '.join(sorted(known[name]))}."
            yield Finding(path, "campaign_unmapped_field", message, hint)


def _attributes(top: Values) -> Iterator[tuple[Path, str]]:
    """The attributes of the profile that the form uses, each with its place."""
    for path, step in _steps(top):
        if step.get("kind") == "form":
            yield from (((*path, "title"), name) for name in sorted(_named_in(step.get("title"))))
    for path, field in _fields(top):
        if field.get("prefill") and isinstance(field["prefill"], str):
            yield (*path, "prefill"), field["prefill"]


_RULES: tuple[Callable[[Values], Findings], ...] = (
    _languages_once, _schedule, _step_keys, _welcome_first, _one_form, _one_thanks, _questions_before_form,
    _every_text, _choice_keys, _correct_choice, _how_many, _field_keys, _field_options, _countries, _field_modes,
    _acceptances, _links, _complete_needs_sign_in, _form_titles,
)  # fmt: skip


def with_all_languages(value: Json, languages: tuple[str, ...], path: Path = ()) -> Any:
    """The same values, with every text as a mapping that has all languages."""
    if isinstance(value, list):
        return [with_all_languages(item, languages, (*path, place)) for place, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    is_part = model_at(path, value) is not None
    return {
        key: dict.fromkeys(languages, item)
        if key in TEXT_KEYS and is_part and isinstance(item, str)
        else with_all_languages(item, languages, (*path, key))
        for key, item in value.items()
    }
