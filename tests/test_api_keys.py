"""API keys: their secrets, their roles, how they are rotated, revoked and listed."""

import asyncio
import hashlib
import re
import string
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schema.scalars import parse_any_id
from tests.api_keys import Key, custom_role, key_events, mint, rotated, set_key, works
from tests.factories import LATER, Client, Person, cast, owner, refusal, sql
from tests.organizations import NOWHERE, found
from tests.servers import Mailbox, Server

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET = re.compile(r"orgraph_[0-9A-Za-z]{49}")
SHOWN = len("orgraph_") + 8
KEY = """id name prefix createdAt expiresAt previousSecretExpiresAt lastUsedAt lastUsedIp
    workspace { id } role { key } createdBy { id } viewerCan { rotateApiKey { allowed } revokeApiKey { allowed } }"""
NODE = "query ($id: ID!) { node(id: $id) { ... on ApiKey { %s } } }"
ABILITY = "viewerCan { rotateApiKey { allowed reason permission } revokeApiKey { allowed reason permission } }"


def number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 62 + ALPHABET.index(digit)
    return value


def digits(value: int, length: int) -> str:
    return "".join(ALPHABET[value // 62**place % 62] for place in reversed(range(length)))


async def node(viewer: Client, key: Key, selection: str = KEY) -> Any:
    return (await viewer.query(NODE % selection, {"id": key.id}))["node"]


async def listed(viewer: Person, arguments: str = "first: 100") -> list[str]:
    page = (await viewer.organization(f"apiKeys({arguments}) {{ totalCount nodes {{ id }} }}"))["apiKeys"]
    assert page["totalCount"] == len(page["nodes"])
    return [row["id"] for row in page["nodes"]]


# Secrets


async def test_a_secret_is_random_and_carries_its_checksum(boss: Person) -> None:
    secrets = {(await mint(boss, "viewer")).token or "" for _ in range(5)}
    assert len(secrets) == 5
    for secret in secrets:
        assert SECRET.fullmatch(secret)
        random, checksum = secret.removeprefix("orgraph_")[:43], secret[-6:]
        assert number(random) < 2**256
        assert number(checksum) == zlib.crc32(random.encode())


async def test_a_secret_is_shown_once_and_kept_nowhere(server: Server, boss: Person) -> None:
    first = await mint(boss)
    second = await rotated(boss, first)
    assert await works(first)
    assert await works(second)
    seen = await node(boss, first) | {"events": await key_events(boss)}
    assert seen["prefix"] == str(second.token)[:SHOWN]
    (kept,) = await sql(server, "SELECT * FROM api_key WHERE id = $1", parse_any_id(first.id))
    assert kept["secret_hash"] == hashlib.sha256(str(second.token).encode()).hexdigest()
    assert kept["previous_hash"] == hashlib.sha256(str(first.token).encode()).hexdigest()
    tables = await sql(server, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) > 10
    for key in (first, second):
        hidden = str(key.token)[SHOWN:]
        assert hidden not in str(seen)
        assert hidden not in server.output()
        for (table,) in tables:
            rows = await sql(server, f'SELECT 1 FROM "{table}" t WHERE t::text LIKE $1 LIMIT 1', f"%{hidden}%")
            assert rows == [], table


async def test_what_is_not_a_key_is_nobodys(boss: Person) -> None:
    key = await mint(boss)
    secret = str(key.token)
    random, checksum = secret[8:51], secret[51:]
    other = "a" if random[20] != "a" else "b"
    altered = random[:20] + other + random[21:]
    looks_right = altered + digits(zlib.crc32(altered.encode()), 6)
    no_keys = {
        "another checksum": f"orgraph_{random}{digits((number(checksum) + 1) % 62**6, 6)}",
        "altered": f"orgraph_{altered}{checksum}",
        "truncated": secret[:-1],
        "longer": f"{secret}0",
        "another prefix": f"Orgraph_{random}{checksum}",
        "without prefix": random + checksum,
        "only the prefix": "orgraph_",
        "what is shown of it": secret[:SHOWN],
        "its hash": hashlib.sha256(secret.encode()).hexdigest(),
        "its id": key.id,
    }
    for what, token in no_keys.items():
        assert not await works(Client(boss.server, token)), what
    unknown = Client(boss.server, f"orgraph_{looks_right}")
    assert not await works(unknown)
    # What its checksum gives away costs no look into the database
    query = "{ viewer { permissions } }"
    assert (await Client(boss.server, no_keys["altered"]).execute(query)).statements == 0
    assert (await unknown.execute(query)).statements == 1
    assert await works(key)


# Making them


async def test_keys_of_the_organization_and_of_a_workspace(boss: Person) -> None:
    workspace, role = await boss.workspace(), await custom_role(boss, "content:read", "api_keys:read")
    custom = (await boss.query("query ($id: ID!) { node(id: $id) { ... on Role { key } } }", {"id": role}))["node"]
    for named, expected in (("viewer", {"key": "viewer"}), (role, custom), (custom["key"], custom)):
        for place in (None, workspace):
            key = await mint(boss, named, workspaceId=place, name="  Backend  ")
            seen = await node(boss, key)
            assert (seen["name"], seen["role"], seen["createdBy"]) == ("Backend", expected, {"id": boss.user_id})
            assert seen["workspace"] == (place and {"id": place})
            assert (seen["expiresAt"], seen["lastUsedAt"], seen["previousSecretExpiresAt"]) == (None, None, None)
            [event] = (await key_events(boss, "api_key.created"))[:1]
            assert event["target"] == {"type": "key", "id": key.id, "label": "Backend"}
            assert event["workspace"] == (place and {"id": place})
            changes = {change["field"]: change["after"] for change in event["changes"]}
            assert changes == {"name": "Backend", "role": expected["key"]}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "REQUIRED"),
        (" \t ", "REQUIRED"),
        ("x" * 101, "TOO_LONG"),
        ("two\nlines", "INVALID"),
        ("nul\0", "INVALID"),
        ("\u202eback", "INVALID"),
        ("\u200b", "REQUIRED"),
    ],
)
async def test_bad_names_are_refused(boss: Person, name: str, code: str) -> None:
    before = await listed(boss)
    assert await refusal(boss, "createApiKey", {"name": name, "role": "viewer"}) == (code, "name")
    assert await listed(boss) == before


