"""Field-level permission classes: they answer from the access already loaded, without a query."""

from typing import Any

import strawberry
from strawberry.permission import BasePermission, PermissionExtension
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

from schema.context import Info
from server.errors import Unauthenticated, forbidden
from server.models import Invitation, Organization, Role, Workspace
from server.rows import Row


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="requires",
    description="The permission that it takes: without it a field is null with the error FORBIDDEN, and a mutation "
    "answers the userError FORBIDDEN.",
)
class RequiresDirective:
    permission: str = strawberry.directive_field(name="permission")


class Requires(BasePermission):
    """The viewer has a permission where the parent object stands."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    @property
    def schema_directive(self) -> object:
        return RequiresDirective(permission=self.permission)

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        organization_id, workspace_id = source.place(info.context.actor)
        return organization_id is not None and info.context.actor.may(self.permission, organization_id, workspace_id)

    def on_unauthorized(self) -> None:
        raise forbidden(self.permission)


class SignedIn(BasePermission):
    """Somebody is signed in."""

    @property
    def schema_directive(self) -> None:
        return None

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return info.context.actor.known

    def on_unauthorized(self) -> None:
        raise Unauthenticated


def document(field: StrawberryField) -> None:
    """Say in the field's description what its directive says to tools."""
    for directive in field.directives:
        if isinstance(directive, RequiresDirective):
            field.description = f"{field.description or ''} Requires `{directive.permission}`.".strip()


class _Documented(PermissionExtension):
    def apply(self, field: StrawberryField) -> None:
        super().apply(field)
        document(field)


def takes(permission: str) -> list[object]:
    """Directives of a mutation whose rule, under the lock, asks for the permission."""
    return [RequiresDirective(permission=permission)]


def requires(permission: str) -> PermissionExtension:
    return _Documented([Requires(permission)])


def signed_in() -> PermissionExtension:
    return _Documented([SignedIn()])


_PERMITTED: dict[type[Row], str] = {
    Organization: "x.id = ANY ({organizations_where[PERMISSION]}::uuid[])",
    Workspace: """(
        x.organization_id = ANY ({wholly}::uuid[])
        AND x.organization_id = ANY ({organizations_where[PERMISSION]}::uuid[])
        OR x.id = ANY ({workspaces_where[PERMISSION]}::uuid[])
    )""",
    Role: """coalesce(within, x.organization_id, {organization_id}::uuid)
        = ANY ({organizations_where[PERMISSION]}::uuid[])""",
    Invitation: "x.organization_id = ANY ({organizations_where[PERMISSION]}::uuid[])",
}


def permitted(model: type[Row], permission: str) -> str:
    """SQL: whether the actor has a permission where the row `x` stands, as `Node.place` says (see schema/sql.py)."""
    return _PERMITTED[model].replace("PERMISSION", permission)
