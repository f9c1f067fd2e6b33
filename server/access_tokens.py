"""Signed access tokens, by which a product's own services know who asks, without asking Orgraph.

Short-lived JWTs (RFC 9068) signed with Ed25519. The keys live in the database, so that every process signs by
the same one; their public parts are at /.well-known/jwks.json.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from server.access import SYSTEM, load, require_member
from server.audit import INSTALLATION, Change, Changes, change, difference, timestamp
from server.authentication import refresh
from server.errors import not_found
from server.models import ApiKey, Organization, SigningKey, User, Workspace
from server.rows import Row, type_id
from server.settings import settings
from server.text import clean_name

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
AUDIENCE_LENGTH = 255

KEY_LIFE = timedelta(days=30)
"""For how long a key signs before it is given a successor."""

NOTICE = timedelta(hours=1)
"""For how long a successor is known before it signs, and a predecessor after its last token has expired."""

JWKS_SECONDS = 300
"""For how long a verifier may keep the public keys."""


# Keys


def key_id(key: SigningKey) -> str:
    return type_id(SigningKey.prefix, key.id)


async def _keys() -> list[SigningKey]:
    """In the order in which they sign."""
    return await SigningKey.all().order_by("signs_from", "id")


async def signing_key() -> SigningKey:
    """The key that signs now; the first one is made on first need. Not for use within a transaction."""
    now = datetime.now(UTC)
    if keys := await _keys():
        return ([key for key in keys if key.signs_from <= now] or keys[:1])[-1]  # clocks may differ a little
    async with change(SYSTEM) as unit:
        await unit.installation()  # whoever needs it at the same moment waits here
        if await SigningKey.exists():
            unit.unchanged()
        else:
            return await _create(unit, now, difference())
    return await signing_key()


async def _create(unit: Change, signs_from: datetime, changes: Changes) -> SigningKey:
    from joserfc.jwk import OKPKey  # which takes long

    jwk = OKPKey.generate_key("Ed25519").as_dict(private=True)
    key = await SigningKey.create(
        private_key={name: jwk[name] for name in ("kty", "crv", "x", "d")}, signs_from=signs_from
    )
    changes = [*changes, *difference(signsFrom=(None, timestamp(signs_from)))]
    unit.record("signing_key.rotated", key, label=key_id(key), changes=changes, chain_id=INSTALLATION)
    return key


async def rotate(revoke: bool = False) -> SigningKey:
    """A new key, which signs at once. `revoke`: what the others have signed is not valid any more."""
    async with change(SYSTEM) as unit:
        await unit.installation()
        now = datetime.now(UTC)
        gone = [key for key in await _keys() if revoke or key.signs_from > now]  # a successor is not needed now
        await SigningKey.filter(id__in=[key.id for key in gone]).delete()
        revoked = [key_id(key) for key in gone] if revoke else []
        return await _create(unit, now, difference(revoked=([], revoked)))


async def renew() -> None:
    """Give a key that has signed for long enough a successor, and remove keys whose last token is long expired."""
    now = datetime.now(UTC)
    keys = await _keys()
    outlived = now - settings.access_token_ttl - NOTICE
    gone = [key.id for key, successor in pairwise(keys) if successor.signs_from < outlived]
    await SigningKey.filter(id__in=gone).delete()
    if not keys or keys[-1].signs_from > now - KEY_LIFE:
        return
    async with change(SYSTEM) as unit:
        await unit.installation()
        if await SigningKey.filter(signs_from__gt=now - KEY_LIFE).exists():
            unit.unchanged()  # another server was faster
        else:
            await _create(unit, now + NOTICE, difference())


async def jwks() -> dict[str, list[dict[str, str]]]:
    """The public parts (RFC 7517) of all keys that sign, will sign, or have signed tokens that are still valid."""
    await signing_key()
    return {"keys": [_public(key) for key in await _keys()]}


def _public(key: SigningKey) -> dict[str, str]:
    """Named one by one, so that nothing private ever slips in."""
    jwk = key.private_key
    parts = {"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"]}
    return parts | {"kid": key_id(key), "use": "sig", "alg": ALGORITHM}


# Tokens


@dataclass(frozen=True)
class AccessToken:
    token: str
    expires_at: datetime


async def issue(
    change: Change, organization_id: UUID | None, workspace_id: UUID | None, audience: str | None
) -> AccessToken:
    """A token that says who the actor is and what it may do in a place, as of this moment.

    Raises NOT_FOUND, MFA_REQUIRED, REQUIRED, TOO_LONG, INVALID.
    """
    change.actor.identified()
    aud = settings.url if audience is None else clean_name(audience, "audience", "The audience", AUDIENCE_LENGTH)
    key = await signing_key()
    principal = await _principal(change)
    organization_id, workspace_id = await _place(change, organization_id, workspace_id)
    membership = require_member(change.actor, organization_id, "organizationId")
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + settings.access_token_ttl
    claims: dict[str, Any] = {
        "iss": settings.url,
        "sub": type_id(principal.prefix, principal.id),
        "aud": aud,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": secrets.token_urlsafe(16),
        "org": type_id(Organization.prefix, organization_id),
        "roles": sorted({held.role_key for held in membership.at(workspace_id)}),
        "permissions": sorted(membership.permissions(workspace_id)),
    }
    if workspace_id is not None:
        claims["workspace"] = type_id(Workspace.prefix, workspace_id)
    changes = difference(
        organization=(None, claims["org"]),
        workspace=(None, claims.get("workspace")),
        audience=(None, aud),
        expiresAt=(None, timestamp(expires_at)),
    )
    chain_id = principal.id if isinstance(principal, User) else organization_id
    change.record("access_token.issued", principal, workspace_id=workspace_id, changes=changes, chain_id=chain_id)
    return AccessToken(_signed(claims, key), expires_at)


def _signed(claims: dict[str, Any], key: SigningKey) -> str:
    from joserfc import jwt
    from joserfc.jwa import JWSAlgModel
    from joserfc.jwk import OKPKey
    from joserfc.jws import JWSRegistry

    class Registry(JWSRegistry):
        """Signs by "EdDSA" without the warning that RFC 9864 calls it "Ed25519", which few verifiers know yet."""

        def get_alg(self, name: str) -> JWSAlgModel:
            return self.algorithms[name]

    header = {"alg": ALGORITHM, "kid": key_id(key), "typ": TYPE}
    return jwt.encode(header, claims, OKPKey.import_key(dict(key.private_key)), registry=Registry())


async def _principal(change: Change) -> Row:
    """The user or API key that acts, with its chain locked and its access read anew."""
    actor = change.actor
    if actor.api_key_id is not None:
        assert actor.organization_id is not None
        await change.enter(actor.organization_id)
        return await load(change.actor, ApiKey, actor.api_key_id)
    user = await User.get(id=actor.signed_in())
    await change.account(user)
    change.actor = await refresh(actor)
    return user


async def _place(change: Change, organization_id: UUID | None, workspace_id: UUID | None) -> tuple[UUID, UUID | None]:
    """The organization and workspace that are named, else the active ones. A workspace names its organization."""
    actor = change.actor
    if workspace_id is not None:
        workspace = await load(actor, Workspace, workspace_id, field="workspaceId")
        if organization_id not in (None, workspace.organization_id):
            raise not_found(Workspace.noun, "workspaceId")
        return workspace.organization_id, workspace_id
    organization_id = actor.in_organization(organization_id)
    return organization_id, actor.workspace_id if organization_id == actor.organization_id else None