async def test_the_longest_name_is_taken(boss: Person) -> None:
    assert (await node(boss, await mint(boss, name="ü" * 100)))["name"] == "ü" * 100


async def test_what_a_key_cannot_be_made_of(server: Server, mailbox: Mailbox, boss: Person) -> None:
    stranger = await owner(server, mailbox)
    foreign_workspace, foreign_role = await stranger.workspace(), await custom_role(stranger, "content:read")
    elsewhere = await found(boss, switch=False)
    own = await boss.workspace()
    base = {"name": "Key", "role": "viewer"}
    table: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"organizationId": stranger.organization_id}, ("NOT_FOUND", "organizationId")),
        ({"organizationId": NOWHERE}, ("NOT_FOUND", "organizationId")),
        ({"organizationId": "junk"}, ("NOT_FOUND", "organizationId")),
        ({"workspaceId": foreign_workspace}, ("NOT_FOUND", "workspaceId")),
        ({"workspaceId": boss.organization_id}, ("NOT_FOUND", "workspaceId")),
        ({"workspaceId": own, "organizationId": elsewhere["id"]}, ("INVALID", "workspaceId")),
        ({"role": "nothing"}, ("NOT_FOUND", "role")),
        ({"role": foreign_role}, ("NOT_FOUND", "role")),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ("INVALID", "expiresAt")),
        ({"expiresAt": datetime.now(UTC).isoformat()}, ("INVALID", "expiresAt")),
    ]
    for given, refused in table:
        assert await refusal(boss, "createApiKey", base | given) == refused, given
    await boss.do("createApiKey", base | {"workspaceId": own, "organizationId": boss.organization_id})


async def test_an_expired_key_is_dead_and_stays_so(boss: Person) -> None:
    key = await mint(boss, expiresAt=LATER)
    assert await works(key)
    assert datetime.fromisoformat((await node(boss, key))["expiresAt"]) == datetime.fromisoformat(LATER)
    await set_key(key, "expires_at = now() - interval '1 s'")
    assert not await works(key)
    assert not await works(await rotated(boss, key))
    assert (await node(boss, key))["id"] == key.id


