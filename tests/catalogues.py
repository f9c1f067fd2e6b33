"""Catalogues made of others, for tests of what a product can get wrong and of what it can change."""

import copy
import json
from pathlib import Path
from typing import Any

from server.catalogue import Catalogue, load_catalogue

GONE = object()
"""As the value of an edit: the key is left out."""

Edits = dict[str, Any]
"""New values by their places, `roles/admin/permissions`."""

SMALL: dict[str, Any] = {
    "product": {"name": "Small", "plan": "free"},
    "areas": {
        "team": {
            "name": "Team",
            "permissions": {"members:read": "See the team", "members:invite": "Invite people", "audit:read": "Audit"},
        },
        "work": {"name": "Work", "permissions": {"work:read": "See work", "work:write": "Do work"}},
    },
    "roles": {
        "owner": {"name": "Owner", "permissions": ["*"], "manages": ["*"], "creator": True},
        "admin": {"name": "Admin", "permissions": ["members:*", "work:*"], "manages": ["member"]},
        "member": {"name": "Member", "permissions": ["work:*"]},
    },
    "features": {"recording": "Recording"},
    "plans": {"free": {"name": "Free", "seats": 3}, "full": {"name": "Full", "features": ["*"]}},
    "settings": {
        "colour": {"name": "Colour", "type": "choice", "choices": ["red", "blue"], "default": "red"},
        "limit": {"name": "Limit", "type": "integer", "minimum": 1, "maximum": 9, "default": 5},
        "recorded": {"name": "Recorded", "type": "boolean", "feature": "recording"},
        "session_timeout_minutes": {"name": "Timeout", "type": "integer", "minimum": 5},
        "mfa_required": {"name": "Two factors", "type": "boolean"},
    },
    "checklist": {"invite": {"name": "Invite", "done_by": "invitation.sent"}},
    "former": {"roles": {"boss": "owner"}, "permissions": {"work:see": "work:read", "work:sell": ""}},
}


def edited(document: dict[str, Any], edits: Edits) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    for place, value in edits.items():
        *tables, key = place.split("/")
        inner = changed
        for table in tables:
            inner = inner.setdefault(table, {})
        if value is GONE:
            del inner[key]
        else:
            inner[key] = value
    return changed


def toml(value: Any) -> str:
    """A value in TOML, its tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)


def write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text("".join(f"{toml(key)} = {toml(value)}\n" for key, value in document.items()), "utf-8")
    return path


def default(edits: Edits | None = None) -> dict[str, Any]:
    """The shipped default catalogue's document, edited."""
    return edited(load_catalogue("default").model_dump(exclude_none=True), edits or {})


def product(edits: Edits | None = None) -> Catalogue:
    """The default catalogue, edited, and without a fault."""
    made = Catalogue.model_validate(default(edits))
    assert list(made.problems()) == []
    return made
