"""Rows by key, many keys a statement; one set for each operation."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from server.access import Actor, find, in_force
from server.models import Grant
from server.rows import Row

R = TypeVar("R", bound=Row)


class Loaders:
    """Loaders made on first use and kept for the operation."""

    def __init__(self) -> None:
        self._made: dict[Hashable, DataLoader[Any, Any]] = {}

    def named(self, name: Hashable, load: Callable[[list[Any]], Any]) -> DataLoader[Any, Any]:
        if name not in self._made:
            self._made[name] = DataLoader(load_fn=load)
        return self._made[name]

    def by_id(self, model: type[R], viewer: Actor | None = None) -> DataLoader[UUID, R | None]:
        """Of all rows, or of those that `viewer` sees."""

        async def load(ids: list[UUID]) -> list[R | None]:
            found = await (find(viewer, model, "x.id = ANY ($1::uuid[])", ids) if viewer else model.filter(id__in=ids))
            rows = {row.id: row for row in found}
            return [rows.get(id) for id in ids]

        return self.named((model, viewer is not None), load)

    @property
    def grants(self) -> DataLoader[UUID, list[Grant]]:
        """A member's grants in force, with their roles and (living or deleted) workspaces, oldest first."""

        async def load(member_ids: list[UUID]) -> list[list[Grant]]:
            grants: defaultdict[UUID, list[Grant]] = defaultdict(list)
            query = Grant.filter(in_force(), member_id__in=member_ids)
            for grant in await query.select_related("role", "workspace").order_by("id"):
                grants[grant.member_id].append(grant)
            return [grants[id] for id in member_ids]

        return self.named(Grant, load)