# Use


async def test_use_is_written_down_once_a_minute(server: Server, boss: Person) -> None:
    key = await mint(boss)
    await sql(server, "CREATE TABLE touched (id uuid)")
    try:
        await sql(
            server,
            """CREATE FUNCTION count_touch() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO touched VALUES (NEW.id); RETURN NULL; END'""",
        )
        await sql(
            server,
            "CREATE TRIGGER count_touch AFTER UPDATE ON api_key FOR EACH ROW "
            "WHEN (NEW.last_used_at IS DISTINCT FROM OLD.last_used_at) EXECUTE FUNCTION count_touch()",
        )
        times = [await _used(boss, key)]
        await set_key(key, "last_used_at = now() - interval '50 s'")
        times.append(await _used(boss, key))
        await set_key(key, "last_used_at = now() - interval '61 s'")
        times.append(await _used(boss, key))
        written = await sql(server, "SELECT count(*) FROM touched WHERE id = $1", parse_any_id(key.id))
        # Two by the requests, two by the time travel
        assert written[0]["count"] == 2 + 2
        fresh, travelled, again = (datetime.now(UTC) - time for time in times)
        assert fresh < timedelta(seconds=30) < travelled
        assert again < timedelta(seconds=30)
    finally:
        for what in ("FUNCTION IF EXISTS count_touch CASCADE", "TABLE touched"):
            await sql(server, f"DROP {what}")


async def _used(boss: Person, key: Key) -> datetime:
    """When the key was used last, after many requests at once and some more."""
    assert all(await asyncio.gather(*(works(key) for _ in range(30))))
    async with asyncio.timeout(15):
        while (seen := await node(boss, key))["lastUsedAt"] is None:
            await asyncio.sleep(0.01)
    for _ in range(10):
        assert await works(key)
    seen = await node(boss, key)
    assert seen["lastUsedIp"] == "127.0.0.1"
    return datetime.fromisoformat(seen["lastUsedAt"])


# Rotation


async def test_both_secrets_work_until_the_overlap_is_over(boss: Person) -> None:
    old = await mint(boss)
    new = await rotated(boss, old)
    assert old.token != new.token
    assert await works(old)
    assert await works(new)
    until = datetime.fromisoformat((await node(boss, old))["previousSecretExpiresAt"])
    assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)
    [event] = (await key_events(boss, "api_key.rotated"))[:1]
    prefixes = {"field": "prefix", "before": str(old.token)[:SHOWN], "after": str(new.token)[:SHOWN]}
    assert (event["target"]["id"], event["changes"]) == (old.id, [prefixes])
    await set_key(old, "previous_expires_at = now() - interval '1 s'")
    assert not await works(old)
    assert await works(new)


async def test_without_overlap_the_old_secret_dies_at_once(boss: Person) -> None:
    old = await mint(boss)
    new = await rotated(boss, old, overlapMinutes=0)
    assert not await works(old)
    assert await works(new)


async def test_a_second_rotation_kills_the_first_secret(boss: Person) -> None:
    first = await mint(boss)
    second = await rotated(boss, first)
    third = await rotated(boss, first, overlapMinutes=30 * 24 * 60)
    assert [await works(key) for key in (first, second, third)] == [False, True, True]


async def test_a_key_rotates_itself(boss: Person) -> None:
    old = await mint(boss)
    new = await rotated(old, old, overlapMinutes=0)
    assert [await works(key) for key in (old, new)] == [False, True]
    assert (await node(boss, old))["createdBy"] == {"id": boss.user_id}


@pytest.mark.parametrize("minutes", [-1, -(2**31), 30 * 24 * 60 + 1, 2**31 - 1])
async def test_an_overlap_has_bounds(boss: Person, minutes: int) -> None:
    key = await mint(boss)
    refused = ("INVALID", "overlapMinutes")
    assert await refusal(boss, "rotateApiKey", {"apiKeyId": key.id, "overlapMinutes": minutes}) == refused
    assert await works(key)
    assert (await node(boss, key))["previousSecretExpiresAt"] is None


