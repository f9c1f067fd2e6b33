"""Pieces of SQL that declarations are made of, and how a statement is put together of them.

In a piece `x.` is the row, `p.` the parent's row and `within` the organization that the row is seen
in; `{}` is a value, and `{memberships}` (or another name) a value of the actor. No value ever becomes
a part of the text: all of them are numbered parameters.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from server.access import Actor

Getter = Callable[[Actor, Sequence[Any]], Any]
"""A parameter's value, of the actor and of what the operation's fields were asked (a slot each)."""

_WORDS = re.compile(r"\b(?:(x|p)(?=\.)|(within)\b)")
_NUMBERS = re.compile(r"\$(\d+)")
_VALUES = re.compile(r"\{([\w]*(?:\[[^\]]*\])?)\}")


def placed(sql: str, row: str, parent: str = "p", within: str = "within") -> str:
    """A piece with a statement's aliases in the place of its own."""
    names = {"x": row, "p": parent, "within": within}
    return _WORDS.sub(lambda word: names[word[0]], sql)


@dataclass(frozen=True)
class Condition:
    """SQL with `{}` for each value; values are hashable, lists as tuples."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Requirement(Condition):
    """What must hold, or the request is a bad one."""

    message: str = ""


class Parameters:
    """The values of a statement, numbered as they are mentioned; what is alike has one number."""

    def __init__(self) -> None:
        self.getters: list[Getter] = []
        self._numbers: dict[Hashable, str] = {}
        self.uses_actor = False

    def number(self, key: Hashable, getter: Getter) -> str:
        if key not in self._numbers:
            self.getters.append(getter)
            self._numbers[key] = f"${len(self.getters)}"
        return self._numbers[key]

    def of_actor(self, reference: str) -> str:
        self.uses_actor = True
        return self.number(reference, lambda actor, slots: actor.value(reference))

    def fill(self, sql: str, *numbers: str) -> str:
        """A piece with parameters in the place of its values, `numbers` for those without a name."""
        unnamed = iter(numbers)
        return _VALUES.sub(lambda found: self.of_actor(found[1]) if found[1] else next(unnamed), sql)

    def condition(self, condition: Condition, key: Hashable, find: Callable[[Sequence[Any]], Condition]) -> str:
        """`find`: gets the condition of this shape out of a request's slots."""

        def getter(index: int) -> Getter:
            def value(actor: Actor, slots: Sequence[Any]) -> Any:
                found = find(slots).values[index]
                return list(found) if isinstance(found, tuple) else found

            return value

        numbers = [self.number((key, index), getter(index)) for index in range(len(condition.values))]
        return self.fill(condition.sql, *numbers)

    def mentioned(self, sql: str) -> tuple[str, list[Getter]]:
        """A statement, and the values that it mentions, numbered anew: PostgreSQL takes no others."""
        used = sorted({int(number) for number in _NUMBERS.findall(sql)})
        places = {number: f"${place}" for place, number in enumerate(used, 1)}
        return _NUMBERS.sub(lambda found: places[int(found[1])], sql), [self.getters[number - 1] for number in used]

    def values(self, actor: Actor, slots: Sequence[Any] = ()) -> list[Any]:
        return [getter(actor, slots) for getter in self.getters]
