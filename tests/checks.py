"""Questions to checkPermissions."""

from collections.abc import Iterable
from typing import Any

from tests.api_keys import Key
from tests.factories import Answer, Client, Person

CHECKS = """query ($checks: [PermissionCheckInput!]!, $atLeast: String) {
    checkPermissions(checks: $checks, atLeast: $atLeast) { allowed reason } }"""
READ, WRITE = "content:read", "content:write"

Check = dict[str, Any]


async def ask(client: Client, checks: Iterable[Check], at_least: str | None = None, **headers: str) -> Answer:
    return await client.execute(CHECKS, {"checks": list(checks), "atLeast": at_least}, **headers)


async def reasons(client: Client, *checks: Check, at_least: str | None = None, **headers: str) -> list[str]:
    rows = (await ask(client, checks, at_least, **headers)).data["checkPermissions"]
    assert [row["allowed"] for row in rows] == [row["reason"] == "GRANTED" for row in rows]
    return [row["reason"] for row in rows]


def of(subject: Person, permission: str = READ, **place: Any) -> Check:
    """About a person or a key, in their organization."""
    whom = {"apiKeyId": subject.id} if isinstance(subject, Key) else {"userId": subject.user_id}
    return {"permission": permission, "organizationId": subject.organization_id} | whom | place
