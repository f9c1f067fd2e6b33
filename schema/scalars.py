"""TypeIDs, by which the outside names things, and enums with a description of every value."""

import contextlib
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from uuid import UUID

import strawberry
from asyncpg.pgproto.pgproto import UUID as DatabaseUUID
from typeid.codecs import base32

from server.errors import BadRequest, not_found
from server.models import Role
from server.rows import Row, type_id


def global_id(prefix: str, id: UUID) -> strawberry.ID:
    return strawberry.ID(type_id(prefix, id))


@lru_cache(maxsize=4096)
def parse_any_id(id: str) -> UUID | None:
    """Of whatever type; None for junk."""
    suffix = id.rpartition("_")[2]
    if len(suffix) != 26 or not suffix.isascii() or suffix[0] > "7":
        return None
    try:
        return DatabaseUUID(bytes(base32.decode(suffix)))  # made in a fifth of the time of Python's own
    except Exception:  # the codec raises errors of several kinds for letters outside its alphabet
        return None


def parse_id(model: type[Row], id: str) -> UUID | None:
    """None for junk and for ids of another type."""
    return parse_any_id(id) if id.rpartition("_")[0] == model.prefix else None


def required_id(model: type[Row], id: str, field: str) -> UUID:
    """Raises NOT_FOUND for junk and for ids of another type, as for what does not exist."""
    parsed = parse_id(model, id)
    if parsed is None:
        raise not_found(model.noun, field)
    return parsed


def optional_id(model: type[Row], id: str | None, field: str) -> UUID | None:
    return None if id is None else required_id(model, id, field)


END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""What asyncpg takes for PostgreSQL's infinity."""


def utc(value: datetime, field: str) -> datetime:
    """A time without a zone is taken as UTC. Raises BadRequest for one that UTC's calendar does not have."""
    with contextlib.suppress(OverflowError):
        moment = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        if moment != END_OF_TIME:
            return moment
    raise BadRequest(f"{field}: This time is out of range.")


def describe_enum(enum: type[Enum], name: str, description: str, **values: str) -> None:
    """Make an enum of the rules known to the graph, with what each of its values means."""
    strawberry.enum(enum, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]


def role_reference(value: str) -> str | UUID:
    """A role is named by its id or its key."""
    return parse_id(Role, value) or value
