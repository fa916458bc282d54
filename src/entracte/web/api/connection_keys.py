"""`/connections/{name}/keys`: our own keys at a server. Private parts never come out."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from entracte.connections import manage
from entracte.connections.addresses import addresses_of
from entracte.connections.key_list import keys_of, request_for_certificate
from entracte.connections.model import Connection, KeyUse
from entracte.organizations.tokens import Scope
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import resource
from entracte.web.api.shown import instant

router = resource("connections")

Reading = Annotated[Access, needs(Scope.CONNECTIONS_READ)]
Writing = Annotated[Access, needs(Scope.CONNECTIONS_WRITE)]


class ShownOwnKey(BaseModel):
    """One of our keys, without its private part."""

    kid: str
    use: KeyUse
    algorithm: str
    created_at: datetime
    in_use: bool = Field(description="Whether it is used now. Others are published: before their time, or after it.")
    jwk: dict[str, Any] = Field(description="The public key (RFC 7517).")
    certificate: str | None = Field(description="For TLS: the certificate that we signed ourselves, in PEM.")
    thumbprint: str | None = Field(description="The SHA-256 of that certificate: `x5t#S256`.")


class OwnKeys(BaseModel):
    """Our keys, the newest first, and where the server finds those that it needs."""

    jwks_uri: str
    items: tuple[ShownOwnKey, ...]


class KeyRotation(BaseModel):
    """How the keys change. Without a body they change as usual."""

    model_config = ConfigDict(extra="forbid")

    leaked: bool = Field(
        False,
        strict=True,
        description="Forget the keys before at once, and use the new ones at once: for keys that somebody else may "
        "have. Sign-ins under way fail, and a certificate of an authority (`client_certificate`) goes with its key.",
    )


class CertificateRequest(BaseModel):
    """What an authority needs to give out a certificate for our key."""

    certificate_request: str = Field(description="PKCS #10, in PEM.")


@router.get("/connections/{name}/keys")
async def list_keys(name: str, access: Reading) -> OwnKeys:
    """Our keys at the server of a connection, made when its settings need them."""
    return _shown(await manage.named(access.services.connections, access.organization, name), access)


@router.post("/connections/{name}/key-rotations", status_code=201)
async def rotate_keys(name: str, access: Writing, wanted: KeyRotation | None = None) -> OwnKeys:
    """Make a new key for each use. It is published for an hour before it signs, and the one before stays for what was
    begun with it. The next rotation waits for that hour."""
    services, leaked = access.services, wanted is not None and wanted.leaked
    kept = await manage.rotate_keys(
        services.connections, access.organization, name, services.keys, services.clock(), leaked=leaked
    )
    return _shown(kept, access)


@router.get("/connections/{name}/certificate-request")
async def get_certificate_request(name: str, access: Reading) -> CertificateRequest:
    """The request for a certificate of our key for TLS. The certificate goes into `client_certificate`."""
    kept = await manage.named(access.services.connections, access.organization, name)
    return CertificateRequest(certificate_request=request_for_certificate(kept, access.services.keys))


def _shown(kept: Connection, access: Access) -> OwnKeys:
    services = access.services
    return OwnKeys(
        jwks_uri=addresses_of(kept, services.oauth_url).jwks_uri,
        items=tuple(
            ShownOwnKey(
                kid=key.kid,
                use=key.use,
                algorithm=key.algorithm,
                created_at=instant(key.created_at),
                in_use=key.in_use,
                jwk=key.public,
                certificate=key.certificate or None,
                thumbprint=key.thumbprint or None,
            )
            for key in keys_of(kept, services.clock())
        ),
    )
