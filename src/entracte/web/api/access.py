"""Who calls: a bearer token in the header (RFC 6750 section 2.1), its organization, and what it may do.

A handler asks for `Access` with the scope that it needs, which is also how the scope gets into the description:

    async def list_entries(access: Annotated[Access, needs(Scope.ENTRIES_READ)]) -> …
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from entracte.connections.providers import Fetch, asking_for
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.tokens import Scope, Token, token_of
from entracte.values import OrganizationNumber, Secret
from entracte.web.allowance import Allowance
from entracte.web.api.parts import ApiServices

_BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token of the organization: `entracte token create`."
)
REALM = 'Bearer realm="entracte"'


class Refusal(LocalError):
    """A problem whose answer has headers of its own."""

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        super().__init__(problem)
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Access:
    """A request by a token that is valid."""

    services: ApiServices
    token: Token
    allowance: Allowance

    @property
    def organization(self) -> OrganizationNumber:
        return self.token.organization

    @property
    def fetch(self) -> Fetch:
        """The way to ask servers about themselves, for this organization."""
        return asking_for(self.organization, self.services.fetch)


async def admit(services: ApiServices, authorization: str) -> Access:
    """The caller, from the header `Authorization`. Refusal `token_missing`, `token_refused` or `too_many_requests`."""
    scheme, _, shown = authorization.partition(" ")
    if scheme.lower() != "bearer":
        message = "This address needs a token in the header Authorization, as `Bearer entracte_…`."
        hint = "Make one with `entracte token create`."
        raise Refusal(Problem(Kind.UNKNOWN_CALLER, "token_missing", message, hint), {"WWW-Authenticate": REALM})
    now = services.clock()
    token = await token_of(services.tokens, Secret(shown.strip()), now)
    if token is None:
        message = "The token is unknown, revoked or over."
        headers = {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}
        raise Refusal(Problem(Kind.UNKNOWN_CALLER, "token_refused", message), headers)
    allowance = services.allowances.take(token.id, now)
    if not allowance.granted:
        message = f"The token has made its {allowance.limit} requests of this minute."
        problem = Problem(Kind.TOO_MANY, "too_many_requests", message, f"Wait {allowance.reset} seconds.")
        raise Refusal(problem, allowance.headers())
    return Access(services, token, allowance)


def needs(*scopes: Scope) -> Any:
    """For the annotation of a handler's `Access`: the scope that it needs, or none."""
    return Security(_granted, scopes=[scope.value for scope in scopes])


async def _granted(request: Request, scopes: SecurityScopes, shown: Any = Security(_BEARER)) -> Access:  # noqa: B008
    """Refusal `token_scope_missing`. The token itself was looked at by `operation.Operation`."""
    access: Access = request.state.access
    missing = set(scopes.scopes) - {scope.value for scope in access.token.scopes}
    if missing:
        message = f"The token does not have the scope {', '.join(sorted(missing))}."
        challenge = f'{REALM}, error="insufficient_scope", scope="{scopes.scope_str}"'
        raise Refusal(Problem(Kind.NOT_ALLOWED, "token_scope_missing", message), {"WWW-Authenticate": challenge})
    return access
