from entracte.practice.people import PERSONA_PASSWORD, People, personas


def everybody() -> People:
    return People(row.person for row in personas())


def test_personas_are_seven_different_people() -> None:
    rows = personas()
    assert [row.name for row in rows] == [
        "Ana Lopez",
        "No e-mail",
        "Unverified e-mail",
        "A minor",
        "Says no",
        "Slow",
        "Error",
    ]
    assert len({row.person.subject for row in rows}) == len({row.key for row in rows}) == 7


def test_password_of_a_persona() -> None:
    people = everybody()
    found = people.by_password("ANA@example.com", PERSONA_PASSWORD)
    assert found is not None
    assert found.subject == "persona-complete"
    assert people.by_password("ana@example.com", "Practice") is None
    assert people.by_password("", PERSONA_PASSWORD) is None


def test_registered_people_are_found_and_unconfirmed() -> None:
    people = everybody()
    person = people.register(
        given_name="Noor",
        family_name="Aziz",
        email="noor@example.org",
        phone_number=None,
        password="p" * 8,
        locale="fr-BE",
    )
    assert people.by_subject(person.subject) == person
    assert people.by_password("noor@example.org", "p" * 8) == person
    assert not person.email_verified
    assert people.reset_password(person, "q" * 8).email_verified
    assert people.by_password("noor@example.org", "p" * 8) is None


def test_repr_tells_nothing_personal() -> None:
    for row in personas():
        shown = repr(row.person)
        assert row.person.given_name not in shown
        assert "example.com" not in shown
