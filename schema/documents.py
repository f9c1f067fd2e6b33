"""Documents that clients have sent before: parsed and validated once, their operations planned once."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode

MAX_DOCUMENTS = 500
MAX_CHARACTERS = 100_000
"""Of all documents kept: a few hundred bytes of memory for each character, whatever clients send."""


@dataclass
class Known:
    document: DocumentNode
    operations: dict[str | None, Any] = field(default_factory=dict)
    """By name: what the compiler has made of them."""


class Documents:
    """Those used last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, text: str) -> Known | None:
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
        return known

    def keep(self, text: str, document: DocumentNode) -> Known:
        """A valid one."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = Known(document)
            self._characters += len(text)
            while len(self._known) > MAX_DOCUMENTS or (self._characters > MAX_CHARACTERS and len(self._known) > 1):
                forgotten, _ = self._known.popitem(last=False)
                self._characters -= len(forgotten)
        return known


documents = Documents()
