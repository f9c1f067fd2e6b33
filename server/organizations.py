"""Organizations: founded, changed, entered, deleted and restored."""

from datetime import UTC, datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server import members
from server.access import SYSTEM, require_member
from server.audit import Change, change, difference
from server.authentication import refresh
from server.catalogue import catalogue
from server.ceiling import keep_an_owner
from server.database import fetch, take_turns, violated
from server.errors import Problem, ProblemCode, Unauthenticated, forbidden, mfa_required, not_found
from server.models import Organization, Session, User
from server.roles import creator_role
from server.rows import uuid7
from server.text import clean_name, clean_paragraph, clean_slug, slug_from


def slug_taken(slug: str) -> Problem:
    return Problem(ProblemCode.TAKEN, f"The slug {slug} is taken. Choose another.", "slug")


async def free_slug(table: str, organization_id: UUID | None, name: str, slug: str | None) -> str:
    """The slug wished for, or one made of the name. Raises TAKEN.

    Whoever wants the same one meanwhile waits for this transaction, so that two who found an
    "Acme" at the same moment both succeed.
    """
    wished = clean_slug(slug) if slug is not None else slug_from(name)
    await take_turns(f"{table} {organization_id} {wished}")
    scope = "AND organization_id = $2" if organization_id else ""
    values = [wished, organization_id] if organization_id else [wished]
    if not await fetch(f"SELECT 1 FROM {table} WHERE slug = $1 {scope}", *values):  # noqa: S608
        return wished
    if slug is not None:
        raise slug_taken(slug)
    return f"{wished}-{uuid7().hex[-8:]}"


async def create(change: Change, user: User, name: str, slug: str | None = None, field: str = "name") -> Organization:
    """Found an organization, of which the user becomes the owner."""
    name = clean_name(name, field, "The organization's name")
    await change.begin()
    free = await free_slug("organization", None, name, slug)
    organization = await Organization.create(
        name=name, slug=free, region=catalogue.product.region, plan=catalogue.product.plan
    )
    await change.found(organization)
    await change.account(user)
    if not await User.exists(id=user.id):
        raise Unauthenticated  # deleted meanwhile
    change.record("organization.created", organization, changes=difference(name=(None, name), slug=(None, free)))
    await members.join(change, organization.id, user, await creator_role(), [], granted_by=user.id)
    return organization


async def found(change: Change, name: str, slug: str | None, switch: bool) -> Organization:
    user = await User.get(id=change.actor.signed_in())
    organization = await create(change, user, name, slug)
    if switch:
        await Session.filter(id=change.actor.session_id).update(organization_id=organization.id, workspace_id=None)
    return organization


async def update(
    change: Change,
    organization_id: UUID | None,
    name: str | None,
    slug: str | None,
    description: str | None,
) -> Organization:
    """Change what is given; `None` leaves as it is."""
    organization = await change.enter(
        change.actor.in_organization(organization_id), "organization:update", "organizationId"
    )
    before = (organization.name, organization.slug, organization.description)
    if name is not None:
        organization.name = clean_name(name, "name", "The organization's name")
    if description is not None:
        organization.description = clean_paragraph(description, "description", "The description")
    if slug is not None and slug != organization.slug:
        organization.slug = await free_slug("organization", None, organization.name, slug)
    after = (organization.name, organization.slug, organization.description)
    changes = difference(**dict(zip(("name", "slug", "description"), zip(before, after, strict=True), strict=True)))
    if not changes:
        change.unchanged()
        return organization
    try:
        await organization.save()
    except IntegrityError as error:
        if violated(error) == "organization_slug_key":
            raise slug_taken(organization.slug) from error
        raise
    change.record("organization.updated", organization, changes=changes)
    return organization


async def switch(change: Change, organization_id: UUID) -> None:
    """Make an organization the session's active one."""
    actor = change.actor
    user = await User.get(id=actor.signed_in())
    require_member(actor, organization_id, "organizationId")
    await change.account(user)
    organization = await Organization.get(id=organization_id)
    await Session.filter(id=actor.session_id).update(organization_id=organization_id, workspace_id=None)
    change.record(
        "session.switched", user, chain_id=user.id, changes=difference(organization=(None, organization.name))
    )


def confirm(name: str, typed: str, what: str) -> None:
    """Raises CONFIRMATION_MISMATCH."""
    if typed.strip() != name:
        raise Problem(
            ProblemCode.CONFIRMATION_MISMATCH,
            f"Type the {what}'s name exactly as it is, to confirm that you want to delete it.",
            "confirmName",
        )


async def delete(change: Change, organization_id: UUID | None, confirm_name: str) -> Organization:
    """Gone for everybody at once; can be restored until `purge_at`, unless there is no restore window."""
    organization = await change.enter(
        change.actor.in_organization(organization_id), "organization:delete", "organizationId"
    )
    confirm(organization.name, confirm_name, Organization.noun)
    organization.deleted_at = datetime.now(UTC)
    organization.purge_at = organization.deleted_at + catalogue.restore_window
    if catalogue.restore_window:
        await organization.save()
    else:
        await organization.delete()
    change.record("organization.deleted", organization)
    return organization


async def restore(change: Change, organization_id: UUID) -> Organization:
    """Bring a deleted organization back within its restore window."""
    change.actor.signed_in()
    membership = change.actor.restorable.get(organization_id)
    if membership is None:
        raise not_found(Organization.noun, "organizationId")
    await change.lock_organization(organization_id)
    change.actor = await refresh(change.actor)
    membership = change.actor.restorable.get(organization_id)
    organization = await Organization.get_or_none(id=organization_id)
    if membership is None or organization is None or organization.deleted_at is None:
        raise not_found(Organization.noun, "organizationId")
    if membership.locked:
        raise mfa_required("organizationId")
    if "organization:delete" not in membership.permissions():
        raise forbidden("organization:delete", "organizationId")
    organization.deleted_at = organization.purge_at = None
    await organization.save()
    await keep_an_owner(organization.id)
    change.record("organization.restored", organization)
    return organization


async def purge() -> None:
    """Remove for good what was deleted and whose restore window is over; its audit log stays."""
    for organization in await Organization.filter(purge_at__lte=datetime.now(UTC)):
        async with change(SYSTEM) as unit:
            await unit.lock_organization(organization.id)
            if await Organization.filter(id=organization.id, purge_at__lte=datetime.now(UTC)).delete():
                unit.record("organization.purged", organization)
            else:
                unit.unchanged()
