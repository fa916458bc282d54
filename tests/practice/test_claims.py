from entracte.practice.claims import brand_profile, user_info
from entracte.practice.people import personas

ALL = "openid profile email phone address"
PEOPLE = {row.key: row.person for row in personas()}


def test_every_scope_adds_its_own_claims() -> None:
    ana = PEOPLE["complete"]
    assert set(user_info(ana, "openid")) == {"sub"}
    assert set(user_info(ana, "openid email")) == {"sub", "email", "email_verified"}
    assert set(user_info(ana, "openid phone")) == {"sub", "phone_number", "phone_number_verified"}
    assert set(user_info(ana, "openid address")) == {"sub", "address"}
    assert set(user_info(ana, "openid profile")) == {
        "sub",
        "name",
        "given_name",
        "family_name",
        "birthdate",
        "locale",
    }


def test_what_is_missing_is_left_out_of_the_claims_and_null_in_the_profile() -> None:
    ben = PEOPLE["no-email"]
    assert "email" not in user_info(ben, ALL)
    assert None not in user_info(ben, ALL).values()
    profile = brand_profile(ben, ALL)
    assert profile == {
        "data": {
            "person": {
                "id": "persona-no-email",
                "contact": {"email": None, "emailConfirmed": False, "mobile": "+32470223344"},
                "firstName": "Ben",
                "lastName": "Okafor",
                "birthDate": "1979-11-03",
                "language": "en-BE",
                "home": None,
            }
        }
    }


def test_profile_without_scopes_is_nearly_empty() -> None:
    assert brand_profile(PEOPLE["complete"], "openid") == {
        "data": {"person": {"id": "persona-complete", "contact": {}}}
    }
