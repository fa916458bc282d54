"""Pages that are rendered once and then filled in."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from entracte.web import skeletons
from entracte.web.skeletons import Skeletons

TEMPLATE = Environment(autoescape=True).from_string("<p title=\"{{ one }}\">{{ two }}</p><b>{{ one }}</b>{{ '{}' }}")


def page(values: Sequence[str]) -> str:
    return TEMPLATE.render(one=values[0], two=values[1])


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=4))
def test_a_filled_skeleton_is_the_page(people: list[tuple[str, str]]) -> None:
    kept = Skeletons()
    for person in people:
        assert kept.render("key", (), person, page) == page(person)


def test_a_page_is_rendered_once_for_each_key() -> None:
    kept, rendered = Skeletons(), []

    def render(values: Sequence[str]) -> str:
        rendered.append(values)
        return page(values)

    for key in ("one", "one", "two", "one"):
        kept.render(key, (), ("a", "b"), render)
    assert len(rendered) == 2
    assert not [values for values in rendered if "a" in values], "nobody's values are in what is kept"


def test_there_is_a_bound() -> None:
    kept = Skeletons()
    for key in range(skeletons.MOST + 5):
        kept.render(key, (), ("a", "b"), page)
    assert len(kept._kept) <= skeletons.MOST
