"""Relay's Node: whatever has an id can be fetched anew by it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

import strawberry

from schema.context import Info
from schema.scalars import global_id, parse_any_id
from server.access import Actor, may_on, place, visible
from server.errors import BadRequest
from server.rows import Row

MAX_NODES = 100


@strawberry.interface(description="An object that can be fetched anew by its id.")
class Node:
    row: strawberry.Private[Row]

    def place(self, actor: Actor) -> tuple[UUID | None, UUID | None]:
        """The organization and workspace in which a permission on it counts."""
        return place(self.row)

    @strawberry.field(description="A TypeID: opaque, sortable by creation, prefixed by the type.")
    def id(self) -> strawberry.ID:
        return global_id(self.row.prefix, self.row.id)


N = TypeVar("N", bound=Node)

_types: dict[str, tuple[type[Row], Callable[..., Node], str | None]] = {}


def refetchable(model: type[Row], permission: str | None = None) -> Callable[[type[N]], type[N]]:
    """Makes a type known to `node`. `permission`: what reading it takes besides its being visible."""

    def register(cls: type[N]) -> type[N]:
        _types[model.prefix] = (model, cls, permission)
        return cls

    return register


async def fetch_nodes(info: Info, ids: Sequence[str]) -> list[Node | None]:
    """A statement for each type, and None for what is junk, missing or not for this viewer to read."""
    actor = info.context.actor
    actor.identified()
    wanted: defaultdict[str, set[UUID]] = defaultdict(set)
    for id in ids:
        prefix = id.rpartition("_")[0]
        if prefix in _types and (key := parse_any_id(id)):
            wanted[prefix].add(key)
    found: dict[str, Node] = {}
    for prefix, keys in wanted.items():
        model, type_, permission = _types[prefix]
        for row in await visible(actor, model).filter(id__in=keys):
            if permission is None or may_on(actor, row, permission):
                found[global_id(prefix, row.id)] = type_(row=row)
    return [found.get(id) for id in ids]


async def fetch_node(info: Info, id: str) -> Node | None:
    return (await fetch_nodes(info, [id]))[0]


@strawberry.type
class NodeQuery:
    @strawberry.field(description="The object of an id; null where there is none that the viewer can see.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A TypeID.")]
    ) -> Node | None:
        return await fetch_node(info, id)

    @strawberry.field(description="The objects of up to 100 ids, in their order.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="TypeIDs.")]
    ) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise BadRequest(f"ids: At most {MAX_NODES} at once, not {len(ids)}.")
        return await fetch_nodes(info, ids)
