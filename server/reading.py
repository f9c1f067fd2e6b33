"""Rows, with rows that they refer to, of SQL written by hand: an ORM builds its queries anew each time."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from tortoise.fields import CharField, DatetimeField, UUIDField
from tortoise.fields.data import CharEnumFieldInstance

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
        self._parts: list[tuple[Path, Path, Callable[[Sequence[Any]], Row], int, slice]] = []
        selected: list[str] = []
        for path, each in models.items():
            columns = list(each._meta.fields_db_projection.values())
            start = len(selected)
            own = slice(start, start + len(columns))
            self._parts.append((path, path[:-1], _maker(each, columns), start + columns.index("id"), own))
            selected += [f"{_alias(alias, path)}.{column}" for column in columns]
        self.columns = ", ".join(selected)
        self.tables = " ".join([f'"{model._meta.db_table}" {alias}', *joins])

    def rows(self, records: Iterable[Sequence[Any]]) -> list[R]:
        """Of records that begin with the columns. What several refer to is one object."""
        known: dict[tuple[Path, Any], Any] = {}
        found: list[R] = []
        for record in records:
            rows: dict[Path, Any] = {}
            for path, parent, make, id_at, own in self._parts:
                id = record[id_at]
                row = known.get((path, id)) if path else None
                if row is None and id is not None:
                    row = make(record[own])
                rows[path] = row
                if path:
                    known[path, id] = row
                    if rows[parent] is not None:
                        attach(rows[parent], path[-1], row)
            found.append(rows[()])
        return found


def _maker(model: type[Row], columns: Sequence[str]) -> Callable[[Sequence[Any]], Row]:
    """What Tortoise's `_init_from_db` does, without asking anew for each row how each column is read."""
    fields = [model._meta.fields_map[model._meta.fields_db_projection_reverse[column]] for column in columns]
    names = [field.model_field_name for field in fields]
    # UUIDs and times come from asyncpg as they should be.
    reads = [
        (field.model_field_name, field.to_python_value)
        for field in fields
        if not isinstance(field, UUIDField | DatetimeField | CharField) or isinstance(field, CharEnumFieldInstance)
    ]
    of_database = {"_partial": False, "_saved_in_db": True, "_custom_generated_pk": True}

    def make(values: Sequence[Any]) -> Row:
        row = model.__new__(model)
        own = row.__dict__
        own.update(of_database)
        own["_await_when_save"] = {}
        own.update(zip(names, values, strict=True))
        for name, read in reads:
            own[name] = read(own[name])
        return row

    return make


def attach(row: Row, relation: str, other: Row | None) -> None:
    """Make a row that has been read what the other's relation gives."""
    object.__setattr__(row, f"_{relation}", other)


def _alias(alias: str, path: Sequence[str]) -> str:
    return "_".join((alias, *path))


@cache
def selection(model: type[R], *related: str, alias: str = "x") -> Selection[R]:
    """`related`: names of relations, and of their relations, `member__user`."""
    return Selection(model, related, alias)
