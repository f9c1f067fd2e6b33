"""`viewerCan`: what a frontend draws its buttons by.

Each answer comes from the rules that the mutation itself obeys, given what they would have read.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

import strawberry

from server import api_keys, invitations, members, models, roles, workspaces
from server.access import Actor, require, require_member
from server.ceiling import last_owner, require_manages_roles
from server.errors import Problem, ProblemCode, Unauthenticated, not_found
from server.rows import Row

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


def _dispensable(member_id: UUID | None, owners: set[UUID]) -> Rule:
    def rule() -> None:
        if owners == {member_id}:
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


def on_organization(actor: Actor, row: models.Organization, owners: set[UUID]) -> OrganizationAbilities:
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


def on_member(actor: Actor, row: models.Member, roles: Sequence[models.Role], owners: set[UUID]) -> MemberAbilities:
    """`roles`: those that the member has, wherever; `owners`: the members who own the organization."""
    inside, dispensable = _inside(actor, row.organization_id), _dispensable(row.id, owners)

    def takes(permission: str, *further: Rule) -> Ability:
        return ability(inside, _takes(actor, row, permission), *further)

    def managed() -> None:
        require_manages_roles(actor, row.organization_id, roles)

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


def on_role(actor: Actor, row: models.Role, roles_of_its_holders: Sequence[models.Role]) -> RoleAbilities:
    editable = ability(actor.identified, lambda: roles.require_editable(actor, row, roles_of_its_holders))
    return RoleAbilities(update_role=editable, delete_role=editable)


@strawberry.type(description="What the viewer can do with an invitation.")
class InvitationAbilities:
    resend_invitation: Ability = strawberry.field(description="Send it again; takes a free seat if it has expired.")
    revoke_invitation: Ability = strawberry.field(description="Withdraw it.")


def on_invitation(
    actor: Actor, row: models.Invitation, role: models.Role | None, places: Sequence[UUID | None]
) -> InvitationAbilities:
    """`places`: the workspaces that it is limited to; None stands for the whole organization."""
    pending = ability(
        _inside(actor, row.organization_id), lambda: invitations.require_still_pending(actor, row, role, places)
    )
    return InvitationAbilities(resend_invitation=pending, revoke_invitation=pending)


@strawberry.type(description="What the viewer can do with an API key.")
class ApiKeyAbilities:
    rotate_api_key: Ability = strawberry.field(description="Give it a new secret.")
    revoke_api_key: Ability = strawberry.field(description="Revoke it.")


def on_api_key(actor: Actor, row: models.ApiKey, role: models.Role | None) -> ApiKeyAbilities:
    """`role`: its own; None when the key has gone meanwhile, and the role after it."""

    def rule() -> None:
        if role is None:
            raise not_found(models.ApiKey.noun)
        api_keys.require_manageable(actor, row, role)

    manageable = ability(actor.identified, rule)
    return ApiKeyAbilities(rotate_api_key=manageable, revoke_api_key=manageable)
