"""Roles: how one is named, and the custom ones of an organization: created, changed, deleted."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.access import Actor, in_force
from server.audit import Change, difference
from server.catalogue import catalogue
from server.ceiling import above_your_role, require_conferable, require_manages_roles
from server.database import fetch
from server.errors import Problem, ProblemCode, forbidden, not_found
from server.models import ApiKey, Grant, Invitation, InvitationStatus, Role
from server.text import clean_name, clean_paragraph, normalize_name, slug_from

KEY_LENGTH = 63
PERMISSION = "roles:manage"


def available(organization_id: UUID) -> QuerySet[Role]:
    """The built-in roles and the organization's own."""
    return Role.filter(Q(organization_id=organization_id) | Q(organization_id__isnull=True))


async def find(organization_id: UUID, reference: str | UUID, field: str = "role") -> Role:
    """The role of a key or id, built in or the organization's own. Raises NOT_FOUND."""
    if isinstance(reference, str) and len(reference) > KEY_LENGTH:
        raise not_found(Role.noun, field)
    roles = available(organization_id)
    found = await (roles.filter(id=reference) if isinstance(reference, UUID) else roles.filter(key=reference))
    if not found:
        raise not_found(Role.noun, field)
    return min(found, key=is_custom)


def is_custom(role: Role) -> bool:
    """Where both have a key, since the catalogue has grown, the built-in role comes first."""
    return role.organization_id is not None


async def creator_role() -> Role:
    return await Role.get(key=catalogue.creator, organization_id=None)


async def _clean_name(organization_id: UUID, name: str, role_id: UUID | None = None) -> str:
    """Raises TAKEN for a name that people could not tell from another role's."""
    name = clean_name(name, what="The role's name")
    same = available(organization_id).filter(normalized_name=normalize_name(name)).exclude(id=role_id)
    if await same.exists():
        raise Problem(ProblemCode.TAKEN, f"There is a role {name} already. Choose another name.", "name")
    return name


async def _free_key(organization_id: UUID, name: str) -> str:
    wished = slug_from(name)
    alike = available(organization_id).filter(key__startswith=wished)
    taken = {role.key for role in await alike}
    candidates = (wished, *(f"{wished}-{number}" for number in range(2, len(taken) + 3)))
    return next(key for key in candidates if key not in taken)


def _clean_permissions(change: Change, organization_id: UUID, permissions: Iterable[str]) -> list[str]:
    """Raises INVALID for unknown ones, ABOVE_YOUR_ROLE for those that the actor lacks."""
    wanted = sorted(set(permissions))
    if unknown := [key for key in wanted if key not in catalogue.permissions]:
        raise Problem(
            ProblemCode.INVALID,
            f"There is no permission {unknown[0][:100]}. The query catalogue lists them all.",
            "permissions",
            {"permission": unknown[0][:100]},
        )
    held = change.actor.memberships[organization_id].permissions()
    if beyond := [key for key in wanted if key not in held]:
        raise Problem(
            ProblemCode.ABOVE_YOUR_ROLE,
            f"You do not have the permission {beyond[0]} yourself, so no role of yours can give it.",
            "permissions",
            {"permission": beyond[0]},
        )
    return wanted


async def create(
    change: Change, organization_id: UUID | None, name: str, description: str, permissions: Sequence[str]
) -> Role:
    """Raises FORBIDDEN, TAKEN, INVALID, REQUIRED, TOO_LONG, ABOVE_YOUR_ROLE."""
    organization = await change.enter(change.actor.in_organization(organization_id), PERMISSION, "organizationId")
    name = await _clean_name(organization.id, name)
    role = await Role.create(
        organization_id=organization.id,
        key=await _free_key(organization.id, name),
        name=name,
        normalized_name=normalize_name(name),
        description=clean_paragraph(description, "description", "The description"),
        permissions=_clean_permissions(change, organization.id, permissions),
    )
    changes = difference(
        name=(None, role.name), description=("", role.description), permissions=(None, role.permissions)
    )
    change.record("role.created", role, changes=changes)
    return role


async def _editable(change: Change, role_id: UUID) -> Role:
    """A custom role that the actor could confer, and all of whose holders they manage.

    Raises NOT_FOUND, FORBIDDEN, ABOVE_YOUR_ROLE.
    """
    role = await change.load(Role, role_id, field="roleId")
    (others,) = await roles_of_holders([role.id])
    require_editable(change.actor, role, others)
    return role


def require_editable(actor: Actor, role: Role, roles_of_its_holders: Iterable[Role]) -> None:
    """Raises FORBIDDEN, ABOVE_YOUR_ROLE."""
    if role.organization_id is None:
        raise Problem(
            ProblemCode.FORBIDDEN, "This role is built in: it cannot be changed. Create one of your own.", "roleId"
        )
    if not actor.may(PERMISSION, role.organization_id):
        raise forbidden(PERMISSION, "roleId")
    require_conferable(actor, role, role.organization_id, None, "roleId")
    require_manages_roles(actor, role.organization_id, roles_of_its_holders, field="roleId")


async def roles_of_holders(role_ids: list[UUID]) -> list[list[Role]]:
    """For each custom role, all roles of the members who have it, other than the role itself."""
    rows = await fetch(
        """SELECT DISTINCT mine.id AS held_role_id, r.* FROM role mine
        JOIN "grant" one ON one.organization_id = mine.organization_id AND one.role_id = mine.id
            AND (one.expires_at IS NULL OR one.expires_at > clock_timestamp())
        JOIN "grant" other ON other.member_id = one.member_id AND other.role_id <> one.role_id
            AND (other.expires_at IS NULL OR other.expires_at > clock_timestamp())
        JOIN role r ON r.id = other.role_id
        WHERE mine.id = ANY ($1::uuid[])""",
        role_ids,
    )
    return [[Role._init_from_db(**row) for row in rows if row["held_role_id"] == id] for id in role_ids]


