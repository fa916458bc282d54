"""What is told about a person: as OpenID claims, and as the brand's own nested JSON. Always cut to the scopes."""

from authlib.oidc.core import UserInfo

from entracte.practice.people import Address, Person
from entracte.values import Json


def user_info(person: Person, scope: str) -> UserInfo:
    """The standard claims (OpenID Connect Core section 5.1) that these scopes ask for (section 5.4).
    What the account does not have is left out, never null."""
    everything: dict[str, Json] = {
        "sub": person.subject,
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "birthdate": person.birthdate.isoformat() if person.birthdate else None,
        "locale": person.locale,
        "email": person.email,
        "email_verified": person.email_verified if person.email else None,
        "phone_number": person.phone_number,
        "phone_number_verified": person.phone_number_verified if person.phone_number else None,
        "address": _address_claim(person.address),
    }
    return UserInfo({name: value for name, value in everything.items() if value is not None}).filter(scope)


def _address_claim(address: Address | None) -> Json:
    if address is None:
        return None
    return {
        "formatted": f"{address.street}\n{address.postal_code} {address.city}\n{address.country}",
        "street_address": address.street,
        "postal_code": address.postal_code,
        "locality": address.city,
        "country": address.country,
    }


def brand_profile(person: Person, scope: str) -> Json:
    """The answer of the brand's own API: nested, in camel case, with null for what is missing.
    Unlike the claims above on purpose, because brands' own APIs are."""
    told = set(scope.split())
    contact: dict[str, Json] = {}
    if "email" in told:
        contact |= {"email": person.email, "emailConfirmed": person.email_verified}
    if "phone" in told:
        contact["mobile"] = person.phone_number
    about: dict[str, Json] = {"id": person.subject, "contact": contact}
    if "profile" in told:
        about |= {
            "firstName": person.given_name,
            "lastName": person.family_name,
            "birthDate": person.birthdate.isoformat() if person.birthdate else None,
            "language": person.locale,
        }
    if "address" in told:
        about["home"] = _brand_address(person.address)
    return {"data": {"person": about}}


def _brand_address(address: Address | None) -> Json:
    if address is None:
        return None
    return {
        "street": address.street,
        "postCode": address.postal_code,
        "city": address.city,
        "country": address.country,
    }
