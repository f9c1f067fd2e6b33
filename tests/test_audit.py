"""The audit log: what stands in it, who may read it, and that tampering shows."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tortoise.exceptions import BaseORMException

from schema.scalars import parse_any_id
from server import audit, chains, demo
from server.database import fetch
from server.models import AuditChain, AuditEvent, ChainKind, PrincipalType
from tests.factories import Client, Person, invite, join, owner, sign_up, unique
from tests.servers import Mailbox, Postgres, Server

EVENT = """id sequence action actor { type id label } target { type id label } workspace { id }
    changes { field before after } ip userAgent requestId createdAt previousHash hash"""


async def log_of(person: Person, filter: str = "", order: str = "ASC", selection: str = EVENT) -> list[dict[str, Any]]:
    """The first 100 events, by the text of a filter."""
    arguments = f"first: 100, filter: {{{filter}}}, orderBy: {{direction: {order}}}"
    found = await person.organization(f"auditEvents({arguments}) {{ totalCount nodes {{ {selection} }} }}")
    nodes: list[dict[str, Any]] = found["auditEvents"]["nodes"]
    assert found["auditEvents"]["totalCount"] == len(nodes)
    return nodes


async def test_every_field(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox)
    place = await boss.workspace()
    started = datetime.now(UTC)
    held = {"memberId": member.member_id, "role": "admin", "workspaceId": place, "expiresAt": "2100-01-01T00:00:00Z"}
    await boss.do("grantRole", held, X_Request_Id="the-request:1", User_Agent="Browser/1 (x; y)")
    granted, entered = (await log_of(boss))[-2:]
    assert parse_any_id(granted.pop("id")) is not None
    created = datetime.fromisoformat(granted.pop("createdAt"))
    assert started - timedelta(seconds=1) < created < datetime.now(UTC) + timedelta(seconds=1)
    assert created.utcoffset() == timedelta(0)
    assert len(granted["hash"]) == 64
    assert entered["previousHash"] == granted.pop("hash")
    assert len(granted.pop("previousHash")) == 64
    assert granted == {
        "sequence": entered["sequence"] - 1,
        "action": "grant.created",
        "actor": {"type": "USER", "id": boss.user_id, "label": boss.email},
        "target": {"type": "mem", "id": member.member_id, "label": member.email},
        "workspace": {"id": place},
        "changes": [
            {"field": "role", "before": None, "after": "admin"},
            {"field": "expiresAt", "before": None, "after": "2100-01-01T00:00:00.000000Z"},
        ],
        "ip": "127.0.0.1",
        "userAgent": "Browser/1 (x; y)",
        "requestId": "the-request:1",
    }
    assert (entered["action"], entered["changes"], entered["requestId"]) == (
        "member.workspace_entered",
        [],
        "the-request:1",
    )
    assert entered["workspace"] == {"id": place}


async def test_the_chain_is_on_the_graph(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    for _ in range(5):
        await invite(boss)
    nodes = await log_of(boss)
    assert [node["sequence"] for node in nodes] == list(range(1, len(nodes) + 1))
    assert nodes[0]["previousHash"] == audit.FIRST_HASH
    assert [node["previousHash"] for node in nodes[1:]] == [node["hash"] for node in nodes[:-1]]
    assert await log_of(boss, order="DESC") == nodes[::-1]


async def test_the_server_makes_a_request_id_for_who_gives_none(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    for wished, kept in ((None, False), ("abc.DEF_1-2:3", True), ("a b", False), ("x" * 65, False), ("x" * 64, True)):
        headers = {"X_Request_Id": wished} if wished else {}
        answer = await boss.execute(
            "mutation ($text: String) { updateOrganization(input: {description: $text}) { userErrors { code } } }",
            {"text": unique("text")},
            **headers,
        )
        shown = answer.headers["x-request-id"]
        assert (shown == wished) is kept
        assert (await log_of(boss))[-1]["requestId"] == shown


async def test_filters(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    admin, member = await join(boss, mailbox, "admin"), await join(boss, mailbox)
    await admin.do("suspendMember", {"memberId": member.member_id})
    await boss.do("reactivateMember", {"memberId": member.member_id})
    await boss.do("suspendMember", {"memberId": member.member_id})
    everything = await log_of(boss)

    def those(test: Any) -> list[dict[str, Any]]:
        found = [node for node in everything if test(node)]
        assert 0 < len(found) < len(everything)
        return found

    suspended = those(lambda node: node["action"] == "member.suspended")
    assert len(suspended) == 2
    assert await log_of(boss, 'action: "member.suspended"') == suspended
    assert await log_of(boss, 'action: "member.suspended"', "DESC") == suspended[::-1]
    assert await log_of(boss, f'actorId: "{admin.user_id}"') == those(lambda n: n["actor"]["id"] == admin.user_id)
    assert await log_of(boss, f'targetId: "{member.member_id}"') == those(
        lambda node: node["target"]["id"] == member.member_id
    )
    moment = everything[len(everything) // 2]["createdAt"]
    after, before = those(lambda n: n["createdAt"] >= moment), those(lambda n: n["createdAt"] < moment)
    assert await log_of(boss, f'createdAfter: "{moment}"') == after
    assert await log_of(boss, f'createdBefore: "{moment}"') == before
    assert await log_of(boss, f'createdAfter: "{moment}", createdBefore: "{moment}"') == []
    combined = f'action: "member.suspended", actorId: "{boss.user_id}", targetId: "{member.member_id}"'
    assert await log_of(boss, f'{combined}, createdAfter: "{moment}"') == [suspended[1]]
    assert await log_of(boss, f'{combined}, createdBefore: "{suspended[1]["createdAt"]}"') == []
    for nothing in ('action: "member"', 'action: "\\u0000"', f'actorId: "{member.member_id}"', 'action: ""'):
        assert await log_of(boss, nothing) == []


@pytest.mark.parametrize(
    "filter",
    ['actorId: "junk"', 'targetId: ""', 'targetId: "mem_\\u0000"', 'createdAfter: "yesterday"', 'createdBefore: ""'],
)
async def test_a_filter_that_cannot_be(server: Server, mailbox: Mailbox, filter: str) -> None:
    boss = await owner(server, mailbox)
    query = (
        f"query ($id: ID!) {{ organization(id: $id) {{ name auditEvents(filter: {{{filter}}}) {{ totalCount }} }} }}"
    )
    answer = await boss.execute(query, {"id": boss.organization_id})
    assert answer.codes == ["BAD_REQUEST"]
    assert filter.partition(":")[0] in str(answer.body["errors"]) or "DateTime" in str(answer.body["errors"])


@pytest.mark.parametrize(
    "moment",
    ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"],
)
async def test_times_at_the_edges(server: Server, mailbox: Mailbox, moment: str) -> None:
    """Without a time zone, or out of what Python or PostgreSQL can say in UTC."""
    boss = await owner(server, mailbox)
    query = """query ($id: ID!, $moment: DateTime) { organization(id: $id) {
        auditEvents(filter: {createdAfter: $moment}) { totalCount } } }"""
    answer = await boss.execute(query, {"id": boss.organization_id, "moment": moment})
    assert set(answer.codes) <= {"BAD_REQUEST"}


async def test_reading_takes_a_permission(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    member, admin = await join(boss, mailbox), await join(boss, mailbox, "admin")
    stranger = await owner(server, mailbox)
    query = "query ($id: ID!) { organization(id: $id) { name auditEvents { totalCount } } }"
    answer = await member.execute(query, {"id": boss.organization_id})
    assert answer.status == 200
    assert answer.body["data"]["organization"]["name"]
    assert answer.body["data"]["organization"]["auditEvents"] is None
    (error,) = answer.body["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN", "permission": "audit:read"}
    assert "audit:read" in error["message"]
    assert error["path"] == ["organization", "auditEvents"]
    assert (await admin.query(query, {"id": boss.organization_id}))["organization"]["auditEvents"]["totalCount"] > 0
    assert (await stranger.query(query, {"id": boss.organization_id})) == {"organization": None}
    event = (await log_of(boss))[0]["id"]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await boss.query(node, {"id": event}) == {"node": {"id": event}}
    for other in (member, stranger):
        assert await other.query(node, {"id": event}) == {"node": None}


async def test_a_workspace_that_the_reader_cannot_enter_is_not_named(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    place = await boss.workspace(name := unique("Secret "))
    assert (await log_of(boss, 'action: "workspace.created"'))[0]["workspace"] == {"id": place}
    await boss.do("deleteWorkspace", {"workspaceId": place, "confirmName": name})
    created = (await log_of(boss, 'action: "workspace.created"'))[0]
    assert created["workspace"] is None
    assert created["target"] == {"type": "ws", "id": place, "label": name}


REFUSED = [
    ("member", "removeMember", {"memberId": "boss"}, "FORBIDDEN"),
    ("member", "createWorkspace", {"name": "No"}, "FORBIDDEN"),
    ("member", "updateOrganization", {"name": "No"}, "FORBIDDEN"),
    ("member", "deleteOrganization", {"confirmName": "No"}, "FORBIDDEN"),
    ("member", "inviteMembers", {"invitations": [{"email": "no@example.com", "role": "viewer"}]}, "FORBIDDEN"),
    ("member", "setMemberRole", {"memberId": "member", "role": "owner"}, "FORBIDDEN"),
    ("admin", "suspendMember", {"memberId": "boss"}, "ABOVE_YOUR_ROLE"),
    ("admin", "grantRole", {"memberId": "admin", "role": "owner"}, "ABOVE_YOUR_ROLE"),
    ("boss", "suspendMember", {"memberId": "boss"}, "LAST_OWNER"),
    ("boss", "setMemberRole", {"memberId": "boss", "role": "admin"}, "LAST_OWNER"),
    ("boss", "leaveOrganization", {}, "LAST_OWNER"),
]


async def test_refusals_leave_their_trace_and_nothing_else(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    people = {"boss": boss, "admin": await join(boss, mailbox, "admin"), "member": await join(boss, mailbox)}
    state = """name slug workspaces { totalCount } invitations { totalCount }
        members { nodes { id status grants { id role { key } } } }"""
    before = await boss.organization(state)
    start = len(await log_of(boss))
    for who, mutation, input, code in REFUSED:
        named = input | ({"memberId": people[str(input["memberId"])].member_id} if "memberId" in input else {})
        if mutation not in ("removeMember", "suspendMember", "setMemberRole", "grantRole"):
            named["organizationId"] = boss.organization_id
        assert (await people[who].refused(mutation, named))["code"] == code, mutation
    traces = (await log_of(boss))[start:]
    assert len(traces) == len(REFUSED)
    for trace, (who, mutation, _, code) in zip(traces, REFUSED, strict=True):
        assert trace["action"] == "access.refused"
        assert trace["actor"]["id"] == people[who].user_id
        assert trace["target"]["id"] == boss.organization_id
        assert {change["field"]: change["after"] for change in trace["changes"]} == {
            "operation": mutation,
            "code": code,
        }
    assert await boss.organization(state) == before


async def test_a_strangers_attempt_leaves_no_trace(server: Server, mailbox: Mailbox) -> None:
    """What somebody cannot see is not there, for them and for the log."""
    boss, stranger = await owner(server, mailbox), await owner(server, mailbox)
    before = await log_of(boss)
    assert (await stranger.refused("removeMember", {"memberId": boss.member_id}))["code"] == "NOT_FOUND"
    assert await log_of(boss) == before


async def test_no_secret_stands_in_the_log(server: Server, mailbox: Mailbox, postgres: Postgres) -> None:
    boss = await owner(server, mailbox)
    invitation = await invite(boss)
    token = await mailbox.token(invitation["email"])
    await sign_up(server, invitation["email"], invitationToken=token, password=(password := "a very Secret one"))
    connection = await postgres.connect("orgraph_server")
    try:
        rows = await connection.fetch("SELECT e::text AS row FROM audit_event e")
    finally:
        await connection.close()
    text = "\n".join(row["row"] for row in rows)
    for secret in (token, hashlib.sha256(token.encode()).hexdigest(), password, "$argon2", str(boss.token)):
        assert secret not in text


async def test_sequences_have_no_gap_under_concurrency(server: Server, mailbox: Mailbox, postgres: Postgres) -> None:
    boss = await owner(server, mailbox)
    start = (await log_of(boss))[-1]["sequence"]
    await asyncio.gather(*(boss.workspace() for _ in range(50)))
    nodes = await log_of(boss)
    assert [node["sequence"] for node in nodes] == list(range(1, len(nodes) + 1))
    assert sum(node["action"] == "workspace.created" for node in nodes[start:]) == 50
    assert [node["previousHash"] for node in nodes[1:]] == [node["hash"] for node in nodes[:-1]]
    # by an implementation of its own: the columns are the whole of what is hashed
    connection = await postgres.connect("orgraph_server")
    try:
        rows = await connection.fetch(
            f"SELECT {chains.HASHED_COLUMNS} FROM audit_event WHERE chain_id = $1 ORDER BY sequence",
            parse_any_id(boss.organization_id),
        )
    finally:
        await connection.close()
    for row in rows:
        assert row["hash"] == reference_hash(row["previous_hash"], dict(row) | {"changes": json.loads(row["changes"])})


# The chain


def reference_hash(previous_hash: str, event: dict[str, Any]) -> str:
    """RFC 8785, for strings, integers and null, by the standard library."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        return str(value) if isinstance(value, UUID) or hasattr(value, "hex") else value

    body = {name: plain(value) for name, value in event.items() if name not in ("previous_hash", "hash")}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((previous_hash + text).encode()).hexdigest()


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
hashed = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "sequence": st.integers(1, 2**53),
        "action": words,
        "actor_type": st.sampled_from(PrincipalType),
        "actor_id": st.none() | st.uuids(),
        "target_label": words | st.sampled_from(["\x00\x1f\x7f\x80\u2028", '"\\/\b\f\n\r\t', "\U0001f600ﬀé"]),
        "changes": st.lists(st.fixed_dictionaries({"field": words, "before": values, "after": values}), max_size=3),
        "ip": st.none() | words,
        "created_at": st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)),
        "hash": words,
        "previous_hash": words,
    }
)


