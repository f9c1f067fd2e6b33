"""What the acceptance tests of the products share: programs with API keys, custom roles, settings, questions."""

from collections.abc import Iterable
from typing import Any

from schema.scalars import parse_any_id
from tests.factories import Client, Person, sql, unique

NODE = "query ($id: ID!) { node(id: $id) { id } }"
CHECKS = "query ($checks: [PermissionCheckInput!]!) { checkPermissions(checks: $checks) { reason } }"


def walked(rows: list[str], left_out: dict[str, str], names: Iterable[str]) -> bool:
    """Every row has a test, named after it, or is left out by name, and none is both.

    What is left out of a row that has a test is named by the row and some more words.
    """
    tested = {name.split("_")[1].upper() for name in names if name.startswith("test_")} & set(rows)
    assert tested | (left_out.keys() & set(rows)) == set(rows)
    assert not tested & left_out.keys()
    return {key.split()[0] for key in left_out} <= set(rows) and all(left_out.values())


async def keyed(person: Person, role: str, **input: Any) -> tuple[Client, str]:
    """A program with a new API key of the person's organization, and the key's id."""
    given = {"name": unique("Key "), "role": role, "organizationId": person.organization_id} | input
    payload = await person.do("createApiKey", given, "apiKey { id prefix } secret")
    assert payload["secret"].startswith(payload["apiKey"]["prefix"])
    return Client(person.server, payload["secret"]), payload["apiKey"]["id"]


async def custom_role(person: Person, *permissions: str, name: str | None = None) -> str:
    """A new role's id."""
    given = {"organizationId": person.organization_id, "name": name or unique("Role "), "permissions": permissions}
    return str((await person.do("createRole", given, "role { id }"))["role"]["id"])


async def checked(client: Client, *checks: dict[str, str]) -> list[str]:
    """The reason of each answer."""
    return [answer["reason"] for answer in (await client.query(CHECKS, {"checks": list(checks)}))["checkPermissions"]]


async def permissions(person: Client, **headers: str) -> set[str]:
    return set((await person.query("{ viewer { permissions } }", None, **headers))["viewer"]["permissions"])


def settings_input(person: Person, **settings: Any) -> dict[str, Any]:
    given = [{"key": key, "value": value} for key, value in settings.items()]
    return {"organizationId": person.organization_id, "settings": given}


async def settings_of(person: Person) -> dict[str, Any]:
    listed = (await person.organization("settings { key value }"))["settings"]
    return {setting["key"]: setting["value"] for setting in listed}


async def idle(person: Person, minutes: int) -> None:
    """As though the person had done nothing for so long."""
    past = "UPDATE session SET last_used_at = now() - make_interval(mins => $2) WHERE user_id = $1"
    await sql(person.server, past, parse_any_id(person.user_id), minutes)
