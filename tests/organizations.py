"""What tests of organizations do and ask over and over."""

from typing import Any

from tests.factories import ACTIVE, Person, unique

NOWHERE = "org_01h455vb4pex5vsknk084sn02q"


async def found(person: Person, **input: Any) -> dict[str, Any]:
    """A further organization of a person."""
    named = {"name": unique("Organization ")} | input
    return dict((await person.do("createOrganization", named, "organization { id name slug }"))["organization"])


async def active(person: Person, **headers: str) -> str | None:
    """The active organization's id."""
    organization = (await person.query(ACTIVE, **headers))["viewer"]["organization"]
    return organization and str(organization["id"])


async def name_of(person: Person) -> str:
    return str((await person.organization("name"))["name"])


async def actions(person: Person) -> list[str]:
    """What has happened in the person's organization, the newest first."""
    listed = await person.organization("auditEvents(first: 100) { nodes { action } }")
    return [event["action"] for event in listed["auditEvents"]["nodes"]]