@given(st.text("0123456789abcdef", min_size=64, max_size=64), hashed)
def test_the_hash_is_of_canonical_json(previous_hash: str, event: dict[str, Any]) -> None:
    assert audit.event_hash(previous_hash, event) == reference_hash(previous_hash, event)


@pytest.fixture
async def chain(database: str) -> UUID:
    """Of an organization with some history, in a scratch database."""
    await demo.load(1, 5, 60, progress=False)
    found = await AuditChain.get(kind=ChainKind.ORGANIZATION)
    assert found.sequence > 30
    return found.id


async def tamper(statement: str, chain: UUID) -> None:
    await fetch("ALTER TABLE audit_event DISABLE TRIGGER ALL")
    await fetch(statement, chain)


async def test_verify_passes(chain: UUID) -> None:
    assert await audit.verify(chain) == audit.Verification((await AuditChain.get(id=chain)).sequence)


ALTERED = {
    "action": "'member.left'",
    "actor_type": "'system'",
    "actor_id": "gen_random_uuid()",
    "actor_label": "'somebody@else.example'",
    "target_type": "'xyz'",
    "target_id": "gen_random_uuid()",
    "target_label": "target_label || ' '",
    "workspace_id": "gen_random_uuid()",
    "changes": """'[{"field": "role", "before": null, "after": "owner"}]'""",
    "ip": "'10.0.0.1'",
    "user_agent": "'another'",
    "request_id": "'another'",
    "created_at": "created_at + interval '1 microsecond'",
    "previous_hash": "repeat('a', 64)",
    "hash": "repeat('a', 64)",
    "id": "gen_random_uuid()",
}


