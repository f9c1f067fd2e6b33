"""Nobody makes last longer what they hold for a time, whether as a person or as an API key."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import LATER, Client, Person, grants_of, join, owner, refusal
from tests.servers import Mailbox, Server

SOONER = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
MUCH_LATER = (datetime.now(UTC) + timedelta(days=9)).isoformat()


@pytest.fixture
async def boss(server: Server, mailbox: Mailbox) -> Person:
    return await owner(server, mailbox)


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_a_role_for_a_time_stays_for_that_time(boss: Person, mailbox: Mailbox, role: str) -> None:
    person = await join(boss, mailbox, "viewer")
    about = {"memberId": person.member_id}
    await boss.do("grantRole", about | {"role": role, "expiresAt": LATER})
    before = await grants_of(boss, person.member_id)
    for more in ({}, {"expiresAt": MUCH_LATER}):
        code, field = await refusal(person, "grantRole", about | {"role": "member"} | more)
        assert (code, field) == ("ABOVE_YOUR_ROLE", "memberId" if role == "admin" else "expiresAt")
        assert (await refusal(person, "grantRole", about | {"role": role} | more))[0] == "ABOVE_YOUR_ROLE"
    for lower in (role, "member"):
        assert (await refusal(person, "setMemberRole", about | {"role": lower}))[0] == "ABOVE_YOUR_ROLE"
    assert (await refusal(person, "transferOwnership", {"memberId": boss.member_id}))[0] in (
        "FORBIDDEN",
        "ABOVE_YOUR_ROLE",
    )
    assert await grants_of(boss, person.member_id) == before


async def test_what_is_held_for_long_enough(boss: Person, mailbox: Mailbox) -> None:
    """An owner for a time gives themselves less for no longer than that; one for good does as they like."""
    person = await join(boss, mailbox, "viewer")
    about = {"memberId": person.member_id}
    await boss.do("grantRole", about | {"role": "owner", "expiresAt": LATER})
    await person.do("grantRole", about | {"role": "member", "expiresAt": SOONER})
    own = {"memberId": boss.member_id}
    await boss.do("grantRole", own | {"role": "admin"})
    await boss.do("grantRole", own | {"role": "admin", "expiresAt": LATER})
    await boss.do("grantRole", own | {"role": "admin"})


async def test_a_key_that_ends_makes_none_that_lasts(boss: Person, server: Server) -> None:
    given = {"name": "Short", "role": "admin", "expiresAt": LATER}
    short = Client(server, (await boss.do("createApiKey", given, "secret"))["secret"])
    for more in ({}, {"expiresAt": MUCH_LATER}):
        assert await refusal(short, "createApiKey", {"name": "Long", "role": "viewer"} | more) == (
            "ABOVE_YOUR_ROLE",
            "expiresAt",
        )
    await short.do("createApiKey", {"name": "Shorter", "role": "viewer", "expiresAt": SOONER})
    long = await boss.do("createApiKey", {"name": "Long", "role": "viewer"}, "secret apiKey { id }")
    rotated = {"apiKeyId": long["apiKey"]["id"]}
    assert await refusal(short, "rotateApiKey", rotated) == ("ABOVE_YOUR_ROLE", "apiKeyId")
    lasting = Client(server, (await boss.do("createApiKey", {"name": "Lasting", "role": "admin"}, "secret"))["secret"])
    await lasting.do("rotateApiKey", rotated)
    await lasting.do("createApiKey", {"name": "Long", "role": "viewer"})