async def update(
    change: Change, role_id: UUID, name: str | None, description: str | None, permissions: Sequence[str] | None
) -> Role:
    """Change what is given, for everybody who has the role, at once; nobody widens one that they have.

    Raises NOT_FOUND, FORBIDDEN, TAKEN, INVALID, ABOVE_YOUR_ROLE.
    """
    role = await _editable(change, role_id)
    organization_id = role.organization_id
    assert organization_id is not None
    before = (role.name, role.description, role.permissions)
    if name is not None:
        role.name = await _clean_name(organization_id, name, role.id)
        role.normalized_name = normalize_name(role.name)
    if description is not None:
        role.description = clean_paragraph(description, "description", "The description")
    if permissions is not None:
        role.permissions = _clean_permissions(change, organization_id, permissions)
        own = change.actor.memberships[organization_id]
        if set(role.permissions) - set(before[2]) and own.holds(role.id):
            raise above_your_role("You have this role yourself: somebody else must widen it.", "permissions")
    after = (role.name, role.description, role.permissions)
    names = ("name", "description", "permissions")
    changes = difference(**dict(zip(names, zip(before, after, strict=True), strict=True)))
    if not changes:
        change.unchanged()
        return role
    await role.save()
    change.record("role.updated", role, changes=changes)
    return role


async def delete(change: Change, role_id: UUID, replacement_id: UUID | None) -> Role:
    """Whoever has the role gets the replacement in its place, in the same transaction.

    Raises NOT_FOUND, FORBIDDEN, ABOVE_YOUR_ROLE, INVALID, ROLE_IN_USE.
    """
    role = await _editable(change, role_id)
    organization_id = role.organization_id
    assert organization_id is not None
    if replacement_id is not None:
        replacement = await find(organization_id, replacement_id, "replacementRoleId")
        if replacement.id == role.id:
            raise Problem(ProblemCode.INVALID, "The replacement is the role itself. Name another.", "replacementRoleId")
        require_conferable(change.actor, replacement, organization_id, None, "replacementRoleId")
        own = change.actor.memberships[organization_id]
        if own.holds(role.id) and not set(replacement.permissions) <= set(role.permissions):
            raise above_your_role("You have this role yourself: its replacement can give no more.", "replacementRoleId")
        await replace(change, organization_id, role, replacement)
    elif uses := await _uses(organization_id, role):
        raise Problem(
            ProblemCode.ROLE_IN_USE,
            f"Members, invitations or API keys have the role ({uses} in all). Name one to take its place.",
            "roleId",
            {"uses": uses},
        )
    await Grant.filter(organization_id=organization_id, role_id=role.id).delete()  # those that are over
    for key in await ApiKey.filter(organization_id=organization_id, role_id=role.id):  # likewise
        await key.delete()
        change.record("api_key.revoked", key, workspace_id=key.workspace_id, changes=difference(name=(key.name, None)))
    await Invitation.filter(role_id=role.id, status=InvitationStatus.PENDING).update(status=InvitationStatus.EXPIRED)
    await role.delete()
    change.record(
        "role.deleted", role, changes=difference(name=(role.name, None), permissions=(role.permissions, None))
    )
    return role


async def _uses(organization_id: UUID, role: Role) -> int:
    of_role = {"organization_id": organization_id, "role_id": role.id}
    pending = Invitation.filter(**of_role, status=InvitationStatus.PENDING, expires_at__gt=datetime.now(UTC))
    return (
        await Grant.filter(in_force(), **of_role).count()
        + await pending.count()
        + await ApiKey.filter(in_force(), **of_role).count()
    )


TWINS = """
    former.organization_id = $1 AND former.role_id = $2 AND twin.role_id = $3
    AND twin.member_id = former.member_id AND twin.workspace_id IS NOT DISTINCT FROM former.workspace_id
"""
"""Two grants of a member in one place, which become one."""


async def replace(change: Change, organization_id: UUID, old: Role, new: Role) -> None:
    """Whoever has, is offered or acts by a role of the organization does so by another from now on."""
    held = Grant.filter(organization_id=organization_id, role_id=old.id)
    grants = await held.filter(in_force()).select_related("member__user")
    of_roles = (organization_id, old.id, new.id)
    await fetch(
        f"""UPDATE "grant" twin SET expires_at = former.expires_at FROM "grant" former WHERE {TWINS}
            AND (former.expires_at IS NULL OR former.expires_at > twin.expires_at)""",  # noqa: S608
        *of_roles,
    )
    await fetch(f'DELETE FROM "grant" former USING "grant" twin WHERE {TWINS}', *of_roles)  # noqa: S608
    await held.update(role_id=new.id)
    changes = difference(role=(old.key, new.key))
    for grant in grants:
        change.record("grant.replaced", grant.member, workspace_id=grant.workspace_id, changes=changes)
    pending = Invitation.filter(organization_id=organization_id, role_id=old.id, status=InvitationStatus.PENDING)
    for invitation in await pending:
        change.record("invitation.updated", invitation, changes=changes)
    await pending.update(role_id=new.id)
    keys = ApiKey.filter(organization_id=organization_id, role_id=old.id)
    for key in await keys:
        change.record("api_key.updated", key, workspace_id=key.workspace_id, changes=changes)
    await keys.update(role_id=new.id)
