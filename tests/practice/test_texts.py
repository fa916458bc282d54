import re
from pathlib import Path

from entracte.practice import texts

TEMPLATES = Path(texts.__file__).parent / "templates" / "account"
PLACEHOLDER = re.compile(r"{(\w+)}")


def test_both_languages_say_everything() -> None:
    assert list(texts.ENGLISH) == list(texts.FRENCH)
    for key, english in texts.ENGLISH.items():
        french = texts.FRENCH[key]
        assert set(PLACEHOLDER.findall(english)) == set(PLACEHOLDER.findall(french)), key


def test_every_text_of_the_templates_exists() -> None:
    for template in TEMPLATES.glob("*.html"):
        for key in re.findall(r'say\("(\w+)"[,)]', template.read_text("utf-8")):
            assert key in texts.ENGLISH, (template.name, key)


def test_voice() -> None:
    for text in texts.ENGLISH.values():
        assert not re.search(r"please|oops|invalid|!", text, re.IGNORECASE), text
