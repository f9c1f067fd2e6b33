"""Lists and connections: rows below a row, in the same statement."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import get_named_type

from schema.compiler.code import below
from schema.compiler.outline import Selected, slot_of
from schema.compiler.rows import Level, Place, Rows
from schema.declare import Many, Paged
from schema.pagination import Page, Source
from schema.sql import Condition, placed
from server.rows import Row


class Lists(Rows):
    def __init__(self, slots: Sequence[Any]) -> None:
        super().__init__()
        self.slots = slots
        self.streamed: tuple[str, int] | None = None
        """The join of the list that comes as the statement's own rows, and how many columns it has."""
        self.streaming = False

    def parent(self, declared: Many | Paged, place: Place) -> str:
        """The alias of the row that the list belongs to: the object's own, or one that the actor has."""
        return (
            self.join(declared.key, declared.source.parent, False, place)
            if declared.key.startswith("{")
            else place.alias
        )

    def inner(self, model: type[Row], declared: Many | Paged, parent: str, place: Place | None) -> Place:
        within = f"{parent}.{declared.within}" if declared.within else "NULL::uuid"
        streamed = place is not None and place.level is self.root.level and not self.streaming
        self.streaming = self.streaming or streamed
        return Place(Level(), self.name("r"), model, self.alias(), within, streamed)

    def row_list(self, selected: Selected, declared: Many, place: Place) -> str:
        parent = self.parent(declared, place)
        inner = self.inner(declared.source.model, declared, parent, place)
        item = self.row_object(below(selected), inner)
        id = self.distinguishing(declared.source, inner)
        condition, allowed, other = self.condition(declared, None, parent, place)

        def select(columns: str) -> str:
            return declared.source.all_of_parent(
                self.parameters, columns, inner.alias, parent, inner.level.joined, condition
            )

        rows = self.rows(select, inner, place)
        each = f"{{{id}: {inner.variable} for {inner.variable} in {rows}}}.values()" if id else rows
        items = f"[{item} for {inner.variable} in {each}]"
        return f"({items} if {allowed} else {other or '[]'})" if allowed else items

    def distinguishing(self, source: Source, inner: Place) -> str:
        """Code of a column by which rows that come several times are known; a selected one, if there is one."""
        columns = [f"{inner.alias}.{name}" for name in source.distinct]
        selected = [column for column in columns if column in inner.level.columns]
        return self.column(inner, (selected or columns)[0]) if columns else ""

    def condition(
        self, declared: Many | Paged, if_: str | None, parent: str, place: Place
    ) -> tuple[str | None, str | None, str | None]:
        """SQL on which it depends whether there are rows to be seen, code for the same, and code for what is else."""
        if declared.requires is not None:
            condition, other = self.permission(declared.requires, place), "refused()"
        elif if_ is not None:
            condition, other = self.piece(if_, place), None
        elif declared.key.startswith("{"):
            condition, other = f"{parent}.id IS NOT NULL", None
        else:
            return None, None, None
        return condition, self.column(place, f"({condition})"), other

    def rows(self, select: Callable[[str], str], inner: Place, place: Place) -> str:
        """Code for the rows of a list; `select` makes SQL for given columns.

        The first list of all comes as the statement's own rows. A list within it comes as an array for each
        column, others as an array of records: arrays of arrays there are none, and within records asyncpg reads
        no arrays but those of records and texts.
        """
        columns = list(inner.level.columns) or ["1"]
        named = ", ".join(f"{sql} AS c{index}" for index, sql in enumerate(columns))
        if inner.streamed:
            self.streamed = (f" LEFT JOIN LATERAL ({select(f'{named}, true AS there')}) streamed ON true", len(columns))
            return "streamed"
        if inner.level.nested or not (place.streamed or place.level is self.root.level):
            place.level.nested = True
            return self.column(place, f"ARRAY ({select(f'ROW ({inner.level.row})')})")
        alias = self.alias()
        arrays = ", ".join(f"array_agg(c{index}) AS c{index}" for index in range(len(columns)))
        join = f" LEFT JOIN LATERAL (SELECT {arrays} FROM ({select(named)}) {alias}_rows) {alias} ON true"  # noqa: S608
        place.level.joins[alias] = (alias, join)
        read = [self.column(place, f"{alias}.c{index}") for index in range(len(columns))]
        place.level.nested = True
        return f"zip({', '.join(f'{each} or ()' for each in read)})"

    def connect(self, selected: Selected, declared: Paged, place: Place) -> str:
        slot = slot_of(selected)
        page: Page = self.slots[slot]
        for index, requirement in enumerate(page.requirements):
            find = _requirement(slot, index)
            self.require(f"({self.parameters.condition(requirement, (slot, 'required', index), find)})")
        parent = self.parent(declared, place)
        asked = below(selected).fields
        listed = any(each.name in ("nodes", "edges", "pageInfo") for each in asked)
        inner = self.inner(declared.source.model, declared, parent, place if listed else None)
        more = 1 if any(each.name == "pageInfo" for each in asked) else 0
        parts = [f"{each.key!r}: {self.page_field(selected, each, page, inner)}" for each in asked]
        condition, allowed, other = self.condition(declared, declared.if_, parent, place)
        rows, count = "()", "0"
        if any(each.name == "totalCount" for each in asked):
            count = self.column(
                place, f"({page.count_of_parent(self.parameters, slot, inner.alias, parent, condition)})"
            )
        if listed:

            def select(columns: str) -> str:
                return page.rows_of_parent(
                    self.parameters, slot, columns, more, inner.alias, parent, inner.level.joined, condition
                )

            rows = self.rows(select, inner, place)
        body = f"    return {{{', '.join(parts)}}}\n"
        if page.backwards:
            body = "    rows = rows[::-1]\n" + body
        if more:
            body = "    more = len(rows) > page.limit\n    rows = rows[:page.limit]\n" + body
        if rows.startswith("zip("):
            rows = f"[*{rows}]"
        name = self.define("page", "rows, count, page, actor, slots", body)
        call = f"{name}({rows}, {count}, slots[{slot}], actor, slots)"
        return f"({call} if {allowed} else {other})" if allowed else call

    def page_field(self, connection: Selected, selected: Selected, page: Page, inner: Place) -> str:
        named = get_named_type(connection.output).name
        if selected.name == "__typename":
            return repr(named)
        if selected.name == "totalCount":
            return "count"
        if selected.name == "nodes":
            return f"[{self.row_object(below(selected), inner)} for {inner.variable} in rows]"
        if selected.name == "edges":
            return f"[{self.edge(selected, page, inner)} for {inner.variable} in rows]"
        return self.page_info(selected, page, inner)

    def cursor(self, page: Page, inner: Place, variable: str) -> str:
        keys = [self.column(inner, f"({placed(key.sql, inner.alias)})::text") for key in page.keys]
        return f"page.cursor(({', '.join(keys)},))".replace(f"{inner.variable}[", f"{variable}[")

    def edge(self, selected: Selected, page: Page, inner: Place) -> str:
        parts = []
        for each in below(selected).fields:
            if each.name == "cursor":
                value = self.cursor(page, inner, inner.variable)
            elif each.name == "node":
                value = self.row_object(below(each), inner)
            else:
                value = repr(below(selected).type.name)
            parts.append(f"{each.key!r}: {value}")
        return f"{{{', '.join(parts)}}}"

    def page_info(self, selected: Selected, page: Page, inner: Place) -> str:
        values = {
            "__typename": lambda: repr(below(selected).type.name),
            "hasNextPage": lambda: repr(page.before is not None) if page.backwards else "more",
            "hasPreviousPage": lambda: "more" if page.backwards else repr(page.after is not None),
            "startCursor": lambda: f"({self.cursor(page, inner, 'rows[0]')} if rows else None)",
            "endCursor": lambda: f"({self.cursor(page, inner, 'rows[-1]')} if rows else None)",
        }
        return "{" + ", ".join(f"{each.key!r}: {values[each.name]()}" for each in below(selected).fields) + "}"


def _requirement(slot: int, index: int) -> Callable[[Sequence[Any]], Condition]:
    return lambda slots: slots[slot].requirements[index]
