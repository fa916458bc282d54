"""What participants read when a field or an answer can not be taken: the sentence of each code, translated."""

from collections.abc import Callable, Mapping

from babel import Locale, UnknownLocaleError

from entracte.participation.form import AnswerProblem, FieldProblem


def N_(text: str) -> str:  # noqa: N802 — the name that message extractors know
    """Marks a text for translation and leaves it as it is."""
    return text


FIELD_SENTENCES: Mapping[str, str] = {
    "required": N_("This is still blank."),
    "must_accept": N_("Tick this box to take part."),
    "too_long": N_("This is too long. There is room for {maximum_length} characters."),
    "control_characters": N_("This has a character that can not be shown. Type it again."),
    "email_malformed": N_("That is not a whole e-mail address. Example: ana@example.com"),
    "phone_too_short": N_("That number is too short for {country}. Example: {example}"),
    "phone_too_long": N_("That number is too long for {country}. Example: {example}"),
    "phone_malformed": N_("That is not a phone number. Example: {example}"),
    "phone_needs_prefix": N_("Begin with + and the country’s number. Example: {example}"),
    "date_malformed": N_("That is not a date. Example: {example}"),
    "too_young": N_("You can take part from the age of {minimum_age}."),
    "not_a_choice": N_("Choose one of the answers shown here."),
    "locked_changed": N_("This comes from your account and can not be changed here."),
}
"""By code of a field's problem."""

ANSWER_SENTENCES: Mapping[str, str] = {
    "required": N_("Give an answer to go on."),
    "too_many": N_("That is too many. The most here is {maximum}."),
    "too_few": N_("Choose more. The least here is {minimum}."),
    "not_a_choice": N_("Choose one of the answers shown here."),
    "too_long": N_("This is too long. There is room for {maximum_length} characters."),
    "control_characters": N_("This has a character that can not be shown. Type it again."),
}
"""By code of an answer's problem."""


def sentence(problem: FieldProblem | AnswerProblem, translate: Callable[[str], str], language: str) -> str:
    """The sentence of a problem, in the language of the page. `translate` is gettext's."""
    sentences = FIELD_SENTENCES if isinstance(problem, FieldProblem) else ANSWER_SENTENCES
    facts = dict(problem.facts)
    if "country" in facts:
        facts["country"] = country_name(str(facts["country"]), language)
    return translate(sentences[problem.code]).format(**facts)


def country_name(code: str, language: str) -> str:
    """The name of an ISO 3166-1 country in a language (CLDR), in English where CLDR does not know the language."""
    return str(_locale(language).territories.get(code, code))


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")
