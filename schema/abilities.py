"""`viewerCan`: what a frontend draws its buttons by.

Each answer comes from the rules that the mutation itself obeys, given what they would have read.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import strawberry

from schema.declare import Expression
from server import api_keys, invitations, members, models, roles, workspaces
from server.access import Actor, require, require_member
from server.catalogue import catalogue
from server.ceiling import last_owner, require_manages_roles
from server.errors import Problem, ProblemCode, Unauthenticated, not_found
from server.rows import Row
from server.visibility import in_force

Rule = Callable[[], object]
"""Raises Problem where something is refused."""


@strawberry.type(description="Whether the viewer can do something here.")
class Ability:
    allowed: bool = strawberry.field(description="Whether it would work, unless the input is at fault.")
    reason: ProblemCode | None = strawberry.field(
        default=None, description="The code with which it would be refused; null where it is allowed."
    )
    permission: str | None = strawberry.field(
        default=None, description="The permission that is lacking, where the reason is FORBIDDEN."
    )


def ability(*rules: Rule) -> Ability:
    """Allowed unless one of the rules refuses."""
    try:
        for rule in rules:
            rule()
    except Unauthenticated:
        return Ability(allowed=False, reason=ProblemCode.FORBIDDEN)
    except Problem as problem:
        permission = problem.details.get("permission") if problem.code is ProblemCode.FORBIDDEN else None
        return Ability(allowed=False, reason=problem.code, permission=str(permission) if permission else None)
    return Ability(allowed=True)


def _inside(actor: Actor, organization_id: UUID) -> Rule:
    def rule() -> None:
        actor.identified()
        require_member(actor, organization_id)

    return rule


def _takes(actor: Actor, row: Row, permission: str) -> Rule:
    return lambda: require(actor, row, permission)


def _dispensable(member_id: UUID | None, owners: Sequence[tuple[UUID]] | None) -> Rule:
    def rule() -> None:
        if {owner for (owner,) in owners or ()} == {member_id}:
            raise last_owner()

    return rule


@strawberry.type(description="What the viewer can do in an organization.")
class OrganizationAbilities:
    update_organization: Ability = strawberry.field(description="Change its name, slug, description and logo.")
    update_organization_settings: Ability = strawberry.field(description="Change its settings.")
    delete_organization: Ability = strawberry.field(description="Delete it.")
    transfer_ownership: Ability = strawberry.field(description="Make another member owner in one's own place.")
    leave_organization: Ability = strawberry.field(description="Give up one's own membership.")
    invite_members: Ability = strawberry.field(description="Invite people, organization-wide.")
    create_workspace: Ability = strawberry.field(description="Create workspaces.")
    create_role: Ability = strawberry.field(description="Create custom roles.")
    create_api_key: Ability = strawberry.field(description="Create organization-wide API keys.")
    set_availability: Ability = strawberry.field(description="Say whether one can be turned to.")


def _owners(organization_id: str) -> Expression:
    """The members who own an organization."""
    return Expression(
        f"""ARRAY (SELECT ROW (g.member_id)
        FROM "grant" g JOIN role r ON r.id = g.role_id JOIN member m ON m.id = g.member_id
        WHERE g.organization_id = {organization_id} AND r.key = '{catalogue.creator}' AND r.organization_id IS NULL
        AND g.workspace_id IS NULL AND g.expires_at IS NULL AND m.status = 'active')"""  # noqa: S608
    )


OWNERS = _owners("x.id")
OWNERS_OF_ITS_ORGANIZATION = _owners("x.organization_id")

_ROLE_COLUMNS = tuple(models.Role._meta.fields_db_projection.values())


def _roles(tables: str) -> Expression:
    """Roles `r`."""
    return Expression(f"ARRAY (SELECT DISTINCT ROW ({', '.join(f'r.{name}' for name in _ROLE_COLUMNS)}) FROM {tables})")  # noqa: S608


ROLES_OF_MEMBER = _roles(f'"grant" g JOIN role r ON r.id = g.role_id WHERE g.member_id = x.id AND {in_force("g")}')
ITS_ROLE = _roles("role r WHERE r.id = x.role_id")
ROLES_OF_ITS_HOLDERS = _roles(
    f"""role r JOIN "grant" other ON other.role_id = r.id AND other.role_id <> x.id AND {in_force("other")}
    JOIN "grant" one ON one.member_id = other.member_id AND one.role_id = x.id AND {in_force("one")}
    WHERE one.organization_id = x.organization_id"""
)
INVITED_TO = Expression(
    """ARRAY (SELECT ROW (i.workspace_id) FROM invitation_workspace i JOIN workspace w ON w.id = i.workspace_id
    WHERE i.invitation_id = x.id AND w.deleted_at IS NULL)"""
)


def _read_roles(records: Sequence[Sequence[Any]] | None) -> list[models.Role]:
    """None for what has gone meanwhile."""
    return [models.Role._init_from_db(**dict(zip(_ROLE_COLUMNS, record, strict=True))) for record in records or ()]


def on_organization(
    actor: Actor, row: models.Organization, owners: Sequence[tuple[UUID]] | None
) -> OrganizationAbilities:
    """`owners`: its members who own it."""
    inside = _inside(actor, row.id)

    def takes(permission: str, *further: Rule) -> Ability:
        return ability(inside, _takes(actor, row, permission), *further)

    def dispensable() -> None:
        _dispensable(actor.memberships[row.id].member_id, owners)()

    return OrganizationAbilities(
        update_organization=takes("organization:update"),
        update_organization_settings=takes("settings:update"),
        delete_organization=takes("organization:delete"),
        transfer_ownership=ability(
            actor.signed_in,
            inside,
            _takes(actor, row, "organization:transfer"),
            lambda: members.require_may_make_owner(actor, row.id),
        ),
        leave_organization=ability(actor.signed_in, inside, dispensable),
        invite_members=takes("members:invite", lambda: invitations.require_verified(actor)),
        create_workspace=takes("workspaces:create"),
        create_role=takes("roles:manage"),
        create_api_key=takes("api_keys:manage"),
        set_availability=ability(actor.signed_in, inside, _takes(actor, row, "availability:set")),
    )


@strawberry.type(description="What the viewer can do in a workspace.")
class WorkspaceAbilities:
    update_workspace: Ability = strawberry.field(description="Change it.")
    update_workspace_settings: Ability = strawberry.field(description="Change its settings.")
    delete_workspace: Ability = strawberry.field(description="Delete it.")
    leave_workspace: Ability = strawberry.field(description="Give up one's own roles in it.")
    invite_members: Ability = strawberry.field(description="Invite people to it.")
    grant_role: Ability = strawberry.field(description="Give members roles in it.")
    create_api_key: Ability = strawberry.field(description="Create API keys of it.")


def on_workspace(actor: Actor, row: models.Workspace) -> WorkspaceAbilities:
    def inside() -> None:
        _inside(actor, row.organization_id)()
        if row.deleted_at is not None or not actor.enters(row.organization_id, row.id):
            raise not_found(models.Workspace.noun)

    def takes(permission: str, *further: Rule) -> Ability:
        return ability(inside, _takes(actor, row, permission), *further)

    return WorkspaceAbilities(
        update_workspace=takes("workspaces:update"),
        update_workspace_settings=takes("settings:update"),
        delete_workspace=takes("workspaces:delete"),
        leave_workspace=ability(
            actor.signed_in, inside, lambda: workspaces.require_own_grant(row.id in actor.workspaces_entered)
        ),
        invite_members=takes("members:invite", lambda: invitations.require_verified(actor)),
        grant_role=takes("members:grant"),
        create_api_key=takes("api_keys:manage"),
    )


@strawberry.type(description="What the viewer can do with a member.")
class MemberAbilities:
    remove_member: Ability = strawberry.field(description="Remove them.")
    suspend_member: Ability = strawberry.field(description="Suspend them.")
    reactivate_member: Ability = strawberry.field(description="Reactivate them, if a seat is free.")
    grant_role: Ability = strawberry.field(description="Give them a role.")
    set_member_role: Ability = strawberry.field(description="Make another role their only organization-wide one.")
    transfer_ownership: Ability = strawberry.field(description="Make them owner in one's own place.")


def on_member(
    actor: Actor, row: models.Member, roles: Sequence[Any] | None, owners: Sequence[tuple[UUID]] | None
) -> MemberAbilities:
    """`roles`: ROLES_OF_MEMBER; `owners`: the members who own the organization."""
    inside, dispensable = _inside(actor, row.organization_id), _dispensable(row.id, owners)

    def takes(permission: str, *further: Rule) -> Ability:
        return ability(inside, _takes(actor, row, permission), *further)

    def managed() -> None:
        require_manages_roles(actor, row.organization_id, _read_roles(roles))

    def active() -> None:
        members.require_status(row, models.MemberStatus.ACTIVE)

    def suspended() -> None:
        members.require_status(row, models.MemberStatus.SUSPENDED)

    return MemberAbilities(
        remove_member=takes("members:remove", managed, dispensable),
        suspend_member=takes("members:suspend", managed, active, dispensable),
        reactivate_member=takes("members:suspend", managed, suspended),
        grant_role=takes("members:grant", managed),
        set_member_role=takes("members:grant", managed, dispensable),
        transfer_ownership=ability(
            actor.signed_in,
            inside,
            _takes(actor, row, "organization:transfer"),
            lambda: members.require_heir(actor, row),
            managed,
            lambda: members.require_may_make_owner(actor, row.organization_id),
        ),
    )


@strawberry.type(description="What the viewer can do with a role.")
class RoleAbilities:
    update_role: Ability = strawberry.field(description="Change it.")
    delete_role: Ability = strawberry.field(description="Delete it, with one to take its place where it is in use.")


def on_role(actor: Actor, row: models.Role, roles_of_its_holders: Sequence[Any] | None) -> RoleAbilities:
    others = _read_roles(roles_of_its_holders)
    editable = ability(actor.identified, lambda: roles.require_editable(actor, row, others))
    return RoleAbilities(update_role=editable, delete_role=editable)


@strawberry.type(description="What the viewer can do with an invitation.")
class InvitationAbilities:
    resend_invitation: Ability = strawberry.field(description="Send it again; takes a free seat if it has expired.")
    revoke_invitation: Ability = strawberry.field(description="Withdraw it.")


def on_invitation(
    actor: Actor, row: models.Invitation, role: Sequence[Any] | None, workspaces: Sequence[tuple[UUID]] | None
) -> InvitationAbilities:
    """`role`: ITS_ROLE; `workspaces`: INVITED_TO."""
    places: Sequence[UUID | None] = [None] if row.organization_wide else [id for (id,) in workspaces or ()]
    offered = next(iter(_read_roles(role)), None)
    pending = ability(
        _inside(actor, row.organization_id), lambda: invitations.require_still_pending(actor, row, offered, places)
    )
    return InvitationAbilities(resend_invitation=pending, revoke_invitation=pending)


@strawberry.type(description="What the viewer can do with an API key.")
class ApiKeyAbilities:
    rotate_api_key: Ability = strawberry.field(description="Give it a new secret.")
    revoke_api_key: Ability = strawberry.field(description="Revoke it.")


def on_api_key(actor: Actor, row: models.ApiKey, role: Sequence[Any] | None) -> ApiKeyAbilities:
    """`role`: ITS_ROLE; nothing when the key has gone meanwhile."""
    own = next(iter(_read_roles(role)), None)

    def rule() -> None:
        if own is None:
            raise not_found(models.ApiKey.noun)
        api_keys.require_manageable(actor, row, own)

    manageable = ability(actor.identified, rule)
    return ApiKeyAbilities(rotate_api_key=manageable, revoke_api_key=manageable)
