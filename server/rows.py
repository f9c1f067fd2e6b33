"""What all tables have in common: keys, the ids by which the outside knows them, and indexes of every kind."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model, ModelMeta
from typeid.codecs import base32
from uuid_utils.compat import uuid7 as uuid7  # to those who make rows by themselves


class TableIndex(Index):
    """An index by the fields' columns; unique, over some of the rows, or both, as Tortoise's cannot be."""

    def __init__(self, *columns: str, name: str, unique: bool = False, tail: str = "") -> None:
        super().__init__(fields=columns, name=name)
        self.unique = unique
        self.tail = tail

    def get_sql(self, schema_generator: Any, model: type[Model], safe: bool) -> str:
        unique = "UNIQUE " if self.unique else ""
        exists = "IF NOT EXISTS " if safe else ""
        columns = ", ".join(f'"{model._meta.fields_db_projection.get(name, name + "_id")}"' for name in self.fields)
        return f'CREATE {unique}INDEX {exists}"{self.name}" ON "{model._meta.db_table}" ({columns}){self.tail};'


def primary_key() -> UUID:
    return fields.UUIDField(primary_key=True, default=uuid7)


def type_id(prefix: str, id: UUID) -> str:
    """TypeID 0.3: a prefix and the UUID in Crockford's base 32, `org_01h455vb4pex5vsknk084sn02q`."""
    return f"{prefix}_{base32.encode(id.bytes)}"


class RowMeta(ModelMeta):
    """Without Tortoise's reading of each model's source for comments on fields, which takes long and finds none."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> ModelMeta:
        return super().__new__(cls, name, bases, attrs | {"_no_comments": True})


class Row(Model, metaclass=RowMeta):
    """What every table has. `prefix` is that of the TypeIDs by which the outside knows a row."""

    prefix = ""
    noun = ""
    id: UUID = primary_key()
    created_at: datetime = fields.DatetimeField(auto_now_add=True)

    class Meta:
        abstract = True
