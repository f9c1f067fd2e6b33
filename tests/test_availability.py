"""Who can be turned to, and the checklist: what a product's own screens are drawn from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.factories import Client, Person, cast, invite, owner, refusal
from tests.organizations import NOWHERE, actions, found
from tests.servers import Mailbox, Server
from tests.streams import BOTH, CHANGES, Opener, head, since, take

Products = Callable[[str], Awaitable[Server]]

MEMBERS = """query ($id: ID!, $filter: MemberFilter) { organization(id: $id) {
    members(first: 100, filter: $filter) { totalCount nodes { id } } } }"""
WITH_AVAILABILITY = CHANGES.replace("member { id", "member { id availability")


@dataclass
class Desk:
    """A call centre's organization."""

    boss: Person
    agents: list[Person]
    member: Person
    viewer: Person

    async def listed(self, **filter: Any) -> set[str]:
        variables = {"id": self.boss.organization_id, "filter": filter}
        members = (await self.boss.query(MEMBERS, variables))["organization"]["members"]
        assert members["totalCount"] == len(members["nodes"])
        return {node["id"] for node in members["nodes"]}

    async def events(self) -> int:
        return int((await self.boss.organization("auditEvents { totalCount }"))["auditEvents"]["totalCount"])


async def be(person: Client, availability: str, **input: Any) -> dict[str, Any]:
    """The member as it then is."""
    input = {"availability": availability} | input
    return dict((await person.do("setAvailability", input, "member { id availability }"))["member"])


@pytest.fixture(scope="module")
async def desk(product: Products, mailbox: Mailbox) -> Desk:
    boss = await owner(await product("voice-agents"), mailbox)
    roles = ("support_agent", "support_agent", "support_agent", "member", "viewer")
    *agents, member, viewer = await cast(boss, mailbox, *roles)
    return Desk(boss, agents, member, viewer)


async def test_saying_so(desk: Desk) -> None:
    agent, *_ = desk.agents
    for availability in ("AVAILABLE", "BUSY", "OFFLINE"):
        assert await be(agent, availability) == {"id": agent.member_id, "availability": availability}
        event = await desk.boss.organization(
            "auditEvents(first: 1) { nodes { action actor { id } target { id } changes { field before after } } }"
        )
        (told,) = event["auditEvents"]["nodes"]
        assert (told["action"], told["actor"]["id"]) == ("member.availability_changed", agent.user_id)
        assert told["target"]["id"] == agent.member_id
        assert [(c["field"], c["after"]) for c in told["changes"]] == [("availability", availability.lower())]


async def test_the_same_again_records_nothing(desk: Desk) -> None:
    agent, *_ = desk.agents
    await be(agent, "BUSY")
    before = await desk.events()
    for input in ({}, {"organizationId": agent.organization_id}):
        assert await be(agent, "BUSY", **input) == {"id": agent.member_id, "availability": "BUSY"}
    assert await desk.events() == before
    await be(agent, "OFFLINE")
    assert await desk.events() == before + 1


async def test_who_may_not(desk: Desk, mailbox: Mailbox) -> None:
    for person in (desk.member, desk.viewer):
        error = await person.refused("setAvailability", {"availability": "AVAILABLE"})
        assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
        assert error["details"] == {"permission": "availability:set"}
    assert not {desk.member.member_id, desk.viewer.member_id} & await desk.listed(availability="AVAILABLE")
    # People say so of themselves: no key, nobody from elsewhere
    created = await desk.boss.do("createApiKey", {"name": "Key", "role": "support_agent"}, "secret")
    key = Client(desk.boss.server, created["secret"])
    assert (await key.refused("setAvailability", {"availability": "BUSY"}))["code"] == "FORBIDDEN"
    stranger = await owner(desk.boss.server, mailbox)
    for id in (desk.boss.organization_id, NOWHERE):
        input = {"availability": "BUSY", "organizationId": id}
        assert await refusal(stranger, "setAvailability", input) == ("NOT_FOUND", "organizationId")
    query = "mutation { setAvailability(input: {availability: BUSY}) { userErrors { code } } }"
    assert (await Client(desk.boss.server).execute(query)).codes == ["UNAUTHENTICATED"]
    assert (await desk.boss.execute(query.replace("BUSY", "AWAY"))).codes == ["BAD_REQUEST"]


async def test_each_organization_for_itself(desk: Desk) -> None:
    agent, *_ = desk.agents
    own = (await found(agent, switch=False))["id"]
    await be(agent, "BUSY")
    await be(agent, "AVAILABLE", organizationId=own)
    query = "{ viewer { memberships { nodes { availability organization { id } } } } }"
    nodes = (await agent.query(query))["viewer"]["memberships"]["nodes"]
    assert {node["organization"]["id"]: node["availability"] for node in nodes} == {
        agent.organization_id: "BUSY",
        own: "AVAILABLE",
    }


