"""Where the profile may come from, as a member sets it."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from entracte.protocol.jws import JOSERFC_ALGORITHMS
from entracte.protocol.userinfo import BearerPlace


class ProfileSource(StrEnum):
    """Where the profile comes from."""

    ID_TOKEN = "id_token"  # noqa: S105
    ACCESS_TOKEN = "access_token"  # noqa: S105
    USERINFO = "userinfo"
    REST = "rest"
    INTROSPECTION = "introspection"


class RestSource(BaseModel):
    """A brand's own REST API: where the person is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="The address of the profile API.")
    method: Literal["GET", "POST"] = Field(
        "GET", description="The method of the request. With the token in a form it is always POST."
    )
    bearer: BearerPlace = Field(
        BearerPlace.HEADER,
        description="Where the access token goes: `Authorization: Bearer`, or `access_token` in a posted form.",
    )
    person: str = Field("", description="Dotted path to the person in the answer; empty for the whole answer.")
    subject: str = Field("sub", description="Dotted path, from the person, to the subject, where there is no ID token.")


class TrustedClaims(BaseModel):
    """Another issuer whose aggregated and distributed claims are taken (OpenID Connect Core section 5.6.2)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jwks_uri: str = Field(description="Where its public keys are.")
    algorithms: tuple[str, ...] = Field(("RS256",), description="The algorithms that it may sign with.")
    origins: tuple[str, ...] = Field(
        (), description="Where its distributed claims may be fetched: `https://claims.example`. None: aggregated alone."
    )

    @model_validator(mode="after")
    def _with_public_keys(self) -> "TrustedClaims":
        if not self.algorithms or set(self.algorithms) - JOSERFC_ALGORITHMS.keys():
            raise ValueError("an algorithm is none that we verify with a public key")
        return self
