"""Programs that hold an API key."""

from dataclasses import dataclass
from typing import Any

from schema.scalars import parse_any_id
from tests.factories import Answer, Client, Person, sql, unique

ALIVE = "{ viewer { apiKey { id } permissions } }"


@dataclass
class Key(Person):
    """A program, whose token is an API key's secret."""

    id: str = ""


async def mint(creator: Person, role: str = "admin", **input: Any) -> Key:
    """A new key, organization-wide unless `workspaceId` names a workspace."""
    given = {"organizationId": creator.organization_id, "name": unique("Key "), "role": role} | input
    payload = await creator.do("createApiKey", given, "secret apiKey { id }")
    return Key(creator.server, payload["secret"], organization_id=creator.organization_id, id=payload["apiKey"]["id"])


async def rotated(by: Person, key: Key, **input: int) -> Key:
    """The key with its new secret."""
    payload = await by.do("rotateApiKey", {"apiKeyId": key.id} | input, "secret apiKey { id }")
    assert payload["apiKey"] == {"id": key.id}
    return Key(key.server, payload["secret"], organization_id=key.organization_id, id=key.id)


def unauthenticated(answer: Answer) -> bool:
    return answer.codes == ["UNAUTHENTICATED"] and answer.body["data"] == {"viewer": None}


async def works(key: Client) -> bool:
    """Whether the secret opens anything; if not, it is as though there were none."""
    answer = await key.execute(ALIVE)
    if answer.codes:
        assert unauthenticated(answer), answer.body
        return False
    return answer.data["viewer"]["apiKey"] is not None


async def permissions(client: Client, **headers: Any) -> set[str]:
    """Where the client is active."""
    return set((await client.query("{ viewer { permissions } }", **headers))["viewer"]["permissions"])


async def set_key(key: Key, assignment: str) -> None:
    """Past every rule."""
    await sql(key.server, f"UPDATE api_key SET {assignment} WHERE id = $1", parse_any_id(key.id))


async def custom_role(founder: Person, *permissions: str) -> str:
    """The id of a new role."""
    given = {"organizationId": founder.organization_id, "name": unique("Role "), "permissions": list(permissions)}
    return str((await founder.do("createRole", given, "role { id }"))["role"]["id"])


async def end_account(person: Person) -> None:
    """As the rules do where it is the last owner of nothing."""
    await person.do("deleteAccount", {"password": "correct horse battery"})


async def key_events(viewer: Person, action: str = "") -> list[dict[str, Any]]:
    """What the audit log tells, the newest first; of one action or of all."""
    chain = await viewer.organization(
        """auditEvents(first: 100) { nodes { action actor { type id label } target { type id label }
        workspace { id } changes { field before after } } }"""
    )
    return [event for event in chain["auditEvents"]["nodes"] if action in ("", event["action"])]
