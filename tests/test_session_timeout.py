"""A session that is unused for longer than its organization allows is over."""

import asyncio
from typing import Any

import pytest

from schema.scalars import parse_any_id
from server.authentication import token_hash
from tests.factories import Client, Person, cast, join, owner, sign_in, sql, unique
from tests.organizations import found
from tests.servers import Mailbox, Server
from tests.streams import BOTH, Opener, bearer, receive, refusal, send, socket

NAME = "query ($id: ID!) { organization(id: $id) { name } viewer { user { id } } }"
ME = "{ viewer { user { id } organization { id } } }"
SWITCH = """mutation ($id: ID!) { switchOrganization(input: {organizationId: $id}) { userErrors { code } } }"""
MINUTES = 10


async def limit(person: Person, minutes: int | None, organization_id: str | None = None) -> None:
    settings = [{"key": "session_timeout_minutes", "value": minutes}]
    id = organization_id or person.organization_id
    await person.do("updateOrganizationSettings", {"organizationId": id, "settings": settings})


async def idle(person: Person, seconds: float) -> None:
    """As if none of the person's sessions had been used for so long."""
    await sql(
        person.server,
        "UPDATE session SET last_used_at = now() - make_interval(secs => $2) WHERE user_id = $1",
        *(parse_any_id(person.user_id), seconds),
    )


async def idle_for(person: Person) -> float:
    """For how many seconds the person's session has not been used, as far as is written down."""
    ((seconds,),) = await sql(
        person.server,
        "SELECT extract(epoch FROM clock_timestamp() - last_used_at)::float FROM session WHERE user_id = $1",
        parse_any_id(person.user_id),
    )
    return float(seconds)


async def until_used(person: Person, seconds: float = 2) -> None:
    """Use is written down after the answer."""
    async with asyncio.timeout(15):
        while await idle_for(person) > seconds:
            await asyncio.sleep(0.02)


async def over(client: Client, **headers: str) -> bool:
    answer = await client.execute(ME, None, **headers)
    if answer.codes == ["UNAUTHENTICATED"]:
        assert not (answer.body.get("data") or {}).get("viewer")
        return True
    assert answer.data["viewer"]["user"]["id"]
    return False


@pytest.fixture(scope="module")
async def strict(server: Server, mailbox: Mailbox) -> Person:
    """An owner whose organization ends sessions after MINUTES."""
    boss = await owner(server, mailbox)
    await limit(boss, MINUTES)
    return boss


async def test_an_unused_session_is_over(strict: Person, mailbox: Mailbox) -> None:
    member = await join(strict, mailbox, "viewer")
    await idle(member, MINUTES * 60 + 1)
    answer = await member.execute(NAME, {"id": strict.organization_id})
    assert set(answer.codes) == {"UNAUTHENTICATED"}
    assert not any((answer.body.get("data") or {}).values())
    query = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }"
    assert (await member.execute(query, {"input": {"name": "Somebody"}})).codes == ["UNAUTHENTICATED"]
    # It does not come back by trying, nor by naming the organization
    assert await over(member)
    assert await over(member, Orgraph_Organization=strict.organization_id)
    assert await idle_for(member) > MINUTES * 60
    # Another session of the same person is a session of its own
    again = await sign_in(strict.server, member.email)
    assert again.organization_id == strict.organization_id
    assert (await again.query(NAME, {"id": strict.organization_id}))["organization"]["name"]
    assert await over(member)


async def test_a_session_in_use_goes_on(strict: Person, mailbox: Mailbox) -> None:
    """Each use counts from then on."""
    member = await join(strict, mailbox, "viewer")
    for _ in range(2):
        await idle(member, MINUTES * 60 - 20)
        assert not await over(member)
        await until_used(member)


async def test_use_is_written_down_as_often_as_it_takes(strict: Person, server: Server, mailbox: Mailbox) -> None:
    """Every three seconds where the timeout is a minute; else every minute will do."""
    hasty = await owner(server, mailbox)
    await limit(hasty, 1)
    easy = await owner(server, mailbox)
    for person in (hasty, easy):
        await idle(person, 5)
        assert not await over(person)
    await until_used(hasty)
    assert await idle_for(easy) >= 5
    await idle(easy, 61)
    assert not await over(easy)
    await until_used(easy)
    await idle(hasty, 61)
    assert await over(hasty)


