"""The viewer: who asks, where they are, and what they can do."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema import sources
from schema.context import Info
from schema.declare import PLAN, OfActor, connection, derived, many, relation
from schema.door import Payload
from schema.pagination import Connection
from schema.permissions import signed_in
from schema.scalars import parse_id
from schema.users import Session, User
from server import models
from server.access import Actor, load
from server.errors import Problem

if TYPE_CHECKING:
    from schema.api_keys import ApiKey
    from schema.invitations import Invitation
    from schema.members import Member
    from schema.organizations import Organization
    from schema.workspaces import Workspace


def _permissions(actor: Actor) -> list[str]:
    membership = actor.memberships.get(actor.organization_id) if actor.organization_id else None
    return sorted(membership.permissions(actor.workspace_id)) if membership else []


@strawberry.type(description="Who asks, and what they can do.")
class Viewer:
    user: User | None = relation("{user_id}", "The signed-in person; null for an API key.", models.User)
    api_key: Annotated["ApiKey", strawberry.lazy("schema.api_keys")] | None = relation(
        "{api_key_id}", "The API key that asks; null for a person.", models.ApiKey
    )
    session: Session | None = relation("{session_id}", "The session that asks.", models.Session)
    sessions: list[Session] = many(sources.SESSIONS, "All sessions of the person, the newest first.", "{user_id}")
    organization: Annotated["Organization", strawberry.lazy("schema.organizations")] | None = relation(
        "{organization_id}", "The active organization: the request header's, else the session's.", models.Organization
    )
    workspace: Annotated["Workspace", strawberry.lazy("schema.workspaces")] | None = relation(
        "{workspace_id}", "The active workspace: the request header's, else the session's.", models.Workspace
    )
    memberships: Connection[Annotated["Member", strawberry.lazy("schema.members")]] | None = connection(
        sources.MEMBERSHIPS,
        "What the person belongs to and can enter, in the order of joining; null for an API key.",
        key="{user_id}",
    )
    permissions: list[str] = derived(
        _permissions, "Effective permissions in the active organization and workspace, sorted."
    )
    invitations: list[Annotated["Invitation", strawberry.lazy("schema.invitations")]] = many(
        sources.INVITATIONS_OF_USER,
        "Invitations that wait for the person's (verified) address, the newest first.",
        "{user_id}",
    )
    restorable_organizations: list[Annotated["Organization", strawberry.lazy("schema.organizations")]] = many(
        sources.RESTORABLE_ORGANIZATIONS, "Deleted organizations that the viewer can still restore.", "{user_id}"
    )
    organizations_requiring_mfa: list[Annotated["Organization", strawberry.lazy("schema.organizations")]] = many(
        sources.LOCKED_ORGANIZATIONS,
        "Organizations that the viewer cannot enter before turning two-factor authentication on.",
        "{user_id}",
    )

    @strawberry.field(description="Whether the viewer has a permission.")
    async def can(
        self,
        info: Info,
        permission: Annotated[str, strawberry.argument(description="Such as `members:invite`.")],
        on: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="An organization or a workspace; by default the active ones."),
        ] = None,
    ) -> bool:
        actor = info.context.actor
        organization_id, workspace_id = actor.organization_id, actor.workspace_id
        if on is not None:
            organization_id, workspace_id = parse_id(models.Organization, on), parse_id(models.Workspace, on)
        if workspace_id is not None and on is not None:
            try:
                organization_id = (await load(actor, models.Workspace, workspace_id)).organization_id
            except Problem:
                return False
        return organization_id is not None and actor.may(permission, organization_id, workspace_id)


@strawberry.type
class ViewerQuery:
    @strawberry.field(
        description="Who asks. Null, with UNAUTHENTICATED, when nobody is signed in.",
        extensions=[signed_in()],
        metadata={PLAN: OfActor()},
    )
    def viewer(self) -> Viewer | None:
        return Viewer()


@strawberry.interface(description="What a mutation answers that changes who or where the viewer is.")
class ViewerPayload(Payload):
    @strawberry.field(description="The viewer as it now is; null when nobody is signed in.", metadata={PLAN: OfActor()})
    def viewer(self, info: Info) -> Viewer | None:
        return Viewer() if info.context.actor.known else None
