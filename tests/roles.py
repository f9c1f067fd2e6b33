"""Custom roles, made and read through the API."""

from typing import Any

from tests.factories import Person, unique
from tests.races import Row

ROLE = "role { id key name description builtIn permissions { key } }"
NODE = """query ($id: ID!) { node(id: $id) { ... on Role {
    id key name description builtIn permissions { key } viewerCan { updateRole { allowed reason } } } } }"""


async def create(actor: Person, *permissions: str, **input: Any) -> Row:
    given = {"organizationId": actor.organization_id, "name": unique("Role "), "permissions": list(permissions)}
    return dict((await actor.do("createRole", given | input, ROLE))["role"])


async def update(actor: Person, role: Row, **input: Any) -> Row:
    return dict((await actor.do("updateRole", {"roleId": role["id"]} | input, ROLE))["role"])


async def read(viewer: Person, role: Row) -> Row | None:
    """The role as it is now; None for who cannot see it."""
    node = (await viewer.query(NODE, {"id": role["id"]}))["node"]
    return node and {name: value for name, value in node.items() if name != "viewerCan"}


async def all_roles(viewer: Person) -> dict[str, str]:
    """Keys and ids."""
    listed = await viewer.organization("roles(first: 100) { nodes { id key } }")
    return {role["key"]: role["id"] for role in listed["roles"]["nodes"]}
