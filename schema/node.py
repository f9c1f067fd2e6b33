"""Relay's Node: whatever has an id can be fetched anew by it."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import strawberry

from schema.context import Info
from schema.scalars import parse_id, type_id
from server.access import load, place
from server.errors import BadRequest, Problem
from server.models import Row

MAX_NODES = 100


@strawberry.interface(description="An object that can be fetched anew by its id.")
class Node:
    row: strawberry.Private[Row]

    @strawberry.field(description="A TypeID: opaque, sortable by creation, prefixed by the type.")
    def id(self) -> strawberry.ID:
        return type_id(self.row.prefix, self.row.id)


N = TypeVar("N", bound=Node)

_types: dict[str, tuple[type[Row], Callable[..., Node], str | None]] = {}


def refetchable(model: type[Row], permission: str | None = None) -> Callable[[type[N]], type[N]]:
    """Makes a type known to `node`. `permission`: what reading it takes besides its being visible."""

    def register(cls: type[N]) -> type[N]:
        _types[model.prefix] = (model, cls, permission)
        return cls

    return register


async def fetch_node(info: Info, id: str) -> Node | None:
    """None for what is junk, missing or not for this viewer to read."""
    known = _types.get(id.rpartition("_")[0])
    key = parse_id(known[0], id) if known else None
    if known is None or key is None:
        return None
    model, type_, permission = known
    try:
        row = await load(info.context.actor, model, key)
    except Problem:
        return None
    organization_id, workspace_id = place(row)
    if permission and not (organization_id and info.context.actor.may(permission, organization_id, workspace_id)):
        return None
    return type_(row=row)


@strawberry.type
class NodeQuery:
    @strawberry.field(description="The object of an id; null where there is none that the viewer can see.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A TypeID.")]
    ) -> Node | None:
        info.context.actor.signed_in()
        return await fetch_node(info, id)

    @strawberry.field(description="The objects of up to 100 ids, in their order.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="TypeIDs.")]
    ) -> list[Node | None]:
        info.context.actor.signed_in()
        if len(ids) > MAX_NODES:
            raise BadRequest(f"ids: At most {MAX_NODES} at once, not {len(ids)}.")
        return [await fetch_node(info, id) for id in ids]
