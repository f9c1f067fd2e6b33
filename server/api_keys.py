"""API keys: principals of an organization or of one workspace, never with more than who answers for them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from server import roles
from server.access import Actor, require, require_member
from server.audit import Change, difference, timestamp
from server.authentication import API_KEY_PREFIX, new_api_key_secret, token_hash
from server.ceiling import above_your_role, covers
from server.errors import Problem, ProblemCode
from server.models import ApiKey, Role, Workspace
from server.text import clean_name

PERMISSION = "api_keys:manage"
SHOWN = len(API_KEY_PREFIX) + 8
"""How much of a secret is shown afterwards."""
OVERLAP = timedelta(hours=1)
LONGEST_OVERLAP = timedelta(days=30)


def _require_covered(actor: Actor, organization_id: UUID, role: Role, workspace_id: UUID | None, field: str) -> None:
    """Whoever mints, rotates or revokes a key holds all that its role gives. Raises ABOVE_YOUR_ROLE."""
    if not covers(actor.memberships[organization_id], role.permissions, workspace_id):
        raise above_your_role(f"The role {role.name} gives more than you have here yourself.", field)


async def create(
    change: Change,
    organization_id: UUID | None,
    workspace_id: UUID | None,
    name: str,
    role_reference: str | UUID,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is nowhere else to be had.

    Raises NOT_FOUND, FORBIDDEN, ABOVE_YOUR_ROLE, INVALID, REQUIRED, TOO_LONG.
    """
    if workspace_id is not None:
        workspace = await change.load(Workspace, workspace_id, field="workspaceId")
        if organization_id is not None and organization_id != workspace.organization_id:
            require_member(change.actor, organization_id, "organizationId")
            raise Problem(ProblemCode.INVALID, "The workspace is not one of this organization.", "workspaceId")
        organization_id = workspace.organization_id
    organization = await change.enter(change.actor.in_organization(organization_id), field="organizationId")
    change.require(PERMISSION, workspace_id, "organizationId" if workspace_id is None else "workspaceId")
    role = await roles.find(organization.id, role_reference)
    _require_covered(change.actor, organization.id, role, workspace_id, "role")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise Problem(ProblemCode.INVALID, "This time is past. Choose a later one.", "expiresAt")
    await _require_outlived(change.actor, expires_at, "expiresAt")
    secret = new_api_key_secret()
    key = await ApiKey.create(
        organization_id=organization.id,
        workspace_id=workspace_id,
        role=role,
        name=clean_name(name),
        secret_prefix=secret[:SHOWN],
        secret_hash=token_hash(secret),
        created_by_id=change.actor.answerable_id,
        expires_at=expires_at,
    )
    changes = difference(
        name=(None, key.name),
        role=(None, role.key),
        expiresAt=(None, timestamp(expires_at) if expires_at else None),
    )
    change.record("api_key.created", key, workspace_id=workspace_id, changes=changes)
    return key, secret


async def _require_outlived(actor: Actor, expires_at: datetime | None, field: str) -> None:
    """A key that ends makes none that lasts longer. Raises ABOVE_YOUR_ROLE."""
    acting = await ApiKey.get_or_none(id=actor.api_key_id)
    if acting is not None and acting.expires_at is not None and (expires_at is None or expires_at > acting.expires_at):
        raise above_your_role("This API key ends itself: it can make no key that lasts longer.", field)


async def _manageable(change: Change, api_key_id: UUID) -> ApiKey:
    key = await change.load(ApiKey, api_key_id, field="apiKeyId")
    require_manageable(change.actor, key, key.role)
    return key


def require_manageable(actor: Actor, key: ApiKey, role: Role) -> None:
    """Raises FORBIDDEN, ABOVE_YOUR_ROLE."""
    require(actor, key, PERMISSION, "apiKeyId")
    _require_covered(actor, key.organization_id, role, key.workspace_id, "apiKeyId")


async def rotate(change: Change, api_key_id: UUID, overlap: timedelta) -> tuple[ApiKey, str]:
    """A new secret; the old one works for as long as `overlap`. Whoever rotates a key answers for it from now on.

    Raises NOT_FOUND, FORBIDDEN, ABOVE_YOUR_ROLE, INVALID.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        most = int(LONGEST_OVERLAP.total_seconds()) // 60
        raise Problem(ProblemCode.INVALID, f"The overlap is from 0 to {most} minutes.", "overlapMinutes")
    key = await _manageable(change, api_key_id)
    if key.id != change.actor.api_key_id:
        await _require_outlived(change.actor, key.expires_at, "apiKeyId")
    secret = new_api_key_secret()
    before = key.secret_prefix
    key.previous_hash, key.previous_expires_at = key.secret_hash, datetime.now(UTC) + overlap
    key.secret_hash, key.secret_prefix = token_hash(secret), secret[:SHOWN]
    key.created_by_id = change.actor.answerable_id
    await key.save()
    changes = difference(prefix=(before, key.secret_prefix))
    change.record("api_key.rotated", key, workspace_id=key.workspace_id, changes=changes)
    return key, secret


async def revoke(change: Change, api_key_id: UUID) -> ApiKey:
    """At once. Raises NOT_FOUND, FORBIDDEN, ABOVE_YOUR_ROLE."""
    key = await _manageable(change, api_key_id)
    await key.delete()
    change.record("api_key.revoked", key, workspace_id=key.workspace_id, changes=difference(name=(key.name, None)))
    return key
