"""Workspaces: created, changed, entered, left, deleted and restored."""

from datetime import UTC, datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server import grants
from server.access import SYSTEM, Membership, in_force
from server.audit import Change, change, difference
from server.catalogue import catalogue
from server.ceiling import grants_of, is_over, membership_by
from server.database import violated
from server.errors import Problem, ProblemCode, not_found
from server.models import Grant, Member, Session, User, Workspace
from server.organizations import confirm, free_slug, slug_taken
from server.reading import attach
from server.text import ENVIRONMENT_LENGTH, clean_name


def clean_environment(value: str | None) -> str | None:
    if value is None or not value.strip():
        return None
    return clean_name(value, "environment", "The environment", ENVIRONMENT_LENGTH)


async def enter(change: Change, workspace_id: UUID) -> None:
    """Make a workspace, and with it its organization, the session's active one."""
    await Session.filter(id=change.actor.session_id).update(
        organization_id=change.organization_id, workspace_id=workspace_id
    )


async def create(
    change: Change,
    organization_id: UUID | None,
    name: str,
    slug: str | None,
    environment: str | None,
    switch: bool,
) -> Workspace:
    """Whoever creates a workspace can enter it, with the roles that they hold organization-wide."""
    organization = await change.enter(
        change.actor.in_organization(organization_id), "workspaces:create", "organizationId"
    )
    name = clean_name(name, "name", "The workspace's name")
    workspace = await Workspace.create(
        organization_id=organization.id,
        name=name,
        slug=await free_slug("workspace", organization.id, name, slug),
        environment=clean_environment(environment),
    )
    change.record(
        "workspace.created",
        workspace,
        workspace_id=workspace.id,
        changes=difference(name=(None, name), slug=(None, workspace.slug)),
    )
    membership = change.actor.memberships[organization.id]
    if not membership.enters(workspace.id) and membership.member_id is not None:
        await _grant_own_roles(change, membership, workspace)
    if switch:
        await enter(change, workspace.id)
    return workspace


async def _grant_own_roles(change: Change, membership: Membership, workspace: Workspace) -> None:
    member = await Member.get(id=membership.member_id).select_related("user")
    for held in await Grant.filter(in_force(), member_id=member.id, workspace_id=None).select_related("role"):
        given = await Grant.create(
            organization_id=workspace.organization_id,
            member=member,
            role=held.role,
            workspace=workspace,
            expires_at=held.expires_at,
            granted_by_id=change.actor.answerable_id,
        )
        grants.record_created(change, given)
    change.record("member.workspace_entered", member, workspace_id=workspace.id)


async def update(
    change: Change, workspace_id: UUID, name: str | None, slug: str | None, environment: str | None
) -> Workspace:
    """Change what is given; `None` leaves as it is, a blank environment clears it."""
    workspace = await change.load(Workspace, workspace_id, "workspaces:update", "workspaceId")
    before = (workspace.name, workspace.slug, workspace.environment)
    if name is not None:
        workspace.name = clean_name(name, "name", "The workspace's name")
    if environment is not None:
        workspace.environment = clean_environment(environment)
    if slug is not None and slug != workspace.slug:
        workspace.slug = await free_slug("workspace", workspace.organization_id, workspace.name, slug)
    after = (workspace.name, workspace.slug, workspace.environment)
    changes = difference(**dict(zip(("name", "slug", "environment"), zip(before, after, strict=True), strict=True)))
    if not changes:
        change.unchanged()
        return workspace
    try:
        await workspace.save()
    except IntegrityError as error:
        if violated(error) == "workspace_slug":
            raise slug_taken(workspace.slug) from error
        raise
    change.record("workspace.updated", workspace, workspace_id=workspace.id, changes=changes)
    return workspace


async def switch(change: Change, workspace_id: UUID | None) -> None:
    """Make a workspace the session's active one, or none of them."""
    user = await User.get(id=change.actor.signed_in())
    workspace = await change.load(Workspace, workspace_id, field="workspaceId") if workspace_id else None
    await change.account(user)
    if workspace is not None:
        await enter(change, workspace.id)
    else:
        await Session.filter(id=change.actor.session_id).update(workspace_id=None)
    change.record(
        "session.switched",
        user,
        chain_id=user.id,
        changes=difference(workspace=("", workspace.name if workspace else None)),
    )


async def leave(change: Change, workspace_id: UUID) -> Workspace:
    """Give up one's own grants in a workspace."""
    change.actor.signed_in()
    workspace = await change.load(Workspace, workspace_id, field="workspaceId")
    membership = change.actor.memberships[workspace.organization_id]
    member = await Member.get(id=membership.member_id).select_related("user")
    own = await grants_of(member)
    held = [grant for grant in own if grant.workspace_id == workspace.id and not is_over(grant)]
    require_own_grant(bool(held))
    for grant in held:
        attach(grant, "member", member)
        change.writes.delete(grant)
        grants.record_revoked(change, grant)
    left = [grant for grant in own if grant not in held]
    await grants.record_entries(change, member, membership_by(member, own), membership_by(member, left))
    return workspace


def require_own_grant(has_one: bool) -> None:
    """Raises ALREADY_DONE."""
    if not has_one:
        raise Problem(
            ProblemCode.ALREADY_DONE,
            "You have no role of your own in this workspace: your organization-wide role opens it.",
            "workspaceId",
        )


async def delete(change: Change, workspace_id: UUID, confirm_name: str) -> Workspace:
    """Gone for everybody at once; can be restored until `purge_at`, unless there is no restore window."""
    workspace = await change.load(Workspace, workspace_id, "workspaces:delete", "workspaceId")
    confirm(workspace.name, confirm_name, Workspace.noun)
    workspace.deleted_at = datetime.now(UTC)
    workspace.purge_at = workspace.deleted_at + catalogue.restore_window
    if catalogue.restore_window:
        await workspace.save()
    else:
        await workspace.delete()
    change.record("workspace.deleted", workspace, workspace_id=workspace.id)
    return workspace


async def restore(change: Change, workspace_id: UUID) -> Workspace:
    """Bring a deleted workspace back within its restore window, for whoever could enter it."""
    change.actor.identified()
    workspace = await Workspace.get_or_none(id=workspace_id, deleted_at__isnull=False)
    memberships = {**change.actor.memberships, **change.actor.locked}
    membership = memberships.get(workspace.organization_id) if workspace is not None else None
    if workspace is None or membership is None or not membership.enters(workspace.id):
        raise not_found(Workspace.noun, "workspaceId")
    await change.enter(workspace.organization_id, "workspaces:delete", "workspaceId")
    if not await Workspace.filter(id=workspace_id, deleted_at__isnull=False).update(deleted_at=None, purge_at=None):
        raise not_found(Workspace.noun, "workspaceId")
    workspace.deleted_at = workspace.purge_at = None
    change.record("workspace.restored", workspace, workspace_id=workspace.id)
    return workspace


async def purge() -> None:
    """Remove for good what was deleted and whose restore window is over."""
    over = Workspace.filter(purge_at__lte=datetime.now(UTC), organization__deleted_at__isnull=True)
    for workspace in await over:
        async with change(SYSTEM) as unit:
            await unit.lock_organization(workspace.organization_id)
            if await Workspace.filter(id=workspace.id, purge_at__lte=datetime.now(UTC)).delete():
                unit.record("workspace.purged", workspace, workspace_id=workspace.id)
            else:
                unit.unchanged()
