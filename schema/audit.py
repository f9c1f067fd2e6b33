"""The audit log on the graph."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from schema.context import Info
from schema.node import Node, refetchable
from schema.pagination import (
    Condition,
    Connection,
    OrderDirection,
    Source,
    connect,
    integer_key,
)
from schema.scalars import describe_enum, global_id, parse_any_id, utc
from schema.workspaces import Workspace
from server import models
from server.errors import BadRequest

OF_CHAIN = Source(
    name="auditEvents",
    model=models.AuditEvent,
    tables="audit_event x",
    of_parent="x.chain_id = p.id",
    orders={"SEQUENCE": (integer_key("x.sequence"),)},
)


describe_enum(
    models.PrincipalType,
    "ActorType",
    "What kind of actor did something.",
    USER="A person.",
    API_KEY="An API key.",
    ANONYMOUS="Somebody who was not signed in.",
    SYSTEM="Orgraph itself.",
)


@strawberry.type(description="Who did something, as it was called then.")
class AuditActor:
    type: models.PrincipalType = strawberry.field(description="What kind.")
    id: strawberry.ID | None = strawberry.field(description="The user's or API key's id; null for others.")
    label: str = strawberry.field(description="The address or name at that time.")


@strawberry.type(description="What something was done to, as it was called then.")
class AuditTarget:
    type: str = strawberry.field(description="The prefix of its id, such as `mem`; may be gone by now.")
    id: strawberry.ID | None = strawberry.field(description="Its id.")
    label: str = strawberry.field(description="Its name or address at that time.")


@strawberry.type(description="A field that was changed.")
class AuditChange:
    field: str = strawberry.field(description="Its name.")
    before: JSON | None = strawberry.field(description="Its value before.")
    after: JSON | None = strawberry.field(description="Its value after.")


def actor_of(row: models.AuditEvent) -> AuditActor:
    model = models.ApiKey if row.actor_type is models.PrincipalType.API_KEY else models.User
    id = global_id(model.prefix, row.actor_id) if row.actor_id else None
    return AuditActor(type=row.actor_type, id=id, label=row.actor_label)


def target_of(row: models.AuditEvent) -> AuditTarget:
    id = global_id(row.target_type, row.target_id) if row.target_id else None
    return AuditTarget(type=row.target_type, id=id, label=row.target_label)


@refetchable(models.AuditEvent)
@strawberry.type(description="Something that has happened, in a chain that shows if it was tampered with.")
class AuditEvent(Node):
    row: strawberry.Private[models.AuditEvent]

    @strawberry.field(description="Its number in the organization's chain: from 1, without a gap.")
    def sequence(self) -> int:
        return self.row.sequence

    @strawberry.field(description="What happened, as `subject.verb`.")
    def action(self) -> str:
        return self.row.action

    @strawberry.field(description="Who did it.")
    def actor(self) -> AuditActor:
        return actor_of(self.row)

    @strawberry.field(description="What it was done to.")
    def target(self) -> AuditTarget:
        return target_of(self.row)

    @strawberry.field(description="The workspace it happened in; null: in none, or one that the viewer cannot see.")
    async def workspace(self, info: Info) -> Workspace | None:
        return await workspace_of(info, self.row)

    @strawberry.field(description="The fields that were changed.")
    def changes(self) -> list[AuditChange]:
        return [AuditChange(**change) for change in self.row.changes]

    @strawberry.field(description="The address that it was done from.")
    def ip(self) -> str | None:
        return self.row.ip

    @strawberry.field(description="The client that it was done with.")
    def user_agent(self) -> str | None:
        return self.row.user_agent

    @strawberry.field(description="The request that did it, as in the server's log and the X-Request-Id header.")
    def request_id(self) -> str | None:
        return self.row.request_id

    @strawberry.field(description="When it happened.")
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="The hash of the event before it, 64 hexadecimal digits.")
    def previous_hash(self) -> str:
        return self.row.previous_hash

    @strawberry.field(description="SHA-256 of the previous hash and the event's canonical JSON (RFC 8785).")
    def hash(self) -> str:
        return self.row.hash


async def workspace_of(info: Info, row: models.AuditEvent) -> Workspace | None:
    if row.workspace_id is None or not info.context.actor.enters(row.chain_id, row.workspace_id):
        return None
    found = await info.context.loaders.by_id(models.Workspace).load(row.workspace_id)
    return Workspace(row=found) if found and found.deleted_at is None else None


@strawberry.input(description="Which events; all that is given must match.")
class AuditEventFilter:
    action: str | None = strawberry.field(default=None, description="Exactly this action, such as `member.removed`.")
    actor_id: strawberry.ID | None = strawberry.field(default=None, description="By this user.")
    target_id: strawberry.ID | None = strawberry.field(default=None, description="To this object.")
    created_after: datetime | None = strawberry.field(default=None, description="At this time or later.")
    created_before: datetime | None = strawberry.field(default=None, description="Before this time.")


@strawberry.enum(description="What events can be ordered by.")
class AuditEventOrderField(Enum):
    SEQUENCE = strawberry.enum_value("SEQUENCE", description="Their numbers, and so the time.")


@strawberry.input(description="How to order events.")
class AuditEventOrder:
    field: AuditEventOrderField = strawberry.field(default=AuditEventOrderField.SEQUENCE, description="By what.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


def _uuid_of(id: str, argument: str) -> UUID:
    found = parse_any_id(id)
    if found is None:
        raise BadRequest(f"{argument}: This is not an id.")
    return found


async def events_of_chain(
    info: Info,
    chain_id: UUID,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    filter: AuditEventFilter | None,
    order_by: AuditEventOrder | None,
) -> Connection[AuditEvent]:
    conditions = []
    if filter is not None:
        if filter.action is not None:
            conditions.append(Condition("x.action = {}", (filter.action.replace("\0", ""),)))
        if filter.actor_id is not None:
            conditions.append(Condition("x.actor_id = {}", (_uuid_of(filter.actor_id, "filter.actorId"),)))
        if filter.target_id is not None:
            conditions.append(Condition("x.target_id = {}", (_uuid_of(filter.target_id, "filter.targetId"),)))
        if filter.created_after is not None:
            conditions.append(Condition("x.created_at >= {}", (utc(filter.created_after, "filter.createdAfter"),)))
        if filter.created_before is not None:
            conditions.append(Condition("x.created_at < {}", (utc(filter.created_before, "filter.createdBefore"),)))
    return await connect(
        info,
        OF_CHAIN,
        chain_id,
        lambda row: AuditEvent(row=row),
        first=first,
        after=after,
        last=last,
        before=before,
        order="SEQUENCE",
        descending=order_by is None or order_by.direction is OrderDirection.DESC,
        where=conditions,
    )
