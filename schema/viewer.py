"""The viewer: who asks, where they are, and what they can do."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.context import Info
from schema.door import Payload
from schema.pagination import (
    ROW_ID,
    After,
    Before,
    Condition,
    Connection,
    First,
    Last,
    Source,
    connect,
    time_key,
)
from schema.permissions import signed_in
from schema.scalars import parse_id
from schema.users import Session, User
from server import invitations, models
from server.access import load, visible
from server.errors import Problem

if TYPE_CHECKING:
    from schema.api_keys import ApiKey
    from schema.invitations import Invitation
    from schema.members import Member
    from schema.organizations import Organization
    from schema.workspaces import Workspace

MEMBERSHIPS = Source(
    name="memberships",
    model=models.Member,
    tables="member x JOIN organization o ON o.id = x.organization_id AND o.deleted_at IS NULL",
    of_parent="x.user_id = p.id AND x.status = 'active'",
    orders={"JOINED_AT": (time_key("x.created_at"), ROW_ID)},
)


@strawberry.type(description="Who asks, and what they can do.")
class Viewer:
    @strawberry.field(description="The signed-in person; null for an API key.")
    async def user(self, info: Info) -> User | None:
        user_id = info.context.actor.user_id
        row = await info.context.loaders.by_id(models.User).load(user_id) if user_id else None
        return User(row=row) if row else None

    @strawberry.field(description="The API key that asks; null for a person.")
    async def api_key(self, info: Info) -> Annotated["ApiKey", strawberry.lazy("schema.api_keys")] | None:
        from schema.api_keys import ApiKey

        id = info.context.actor.api_key_id
        row = await info.context.loaders.by_id(models.ApiKey).load(id) if id else None
        return ApiKey(row=row) if row else None

    @strawberry.field(description="The session that asks.")
    async def session(self, info: Info) -> Session | None:
        session_id = info.context.actor.session_id
        row = await info.context.loaders.by_id(models.Session).load(session_id) if session_id else None
        return Session(row=row) if row else None

    @strawberry.field(description="All sessions of the person, the newest first.")
    async def sessions(self, info: Info) -> list[Session]:
        return [Session(row=row) for row in await visible(info.context.actor, models.Session).order_by("-id")]

    @strawberry.field(description="The active organization: the request header's, else the session's.")
    async def organization(
        self, info: Info
    ) -> Annotated["Organization", strawberry.lazy("schema.organizations")] | None:
        from schema.organizations import Organization

        id = info.context.actor.organization_id
        row = await info.context.loaders.by_id(models.Organization).load(id) if id else None
        return Organization(row=row) if row else None

    @strawberry.field(description="The active workspace: the request header's, else the session's.")
    async def workspace(self, info: Info) -> Annotated["Workspace", strawberry.lazy("schema.workspaces")] | None:
        from schema.workspaces import Workspace

        id = info.context.actor.workspace_id
        row = await info.context.loaders.by_id(models.Workspace).load(id) if id else None
        return Workspace(row=row) if row else None

    @strawberry.field(
        description="What the person belongs to and can enter, in the order of joining; null for an API key."
    )
    async def memberships(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated["Member", strawberry.lazy("schema.members")]] | None:
        from schema.members import Member

        actor = info.context.actor
        user_id, closed = actor.user_id, (*actor.locked, *actor.timed_out)
        if user_id is None:
            return None
        return await connect(
            info,
            MEMBERSHIPS,
            user_id,
            lambda row: Member(row=row),
            first=first,
            after=after,
            last=last,
            before=before,
            order="JOINED_AT",
            where=[Condition("x.organization_id <> ALL ({}::uuid[])", (closed,))] if closed else [],
        )

    @strawberry.field(description="Effective permissions in the active organization and workspace, sorted.")
    def permissions(self, info: Info) -> list[str]:
        actor = info.context.actor
        membership = actor.memberships.get(actor.organization_id) if actor.organization_id else None
        return sorted(membership.permissions(actor.workspace_id)) if membership else []

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

    @strawberry.field(description="Invitations that wait for the person's (verified) address, the newest first.")
    async def invitations(self, info: Info) -> list[Annotated["Invitation", strawberry.lazy("schema.invitations")]]:
        from schema.invitations import Invitation

        actor = info.context.actor
        if not actor.email_verified or not actor.email:
            return []
        return [Invitation(row=row) for row in await invitations.pending_for(actor.email)]

    @strawberry.field(description="Deleted organizations that the viewer can still restore.")
    async def restorable_organizations(
        self, info: Info
    ) -> list[Annotated["Organization", strawberry.lazy("schema.organizations")]]:
        from schema.organizations import Organization

        restorable = [
            id
            for id, membership in info.context.actor.restorable.items()
            if "organization:delete" in membership.permissions()
        ]
        rows = await models.Organization.filter(id__in=restorable).order_by("id")
        return [Organization(row=row) for row in rows]

    @strawberry.field(
        description="Organizations that the viewer cannot enter before turning two-factor authentication on.",
    )
    async def organizations_requiring_mfa(
        self, info: Info
    ) -> list[Annotated["Organization", strawberry.lazy("schema.organizations")]]:
        from schema.organizations import Organization

        locked = info.context.actor.locked
        rows = await models.Organization.filter(id__in=list(locked)).order_by("id") if locked else []
        return [Organization(row=row) for row in rows]


@strawberry.type
class ViewerQuery:
    @strawberry.field(
        description="Who asks. Null, with UNAUTHENTICATED, when nobody is signed in.", extensions=[signed_in()]
    )
    def viewer(self) -> Viewer | None:
        return Viewer()


@strawberry.interface(description="What a mutation answers that changes who or where the viewer is.")
class ViewerPayload(Payload):
    @strawberry.field(description="The viewer as it now is; null when nobody is signed in.")
    def viewer(self, info: Info) -> Viewer | None:
        return Viewer() if info.context.actor.known else None