async def test_an_altered_field_is_found(chain: UUID) -> None:
    """Each column, each at an event of its own, from the end of the chain to its beginning."""
    assert set(ALTERED) | {"chain_id", "sequence"} == set(AuditEvent._meta.db_fields)
    for sequence, (column, value) in zip(range(30, 0, -1), ALTERED.items(), strict=False):
        await tamper(f"UPDATE audit_event SET {column} = {value} WHERE chain_id = $1 AND sequence = {sequence}", chain)
        assert await audit.verify(chain) == audit.Verification(sequence - 1, sequence, "altered"), column


@pytest.mark.parametrize("sequence", [1, 2, 17])
async def test_a_deleted_event_is_found(chain: UUID, sequence: int) -> None:
    await tamper(f"DELETE FROM audit_event WHERE chain_id = $1 AND sequence = {sequence}", chain)
    assert await audit.verify(chain) == audit.Verification(sequence - 1, sequence, "missing")


async def test_a_deleted_event_whose_number_is_closed_up_is_found(chain: UUID) -> None:
    await tamper("DELETE FROM audit_event WHERE chain_id = $1 AND sequence = 9", chain)
    for sequence in range(10, (await AuditChain.get(id=chain)).sequence + 1):
        move = f"UPDATE audit_event SET sequence = sequence - 1 WHERE chain_id = $1 AND sequence = {sequence}"
        await tamper(move, chain)
    assert (await audit.verify(chain)).broken_at == 9


