"""Rows, with rows that they refer to, of SQL written by hand: an ORM builds its queries anew each time."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from server.rows import Row

R = TypeVar("R", bound=Row)
Path = tuple[str, ...]


class Selection(Generic[R]):
    """A model's columns and those of its relations, for a statement's SELECT and FROM; and the rows of its records."""

    def __init__(self, model: type[R], related: Sequence[str], alias: str) -> None:
        models: dict[Path, type[Row]] = {(): model}
        joins = []
        for name in related:
            names = tuple(name.split("__"))
            for end in range(1, len(names) + 1):
                *before, last = path = names[:end]
                relation: Any = models[tuple(before)]._meta.fields_map[last]
                models[path] = relation.related_model
                table, joined, owner = relation.related_model._meta.db_table, _alias(alias, path), _alias(alias, before)
                joins.append(f'LEFT JOIN "{table}" {joined} ON {joined}.id = {owner}.{last}_id')
        self._parts: list[tuple[Path, Path, type[Row], list[str], int, slice]] = []
        selected: list[str] = []
        for path, each in models.items():
            columns = list(each._meta.fields_db_projection.values())
            start = len(selected)
            own = slice(start, start + len(columns))
            self._parts.append((path, path[:-1], each, columns, start + columns.index("id"), own))
            selected += [f"{_alias(alias, path)}.{column}" for column in columns]
        self.columns = ", ".join(selected)
        self.tables = " ".join([f'"{model._meta.db_table}" {alias}', *joins])

    def rows(self, records: Iterable[Sequence[Any]]) -> list[R]:
        """Of records that begin with the columns. What several refer to is one object."""
        known: dict[tuple[Path, Any], Any] = {}
        found: list[R] = []
        for record in records:
            rows: dict[Path, Any] = {}
            for path, parent, model, columns, id_at, own in self._parts:
                id = record[id_at]
                row = known.get((path, id)) if path else None
                if row is None and id is not None:
                    row = model._init_from_db(**dict(zip(columns, record[own], strict=True)))
                rows[path] = row
                if path:
                    known[path, id] = row
                    if rows[parent] is not None:
                        attach(rows[parent], path[-1], row)
            found.append(rows[()])
        return found


def attach(row: Row, relation: str, other: Row | None) -> None:
    """Make a row that has been read what the other's relation gives."""
    object.__setattr__(row, f"_{relation}", other)


def _alias(alias: str, path: Sequence[str]) -> str:
    return "_".join((alias, *path))


@cache
def selection(model: type[R], *related: str, alias: str = "x") -> Selection[R]:
    """`related`: names of relations, and of their relations, `member__user`."""
    return Selection(model, related, alias)
