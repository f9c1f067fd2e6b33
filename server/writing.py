"""Rows written together: what a change does goes to the database as one statement."""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from server.database import fetch
from server.rows import Row


class Writes:
    """Writes that wait for `flush`. What is read before does not see them; no two may be about one row or key."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, list[Any]]] = []
        """SQL with a hole `{}` for each of the values."""

    def insert(self, row: Row) -> None:
        self._add(_inserting(type(row)), row, *type(row)._meta.fields_db_projection)

    def update(self, row: Row, name: str) -> None:
        column = type(row)._meta.fields_db_projection[name]
        self._add(f'UPDATE "{row._meta.db_table}" SET {column} = {{}} WHERE id = {{}}', row, name, "id")  # noqa: S608

    def delete(self, row: Row) -> None:
        self._add(f'DELETE FROM "{row._meta.db_table}" WHERE id = {{}}', row, "id")  # noqa: S608

    def _add(self, sql: str, row: Row, *names: str) -> None:
        fields = type(row)._meta.fields_map
        self._waiting.append((sql, [fields[name].to_db_value(getattr(row, name), row) for name in names]))

    async def flush(self, last: str = "nothing AS (SELECT) SELECT", values: Sequence[Any] = ()) -> None:
        """All that waits, and with it what else is to follow WITH, with its values."""
        given = [*values, *chain.from_iterable(own for _, own in self._waiting)]
        if given:
            parts = tuple((sql, len(own)) for sql, own in self._waiting)
            self._waiting.clear()
            await fetch(_together(parts, last, len(values)), *given)


@cache
def _inserting(model: type[Row]) -> str:
    fields = model._meta.fields_db_projection
    columns, holes = ", ".join(fields.values()), ", ".join("{}" for _ in fields)
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({holes})'  # noqa: S608


@lru_cache(maxsize=256)
def _together(parts: Sequence[tuple[str, int]], last: str, first: int) -> str:
    """One statement of several with as many holes, and of a last one, whose are the `first` parameters."""
    numbered, given = [], first
    for number, (sql, count) in enumerate(parts):
        holes = (f"${given + place}" for place in range(1, count + 1))
        numbered.append(f"write_{number} AS ({sql.format(*holes)})")
        given += count
    return f"WITH {', '.join([*numbered, last])}"
