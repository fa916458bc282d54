"""What a member sets of claims: the claim map (for each attribute of the profile, where it is found and what is done
with it), and the values that a claim has to have."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)

DottedPath = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
RequiredValue = StrictStr | StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
RequiredValues = Annotated[tuple[RequiredValue, ...], Field(min_length=1, max_length=100)]
"""The values of a claim of which one is enough; none at all would be an account that nobody has."""


class ClaimRule(BaseModel):
    """How one attribute of the profile is found: the first path that has a value, then the constant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: tuple[DottedPath, ...] = Field(
        (),
        description="Dotted paths, the best one first. A number is a place in a list. A name with dots in it can "
        "stand in double quotes.",
    )
    constant: str | bool | None = Field(None, description="The value when no path has one.")
    transform: Literal["", "trim", "lower", "upper", "title", "first_word", "last_words", "boolean"] = Field(
        "", description="What is done with the text before it is used."
    )
    verified: DottedPath | None = Field(
        None, description="Path, in the same document, of the flag that vouches for the value (email_verified)."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: object) -> object:
        """`email` and `[email, mail]` are short for `{paths: [...]}`."""
        if isinstance(given, str):
            return {"paths": [given]}
        if isinstance(given, (list, tuple)):
            return {"paths": given}
        return given


DEFAULT_CLAIMS: dict[str, ClaimRule] = {
    "email": ClaimRule(paths=("email",), verified="email_verified"),
    "first_name": ClaimRule(paths=("given_name",)),
    "last_name": ClaimRule(paths=("family_name",)),
    "name": ClaimRule(paths=("name", "preferred_username", "nickname")),
    "phone": ClaimRule(paths=("phone_number",), verified="phone_number_verified"),
    "birthdate": ClaimRule(paths=("birthdate",)),
}
"""The standard claims (OpenID Connect Core section 5.1) under the names that campaigns use."""
