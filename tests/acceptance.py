"""What the acceptance tests of products do as frontends, backends and operators do it."""

import asyncio
import contextlib
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

import asyncpg
import httpx
import pytest
from PIL import Image

from tests.factories import Client, Person
from tests.products import checked, keyed
from tests.servers import ROOT, Postgres, Server

AREAS = "{ catalogue { areas { permissions { key } } } }"
CREATED_KEY = "secret apiKey { id prefix }"
LETTER = "/accept-invitation"


async def orgraph(server: Server, catalogue: str, *arguments: str) -> tuple[int, str]:
    """Exit code and output of the product's `orgraph` command."""
    environment = os.environ | {"ORGRAPH_DATABASE_URL": server.database_url, "ORGRAPH_CATALOGUE": catalogue}
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "server.cli", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    return ended.returncode, ended.stdout + ended.stderr


async def permissions_of(server: Server) -> set[str]:
    """All that the product has."""
    areas = (await Client(server).query(AREAS))["catalogue"]["areas"]
    return {permission["key"] for area in areas for permission in area["permissions"]}


async def backend(owner: Person, role: str = "admin") -> Client:
    """The product's, which has an API key of the organization."""
    return (await keyed(owner, role))[0]


async def granted(asker: Client, person: Person, permissions: Iterable[str]) -> set[str]:
    """Those of the permissions that the asker, the product's backend, is told the person has."""
    keys = sorted(permissions)
    about = {"organizationId": person.organization_id, "userId": person.user_id}
    reasons = await checked(asker, *({"permission": key} | about for key in keys))
    assert set(reasons) <= {"GRANTED", "NOT_GRANTED"}, reasons
    return {key for key, reason in zip(keys, reasons, strict=True) if reason == "GRANTED"}


async def reads(person: Client, organization_id: str, *fields: str) -> dict[str, str]:
    """By field of the organization, `shown` or the code with which it is null."""
    found = {}
    for field in fields:
        query = f"query ($id: ID!) {{ organization(id: $id) {{ {field} }} }}"
        answer = await person.execute(query, {"id": organization_id})
        value = next(iter(answer.body["data"]["organization"].values()))
        assert (value is None) is bool(answer.codes)
        found[field.split()[0].partition("(")[0]] = answer.codes[0] if answer.codes else "shown"
    return found


async def outcome(person: Client, mutation: str, input: dict[str, Any]) -> str:
    """`done`, or the code of the one error, of a row of inviteMembers too."""
    selection = "results { userErrors { code } }" if mutation == "inviteMembers" else ""
    payload = await person.mutate(mutation, input, selection)
    rows = payload.get("results") or []
    errors = [*payload["userErrors"], *(error for row in rows for error in row["userErrors"])]
    assert len(errors) <= 1, errors
    return str(errors[0]["code"]) if errors else "done"


def inviting(inviter: Person, email: str, role: str) -> dict[str, Any]:
    """The input of inviteMembers."""
    return {"organizationId": inviter.organization_id, "invitations": [{"email": email, "role": role}]}


async def viewer(person: Client, selection: str, **headers: str) -> Any:
    return (await person.query(f"{{ viewer {{ {selection} }} }}", **headers))["viewer"]


def picture(colour: str = "red") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (64, 32), colour).save(content, "PNG")
    return content.getvalue()


async def upload(person: Person, content: bytes) -> tuple[int, dict[str, Any]]:
    """Status and answer to whoever uploads a logo for the person's organization."""
    address = f"{person.server.url}/organizations/{person.organization_id}/logo"
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501
        response = await http.put(address, content=content, headers={"Authorization": f"Bearer {person.token}"})
    return response.status_code, response.json()


@contextlib.asynccontextmanager
async def altered_event(server: Server, slug: str, sequence: int) -> AsyncIterator[None]:
    """An event of an organization's log is another for a while, as somebody who owns the database could make it."""
    connection = await Postgres(server.database_url).connect()
    place = "WHERE chain_id = (SELECT id FROM organization WHERE slug = $1) AND sequence = $2"
    before = await connection.fetchval(f"SELECT action FROM audit_event {place}", slug, sequence)

    async def write(action: str) -> None:
        async with connection.transaction():
            await connection.execute("ALTER TABLE audit_event DISABLE TRIGGER USER")
            await connection.execute(f"UPDATE audit_event SET action = $3 {place}", slug, sequence, action)
            await connection.execute("ALTER TABLE audit_event ENABLE TRIGGER USER")

    try:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute(f"UPDATE audit_event SET action = 'member.left' {place}", slug, sequence)
        await write("member.left")
        yield
    finally:
        await write(before)
        await connection.close()
