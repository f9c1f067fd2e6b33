"""The audit log on the graph."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from schema.declare import column, derived, documents, part, refetchable, relation
from schema.node import Node
from schema.pagination import OrderDirection
from schema.scalars import describe_enum, parse_any_id, utc
from schema.sql import Condition
from schema.workspaces import Workspace
from server import models
from server.access import Actor
from server.errors import BadRequest
from server.rows import type_id

describe_enum(
    models.PrincipalType,
    "ActorType",
    "What kind of actor did something.",
    USER="A person.",
    API_KEY="An API key.",
    ANONYMOUS="Somebody who was not signed in.",
    SYSTEM="Orgraph itself.",
)


def _actor_id(actor: Actor, type: models.PrincipalType, id: UUID | None) -> str | None:
    model = models.ApiKey if type is models.PrincipalType.API_KEY else models.User
    return type_id(model.prefix, id) if id else None


def _target_id(actor: Actor, type: str, id: UUID | None) -> str | None:
    return type_id(type, id) if id else None


@strawberry.type(description="Who did something, as it was called then.")
class AuditActor:
    row: strawberry.Private[models.AuditEvent]

    type: models.PrincipalType = column("actor_type", "What kind.")
    id: strawberry.ID | None = derived(
        _actor_id, "The user's or API key's id; null for others.", "actor_type", "actor_id"
    )
    label: str = column("actor_label", "The address or name at that time.")


@strawberry.type(description="What something was done to, as it was called then.")
class AuditTarget:
    row: strawberry.Private[models.AuditEvent]

    type: str = column("target_type", "The prefix of its id, such as `mem`; may be gone by now.")
    id: strawberry.ID | None = derived(_target_id, "Its id.", "target_type", "target_id")
    label: str = column("target_label", "Its name or address at that time.")


@strawberry.type(description="A field that was changed.")
class AuditChange:
    field: str = strawberry.field(description="Its name.")
    before: JSON | None = strawberry.field(description="Its value before.")
    after: JSON | None = strawberry.field(description="Its value after.")


@refetchable(models.AuditEvent)
@strawberry.type(description="Something that has happened, in a chain that shows if it was tampered with.")
class AuditEvent(Node):
    row: strawberry.Private[models.AuditEvent]

    sequence: int = column("sequence", "Its number in the organization's chain: from 1, without a gap.")
    action: str = column("action", "What happened, as `subject.verb`.")
    actor: AuditActor = part(AuditActor, "Who did it.")
    target: AuditTarget = part(AuditTarget, "What it was done to.")
    workspace: Workspace | None = relation(
        "workspace_id",
        "The workspace it happened in; null: in none, or one that the viewer cannot see.",
        models.Workspace,
        visible=True,
    )
    changes: list[AuditChange] = documents("changes", AuditChange, "The fields that were changed.")
    ip: str | None = column("ip", "The address that it was done from.")
    user_agent: str | None = column("user_agent", "The client that it was done with.")
    request_id: str | None = column(
        "request_id", "The request that did it, as in the server's log and the X-Request-Id header."
    )
    created_at: datetime = column("created_at", "When it happened.")
    previous_hash: str = column("previous_hash", "The hash of the event before it, 64 hexadecimal digits.")
    hash: str = column("hash", "SHA-256 of the previous hash and the event's canonical JSON (RFC 8785).")


@strawberry.input(description="Which events; all that is given must match.")
class AuditEventFilter:
    action: str | None = strawberry.field(default=None, description="Exactly this action, such as `member.removed`.")
    actor_id: strawberry.ID | None = strawberry.field(default=None, description="By this user.")
    target_id: strawberry.ID | None = strawberry.field(default=None, description="To this object.")
    created_after: datetime | None = strawberry.field(default=None, description="At this time or later.")
    created_before: datetime | None = strawberry.field(default=None, description="Before this time.")

    def conditions(self) -> list[Condition]:
        """Raises BadRequest."""
        found = []
        if self.action is not None:
            found.append(Condition("x.action = {}", (self.action.replace("\0", ""),)))
        if self.actor_id is not None:
            found.append(Condition("x.actor_id = {}", (_uuid_of(self.actor_id, "filter.actorId"),)))
        if self.target_id is not None:
            found.append(Condition("x.target_id = {}", (_uuid_of(self.target_id, "filter.targetId"),)))
        if self.created_after is not None:
            found.append(Condition("x.created_at >= {}", (utc(self.created_after, "filter.createdAfter"),)))
        if self.created_before is not None:
            found.append(Condition("x.created_at < {}", (utc(self.created_before, "filter.createdBefore"),)))
        return found


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