async def test_swapped_events_are_found(chain: UUID) -> None:
    for old, new in ((12, 10**6), (13, 12), (10**6, 13)):
        await tamper(f"UPDATE audit_event SET sequence = {new} WHERE chain_id = $1 AND sequence = {old}", chain)
    assert await audit.verify(chain) == audit.Verification(11, 12, "altered")


async def test_a_truncated_tail_is_found(chain: UUID) -> None:
    end = (await AuditChain.get(id=chain)).sequence
    await tamper(f"DELETE FROM audit_event WHERE chain_id = $1 AND sequence > {end - 5}", chain)
    assert await audit.verify(chain) == audit.Verification(end - 5, end - 4, "missing")


async def test_a_head_that_was_turned_back_is_found(chain: UUID) -> None:
    await tamper("UPDATE audit_chain SET sequence = sequence - 1 WHERE id = $1", chain)
    end = (await AuditChain.get(id=chain)).sequence
    assert (await audit.verify(chain)).broken_at in (end, end + 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET ip = NULL",
        "UPDATE audit_event SET sequence = sequence",
        "DELETE FROM audit_event",
        "DELETE FROM audit_event WHERE sequence = 3",
        "TRUNCATE audit_event",
        "TRUNCATE audit_event, audit_chain CASCADE",
    ],
)
async def test_the_database_refuses_to_rewrite_history(chain: UUID, statement: str) -> None:
    before = await AuditEvent.all().count()
    with pytest.raises((BaseORMException, asyncpg.PostgresError), match="append-only"):
        await fetch(statement)
    assert await AuditEvent.all().count() == before


async def test_who_was_not_signed_in(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    invitation = await invite(boss)
    await Client(server).do("declineInvitation", {"token": await mailbox.token(invitation["email"])})
    declined = (await log_of(boss))[-1]
    assert declined["action"] == "invitation.declined"
    assert (declined["actor"]["type"], declined["actor"]["id"]) == ("ANONYMOUS", None)
    assert declined["actor"]["label"]