async def test_changing_the_timeout_bites_at_once(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    (member,) = await cast(boss, mailbox, "viewer")
    await idle(member, 3600)
    assert not await over(member), "there is none by default"
    await until_used(member)
    await idle(member, 3600)
    await limit(boss, 59)
    assert await over(member)
    await limit(boss, 61)
    assert not await over(member)
    await until_used(member)
    await idle(member, 86400)
    assert await over(member)
    await limit(boss, None)
    assert not await over(member)


async def test_it_counts_for_the_active_organization(strict: Person, mailbox: Mailbox) -> None:
    """And for any other once it is asked for; what else the person belongs to goes on."""
    person = await join(strict, mailbox, "admin")
    place = await strict.workspace()
    own = (await found(person))["id"]
    for headers in (
        {"Orgraph_Organization": strict.organization_id},
        {"Orgraph_Workspace": place},
        {"Orgraph_Organization": strict.organization_id, "Orgraph_Workspace": place},
    ):
        await sql(strict.server, "DELETE FROM session WHERE user_id = $1", parse_any_id(person.user_id))
        member = await sign_in(strict.server, person.email)
        await member.do("switchOrganization", {"organizationId": own})
        assert not await over(member, **headers)
        await idle(member, MINUTES * 60 + 1)
        answer = await member.execute(NAME, {"id": strict.organization_id}, **headers)
        assert set(answer.codes) == {"UNAUTHENTICATED"}
        assert not any((answer.body.get("data") or {}).values())
        name = unique("Changed ")
        mutation = "mutation ($n: String!) { updateOrganization(input: {name: $n}) { userErrors { code } } }"
        assert (await member.execute(mutation, {"n": name}, **headers)).codes == ["UNAUTHENTICATED"]
        assert (await strict.organization("name"))["name"] != name
        assert await idle_for(member) > MINUTES * 60, "what is refused is no use"
        # Use elsewhere does not bring it back: that takes signing in
        for _ in range(2):
            assert not await over(member, Orgraph_Organization=own)
            await until_used(member)
            assert (await member.query(NAME, {"id": strict.organization_id}))["organization"] is None
            listed = await member.query("{ viewer { memberships { nodes { organization { id } } } } }")
            assert [node["organization"]["id"] for node in listed["viewer"]["memberships"]["nodes"]] == [own]
            assert (await member.execute(SWITCH, {"id": strict.organization_id})).codes == ["UNAUTHENTICATED"]
            assert await over(member, **headers)
    member = await sign_in(strict.server, person.email)
    await member.do("switchOrganization", {"organizationId": strict.organization_id})
    await idle(member, MINUTES * 60 + 1)
    assert await over(member)


async def test_the_cookie_and_the_key(strict: Person) -> None:
    """A cookie is a session too; an API key has no timeout."""
    input = {"organizationId": strict.organization_id, "name": "Key", "role": "viewer"}
    key = Client(strict.server, (await strict.do("createApiKey", input, "secret"))["secret"])
    await sql(strict.server, "UPDATE api_key SET last_used_at = now() - interval '1 day'")
    query = "{ viewer { organization { id } } }"
    assert (await key.query(query))["viewer"]["organization"] == {"id": strict.organization_id}
    boss = await sign_in(strict.server, strict.email)
    cookie = Client(strict.server, headers={"Cookie": f"orgraph={boss.token}"})
    assert not await over(cookie)
    await sql(
        strict.server,
        "UPDATE session SET last_used_at = now() - interval '1 hour' WHERE token_hash = $1",
        token_hash(boss.token or ""),
    )
    assert await over(cookie)
    assert await over(boss)
    assert not await over(strict)


@BOTH
async def test_an_open_subscription_ends(strict: Person, mailbox: Mailbox, opened: Opener) -> None:
    """Without an event, and with one."""
    member = await join(strict, mailbox, "admin")
    async with opened(member) as stream:
        ending = asyncio.ensure_future(refusal(stream))
        await asyncio.sleep(0.2)
        assert not ending.done()
        await idle(member, MINUTES * 60 + 1)
        assert await ending == "UNAUTHENTICATED"
    again = await sign_in(strict.server, member.email)
    async with opened(again) as stream:
        await idle(again, MINUTES * 60 + 1)
        await strict.do("setMemberRole", {"memberId": member.member_id, "role": "admin"})
        await strict.do("grantRole", {"memberId": member.member_id, "role": "viewer"})
        assert await refusal(stream) == "UNAUTHENTICATED"


async def test_work_over_a_socket_is_use(strict: Person, mailbox: Mailbox) -> None:
    """Each operation on it counts, as a request of its own would; an idle socket answers no more."""
    member = await join(strict, mailbox, "viewer")

    async def ask(connection: Any, id: str) -> dict[str, Any]:
        await send(connection, type="subscribe", id=id, payload={"query": ME})
        answer = await receive(connection)
        assert (await receive(connection))["type"] == "complete" if answer["type"] == "next" else True
        return dict(answer["payload"]) if answer["type"] == "next" else {"errors": answer["payload"]}

    async with socket(strict.server, bearer(member)) as connection:
        await idle(member, MINUTES * 60 - 20)
        assert (await ask(connection, "1"))["data"]["viewer"]["user"]["id"] == member.user_id
        await until_used(member)
        await idle(member, MINUTES * 60 + 1)
        answer = await ask(connection, "2")
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
        assert not (answer.get("data") or {}).get("viewer")
