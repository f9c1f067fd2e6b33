"""A product with settings of every kind, and what tests do with settings and plans."""

import asyncio
import subprocess
import sys
from typing import Any

from tests.factories import Client, Person
from tests.servers import ROOT, Server

EDITS = {
    "product/plan": "free",
    "features": {"recording": "Recording", "sealing": "Sealing", "extinct": "Nothing has it"},
    "plans": {
        "free": {"name": "Free"},
        "mid": {"name": "Middle", "features": ["recording"]},
        "full": {"name": "Full", "features": ["recording", "sealing"]},
    },
    "settings/colour": {"name": "Colour", "type": "choice", "choices": ["red", "blue"], "default": "red"},
    "settings/limit": {"name": "L", "type": "integer", "minimum": -5, "maximum": 9, "default": 5, "workspace": True},
    "settings/count": {"name": "Count", "type": "integer"},
    "settings/motto": {"name": "Motto", "type": "text", "workspace": True},
    "settings/contact": {"name": "Contact", "type": "email"},
    "settings/quiet": {"name": "Quiet", "type": "boolean", "default": True, "workspace": True},
    "settings/recorded": {
        "name": "Recording",
        "type": "boolean",
        "default": False,
        "feature": "recording",
        "workspace": True,
    },
    "settings/sealed": {"name": "Sealing", "type": "boolean", "feature": "sealing"},
    "settings/extinct": {"name": "Extinct", "type": "boolean", "feature": "extinct"},
}
SETTINGS = "settings { key name description value inherited feature available }"


def rows(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in given.items()]


async def update(client: Client, id: str, settings: list[dict[str, Any]], selection: str = "") -> Any:
    """The payload, of an organization's settings or a workspace's."""
    if id.startswith("org"):
        return await client.mutate(
            "updateOrganizationSettings", {"organizationId": id, "settings": settings}, selection
        )
    return await client.mutate("updateWorkspaceSettings", {"workspaceId": id, "settings": settings}, selection)


async def put(client: Client, id: str, **given: Any) -> list[tuple[str, str]]:
    """The code and field of each error; none: it worked."""
    return [(e["code"], e["field"]) for e in (await update(client, id, rows(given)))["userErrors"]]


async def full(client: Client, id: str) -> dict[str, dict[str, Any]]:
    """An organization's or a workspace's settings, by key."""
    both = f"... on Organization {{ {SETTINGS} }} ... on Workspace {{ {SETTINGS} }}"
    query = f"query ($id: ID!) {{ node(id: $id) {{ {both} }} }}"
    return {each["key"]: each for each in (await client.query(query, {"id": id}))["node"]["settings"]}


async def seen(client: Client, id: str, key: str) -> tuple[Any, bool]:
    """A setting's value, and whether it is inherited."""
    setting = (await full(client, id))[key]
    return setting["value"], setting["inherited"]


async def event(person: Person) -> dict[str, Any]:
    """The newest of the person's organization."""
    listed = await person.organization(
        """auditEvents(first: 1) { totalCount nodes {
            action workspace { id } target { id } changes { field before after } } }"""
    )
    return {"count": listed["auditEvents"]["totalCount"]} | listed["auditEvents"]["nodes"][0]


async def assign(person: Person, plan: str, *options: str) -> None:
    """As the installation's operator does."""
    slug = (await person.organization("slug"))["slug"]
    environment = {"ORGRAPH_DATABASE_URL": person.server.database_url, "ORGRAPH_CATALOGUE": catalogue_of(person.server)}
    command = [sys.executable, "-m", "server.cli", "plan", "set", slug, plan, *options]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{slug} has the plan {plan} now" in done.stdout


def catalogue_of(server: Server) -> str:
    """As its process was told."""
    with open(f"/proc/{server.process.pid}/environ") as file:
        (named,) = [each for each in file.read().split("\0") if each.startswith("ORGRAPH_CATALOGUE=")]
    return named.partition("=")[2]