async def test_a_revoked_key_is_gone(boss: Person) -> None:
    old = await mint(boss)
    new = await rotated(boss, old)
    payload = await boss.do("revokeApiKey", {"apiKeyId": old.id}, "apiKey { id role { key } }")
    assert payload["apiKey"] == {"id": old.id, "role": {"key": "admin"}}
    assert not await works(old)
    assert not await works(new)
    assert await node(boss, old) is None
    assert old.id not in await listed(boss)
    for mutation in ("revokeApiKey", "rotateApiKey"):
        assert await refusal(boss, mutation, {"apiKeyId": old.id}) == ("NOT_FOUND", "apiKeyId")
    assert (await key_events(boss))[0]["action"] == "api_key.revoked"


# Who may


async def test_who_may_manage_keys(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    reader_role = await custom_role(founder, "api_keys:read")
    admin, reader, member = await cast(founder, mailbox, "admin", reader_role, "member")
    of_owner, of_viewer = await mint(founder, "owner"), await mint(founder, "viewer")

    async def outcomes(actor: Person, key: Key) -> list[tuple[str, str | None]]:
        return [await refusal(actor, name, {"apiKeyId": key.id}) for name in ("rotateApiKey", "revokeApiKey")]

    async def shown(actor: Person, key: Key) -> Any:
        both = list((await node(actor, key, ABILITY))["viewerCan"].values())
        assert both[0] == both[1]
        return both[0]

    new = {"organizationId": founder.organization_id, "name": "Key", "role": "viewer"}
    for actor in (reader, member):
        error = await actor.refused("createApiKey", new)
        assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
        assert error["details"] == {"permission": "api_keys:manage"}
    assert await refusal(stranger, "createApiKey", new) == ("NOT_FOUND", "organizationId")
    assert await refusal(admin, "createApiKey", new | {"role": "owner"}) == ("ABOVE_YOUR_ROLE", "role")
    for key in (of_owner, of_viewer):
        assert await outcomes(reader, key) == [("FORBIDDEN", "apiKeyId")] * 2
        forbidden = {"allowed": False, "reason": "FORBIDDEN", "permission": "api_keys:manage"}
        assert await shown(reader, key) == forbidden
        for blind in (member, stranger):
            assert await outcomes(blind, key) == [("NOT_FOUND", "apiKeyId")] * 2
            assert await node(blind, key) is None
        assert (await shown(founder, key))["allowed"]
    assert await outcomes(admin, of_owner) == [("ABOVE_YOUR_ROLE", "apiKeyId")] * 2
    assert await shown(admin, of_owner) == {"allowed": False, "reason": "ABOVE_YOUR_ROLE", "permission": None}
    assert await works(of_owner)
    assert (await shown(admin, of_viewer))["allowed"]
    assert await works(await rotated(admin, of_viewer))
    await admin.do("revokeApiKey", {"apiKeyId": of_viewer.id})
    for junk in ("junk", "key_junk", founder.organization_id, NOWHERE.replace("org", "key")):
        assert await refusal(founder, "rotateApiKey", {"apiKeyId": junk}) == ("NOT_FOUND", "apiKeyId")


async def test_keys_are_seen_where_one_may_see_keys(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    here, there, gone = [await founder.workspace() for _ in range(3)]
    role = await custom_role(founder, "api_keys:read", "api_keys:manage", "content:read", "members:read")
    wide, member = await cast(founder, mailbox, role, "member")
    (local,) = await cast(founder, mailbox, role, workspaceIds=[here])
    await founder.do("grantRole", {"memberId": wide.member_id, "role": "viewer", "workspaceId": here})
    own, near, far, dead = [await mint(founder, "viewer", workspaceId=place) for place in (None, here, there, gone)]
    name = (await founder.query("query ($id: ID!) { workspace(id: $id) { name } }", {"id": gone}))["workspace"]["name"]
    await founder.do("deleteWorkspace", {"workspaceId": gone, "confirmName": name})
    keys = {"own": own, "near": near, "far": far, "dead": dead}
    workspace = "query ($id: ID!) { workspace(id: $id) { apiKeys { totalCount nodes { id } } } }"

    async def of_workspace(viewer: Person, id: str) -> Any:
        answer = await viewer.execute(workspace, {"id": id})
        place = answer.body["data"]["workspace"]
        page = place and place["apiKeys"]
        assert page is None or page["totalCount"] == len(page["nodes"])
        return answer.codes or (page and [row["id"] for row in page["nodes"]])

    assert await listed(founder) == [far.id, near.id, own.id]
    assert await listed(wide) == [near.id, own.id]
    query = "query ($id: ID!) { organization(id: $id) { id apiKeys { totalCount } } }"
    for viewer in (local, member):
        answer = await viewer.execute(query, {"id": founder.organization_id})
        assert answer.codes == ["FORBIDDEN"]
        assert answer.body["data"]["organization"] == {"id": founder.organization_id, "apiKeys": None}
        assert answer.body["errors"][0]["extensions"]["permission"] == "api_keys:read"
    assert await stranger.query(query, {"id": founder.organization_id}) == {"organization": None}
    expected: list[tuple[Person, Any, Any, list[str]]] = [
        (founder, [near.id], [far.id], ["own", "near", "far"]),
        (wide, [near.id], None, ["own", "near"]),
        (local, [near.id], None, ["near"]),
        (member, None, None, []),
        (stranger, None, None, []),
    ]
    for viewer, in_here, in_there, seen in expected:
        assert await of_workspace(viewer, here) == in_here
        assert await of_workspace(viewer, there) == in_there
        assert [what for what, key in keys.items() if await node(viewer, key)] == seen
        hidden = [key for what, key in keys.items() if what not in seen]
        for key in hidden:
            assert await refusal(viewer, "revokeApiKey", {"apiKeyId": key.id}) == ("NOT_FOUND", "apiKeyId")
    await founder.do("grantRole", {"memberId": member.member_id, "role": "viewer", "workspaceId": here})
    assert await of_workspace(member, here) == ["FORBIDDEN"]
    # In its own workspace the local one manages keys, and nowhere else
    assert await works(await rotated(local, near))
    assert await works(await mint(local, "viewer", workspaceId=here))
    base = {"organizationId": founder.organization_id, "name": "Key", "role": "viewer"}
    assert await refusal(local, "createApiKey", base) == ("FORBIDDEN", "organizationId")
    assert await refusal(local, "createApiKey", base | {"workspaceId": there}) == ("NOT_FOUND", "workspaceId")


PAGES = """query ($id: ID!, $after: String, $first: Int) { node(id: $id) {
    ... on Organization { apiKeys(first: $first, after: $after) { ...Page } }
    ... on Workspace { apiKeys(first: $first, after: $after) { ...Page } } } }
    fragment Page on ApiKeyConnection { totalCount pageInfo { hasNextPage endCursor } nodes { %s } }"""


async def test_pages_of_keys(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    first = await mint(founder, "viewer", workspaceId=workspace)

    async def page(id: str, first: int, after: str | None = None) -> tuple[Any, int]:
        variables = {"id": id, "first": first, "after": after}
        await founder.execute(PAGES % KEY, variables)  # who asks is remembered from here on
        answer = await founder.execute(PAGES % KEY, variables)
        return answer.data["node"]["apiKeys"], answer.statements

    few = {id: await page(id, 100) for id in (founder.organization_id, workspace)}
    await sql(
        server,
        """INSERT INTO api_key (id, created_at, organization_id, workspace_id, role_id, name, secret_prefix,
            secret_hash, created_by_id)
        SELECT gen_random_uuid(), created_at - n / 5 * interval '1 s', organization_id, workspace_id, role_id,
            name || n, secret_prefix, md5(n || name) || md5(name || n), created_by_id
        FROM api_key, generate_series(1, 40) n WHERE id = $1""",
        parse_any_id(first.id),
    )
    for id, (before, statements) in few.items():
        whole, now = await page(id, 100)
        assert now == statements
        assert [len(before["nodes"]), whole["totalCount"], len(whole["nodes"])] == [1, 41, 41]
        created = [row["createdAt"] for row in whole["nodes"]]
        assert created == sorted(created, reverse=True)
        walked, after, more = [], None, True
        while more:
            part, _ = await page(id, 7, after)
            walked += part["nodes"]
            more, after = part["pageInfo"]["hasNextPage"], part["pageInfo"]["endCursor"]
        assert walked == whole["nodes"]
