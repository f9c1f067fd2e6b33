"""Rows written together: what a change does goes to the database as one statement."""

from collections.abc import Sequence
from typing import Any

from server.database import fetch
from server.rows import Row


class Writes:
    """Writes that wait for `flush`. What is read before does not see them; no two may be about one row or key."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, list[Any]]] = []
        """SQL with a hole `{}` for each of the values."""

    def insert(self, row: Row) -> None:
        fields = type(row)._meta.fields_db_projection
        columns, holes = ", ".join(fields.values()), ", ".join("{}" for _ in fields)
        self._add(f'INSERT INTO "{row._meta.db_table}" ({columns}) VALUES ({holes})', row, *fields)  # noqa: S608

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
        given, parts = list(values), []
        for number, (sql, own) in enumerate(self._waiting):
            holes = (f"${len(given) + place}" for place in range(1, len(own) + 1))
            parts.append(f"write_{number} AS ({sql.format(*holes)})")
            given += own
        self._waiting.clear()
        if given:
            await fetch(f"WITH {', '.join([*parts, last])}", *given)