async def test_whom_a_call_can_go_to(desk: Desk) -> None:
    """Exactly the active members who are available and may claim it; owners and admins may."""
    available, busy, suspended = desk.agents
    for person, availability in ((available, "AVAILABLE"), (busy, "BUSY"), (suspended, "AVAILABLE")):
        await be(person, availability)
    await be(desk.boss, "OFFLINE")
    claiming = {"permission": "calls:claim"}
    assert await desk.listed(availability="AVAILABLE", **claiming) == {available.member_id, suspended.member_id}
    await desk.boss.do("suspendMember", {"memberId": suspended.member_id})
    assert await desk.listed(availability="AVAILABLE", **claiming) == {available.member_id}
    assert await desk.listed(availability="BUSY", **claiming) == {busy.member_id}
    assert await desk.listed(availability="OFFLINE", **claiming) == {desk.boss.member_id}
    assert await desk.listed(**claiming) == {desk.boss.member_id, available.member_id, busy.member_id}
    assert suspended.member_id in await desk.listed(availability="AVAILABLE")
    assert await desk.listed(permission="agents:read") == {desk.boss.member_id, desk.viewer.member_id}
    for unknown in ("calls:juggle", "", "*", "calls:*", "calls:claim\0x", "%", "CALLS:CLAIM", "x" * 10_000):
        assert await desk.listed(permission=unknown) == set(), unknown
    # A role that is lost or over does not count
    await desk.boss.do("setMemberRole", {"memberId": available.member_id, "role": "viewer"})
    assert await desk.listed(availability="AVAILABLE", **claiming) == set()
    await desk.boss.do("setMemberRole", {"memberId": available.member_id, "role": "support_agent"})
    await desk.boss.do("reactivateMember", {"memberId": suspended.member_id})
    assert await desk.listed(availability="AVAILABLE", **claiming) == {available.member_id, suspended.member_id}


async def test_who_sees_the_list(desk: Desk) -> None:
    answer = await desk.viewer.execute(MEMBERS, {"id": desk.viewer.organization_id, "filter": None})
    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"]["organization"]["members"] is None


@BOTH
async def test_a_change_arrives_live(desk: Desk, opened: Opener) -> None:
    """As it now is, whichever way the subscriber listens."""
    agent = desk.agents[0]
    await be(agent, "OFFLINE")
    async with opened(desk.boss, WITH_AVAILABILITY, after=since(await head(desk.boss))) as stream:
        for availability in ("AVAILABLE", "BUSY", "OFFLINE"):
            await be(agent, availability)
            await be(agent, availability)  # is not told: the next to arrive is another
            (change,) = await take(stream, 1)
            assert change["type"] == "AVAILABILITY_CHANGED"
            assert change["member"]["id"] == agent.member_id
            assert change["member"]["availability"] == availability


# The checklist


async def checklist(person: Person) -> dict[str, bool]:
    tasks = (await person.organization("checklist { key name description done }"))["checklist"]
    assert all(task["name"] for task in tasks)
    return {task["key"]: task["done"] for task in tasks}


async def test_tasks_tick_themselves_off(product: Products, mailbox: Mailbox) -> None:
    """By what is done, whoever does it; once done they stay done."""
    boss = await owner(await product("voice-agents"), mailbox)
    other = (await found(boss, switch=False))["id"]
    assert await checklist(boss) == {"invite_team": False, "create_api_key": False}
    elsewhere = {"organizationId": other, "name": "Key", "role": "viewer"}
    await boss.do("createApiKey", elsewhere)
    assert "api_key.created" not in await actions(boss)
    assert await checklist(boss) == {"invite_team": False, "create_api_key": False}, "of another organization"
    assert (await refusal(boss, "createApiKey", {"name": "", "role": "viewer"}))[0] == "REQUIRED"
    assert await checklist(boss) == {"invite_team": False, "create_api_key": False}, "refused"
    key = (await boss.do("createApiKey", {"name": "Key", "role": "viewer"}, "apiKey { id }"))["apiKey"]
    assert await checklist(boss) == {"invite_team": False, "create_api_key": True}
    await boss.do("revokeApiKey", {"apiKeyId": key["id"]})
    invitation = await invite(boss, "admin")
    await boss.do("revokeInvitation", {"invitationId": invitation["id"]})
    assert await checklist(boss) == {"invite_team": True, "create_api_key": True}


async def test_the_default_checklist(server: Server, mailbox: Mailbox) -> None:
    """Also an admin's doing counts."""
    boss = await owner(server, mailbox)
    assert await checklist(boss) == {"invite_members": False, "create_workspace": False}
    (admin,) = await cast(boss, mailbox, "admin")
    assert await checklist(admin) == {"invite_members": True, "create_workspace": False}
    await admin.workspace()
    assert await checklist(boss) == {"invite_members": True, "create_workspace": True}


async def test_who_sees_the_checklist(desk: Desk) -> None:
    for person in (desk.member, desk.viewer, desk.agents[0]):
        query = "query ($id: ID!) { organization(id: $id) { name checklist { done } } }"
        answer = await person.execute(query, {"id": person.organization_id})
        assert answer.codes == ["FORBIDDEN"]
        assert answer.body["errors"][0]["extensions"]["permission"] == "organization:update"
        assert answer.body["data"]["organization"]["checklist"] is None
    assert set(await checklist(desk.boss)) == {"invite_team", "create_api_key"}
