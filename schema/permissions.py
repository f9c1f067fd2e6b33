"""Field-level permission classes: they answer from the access already loaded, without a query."""

from typing import Any

import strawberry
from strawberry.permission import BasePermission, PermissionExtension
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

from schema.context import Info
from server.access import may_on
from server.errors import Unauthenticated, forbidden


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="requires",
    description="The permission without which this field is null, with the error FORBIDDEN.",
)
class RequiresDirective:
    permission: str = strawberry.directive_field(name="permission", default="")


class Requires(BasePermission):
    """The viewer has a permission where the parent object stands."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    @property
    def schema_directive(self) -> object:
        return RequiresDirective(permission=self.permission)

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return may_on(info.context.actor, source.row, self.permission)

    def on_unauthorized(self) -> None:
        raise forbidden(self.permission)


class SignedIn(BasePermission):
    """Somebody is signed in."""

    @property
    def schema_directive(self) -> None:
        return None

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return info.context.actor.user_id is not None

    def on_unauthorized(self) -> None:
        raise Unauthenticated


class _Documented(PermissionExtension):
    """Says in the field's description what the directive says to tools."""

    def apply(self, field: StrawberryField) -> None:
        super().apply(field)
        for permission in self.permissions:
            if isinstance(permission, Requires):
                field.description = f"{field.description or ''} Requires `{permission.permission}`.".strip()


def requires(permission: str) -> PermissionExtension:
    return _Documented([Requires(permission)])


def signed_in() -> PermissionExtension:
    return _Documented([SignedIn()])
