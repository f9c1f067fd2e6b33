"""What tests of members and owners ask of a member."""

from tests.factories import Person, grants_of

ACCESS = "{ viewer { organization { id } permissions memberships { nodes { organization { id } } } } }"


async def role_keys(viewer: Person, member_id: str) -> list[str]:
    return [grant["role"]["key"] for grant in await grants_of(viewer, member_id)]


async def status_of(viewer: Person, member_id: str) -> str | None:
    query = "query ($id: ID!) { node(id: $id) { ... on Member { status } } }"
    node = (await viewer.query(query, {"id": member_id}))["node"]
    return node and str(node["status"])
