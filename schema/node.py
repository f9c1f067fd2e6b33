"""Relay's Node: whatever has an id can be fetched anew by it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import strawberry

from schema.context import Info
from schema.declare import PLAN, Refetched, identity, matching, models_by_prefix, node_of, type_of
from schema.scalars import global_id, parse_any_id
from schema.sql import Condition
from server.access import Actor, may_on, place
from server.errors import BadRequest
from server.rows import Row

MAX_NODES = 100


@strawberry.interface(description="An object that can be fetched anew by its id.")
class Node:
    row: strawberry.Private[Row]
    within: strawberry.Private[UUID | None] = None
    """The organization that it is seen in, where that is not in the row itself."""

    def place(self, actor: Actor) -> tuple[UUID | None, UUID | None]:
        """The organization and workspace in which a permission on it counts."""
        return place(self.row)

    id: strawberry.ID = identity("A TypeID: opaque, sortable by creation, prefixed by the type.")


def keys_of(ids: Sequence[str]) -> dict[type[Row], set[UUID]]:
    """By the models that they name, without what names none. Raises BadRequest for too many."""
    if len(ids) > MAX_NODES:
        raise BadRequest(f"ids: At most {MAX_NODES} at once, not {len(ids)}.")
    models = models_by_prefix()
    wanted: defaultdict[type[Row], set[UUID]] = defaultdict(set)
    for id in ids:
        model, key = models.get(id.rpartition("_")[0]), parse_any_id(id)
        if model is not None and key is not None:
            wanted[model].add(key)
    return wanted


async def fetch_nodes(info: Info, ids: Sequence[str]) -> list[Node | None]:
    """A statement for each type, and None for what is junk, missing or not for this viewer to read."""
    actor = info.context.actor
    actor.identified()
    found: dict[str, Node] = {}
    for model, keys in keys_of(ids).items():
        permission = type_of(model)[1]
        for row in await matching(actor, model, Condition("x.id = ANY ({}::uuid[])", (tuple(keys),))):
            if permission is None or may_on(actor, row, permission):
                found[global_id(model.prefix, row.id)] = node_of(row)
    return [found.get(id) for id in ids]


@strawberry.type
class NodeQuery:
    @strawberry.field(
        description="The object of an id; null where there is none that the viewer can see.",
        metadata={PLAN: Refetched(one=True)},
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A TypeID.")]
    ) -> Node | None:
        return (await fetch_nodes(info, [id]))[0]

    @strawberry.field(
        description="The objects of up to 100 ids, in their order.", metadata={PLAN: Refetched(one=False)}
    )
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="TypeIDs.")]
    ) -> list[Node | None]:
        return await fetch_nodes(info, ids)
