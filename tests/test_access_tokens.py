"""Signed access tokens: a service that knows the public keys alone can tell who asks, and what they may do."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from schema.scalars import parse_any_id
from server import access_tokens, organizations
from server.access import Actor, Origin
from server.audit import INSTALLATION, change, verify
from server.authentication import authenticate, new_api_key_secret, open_session, token_hash
from server.catalogue import catalogue
from server.database import fetch
from server.models import AuditEvent, SigningKey, User
from server.rows import uuid7
from server.settings import settings
from tests.factories import Client, Person, cast, join, owner, refusal, sql, unique
from tests.organizations import NOWHERE, found
from tests.servers import ROOT, Mailbox, Postgres, Server

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the verifier's, where it knows RFC 9864

MINUTES = 60
Claims = dict[str, Any]


async def issued(client: Client, headers: dict[str, str] | None = None, **input: Any) -> str:
    payload = await client.do("issueAccessToken", input, "accessToken expiresAt", **(headers or {}))
    return str(payload["accessToken"])


async def public_keys(http: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await http.get("/.well-known/jwks.json")).json())


def verified(token: str, keys: dict[str, Any], issuer: str, audience: str, now: int | None = None) -> Claims:
    """What a product's own service does, without asking Orgraph."""
    found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["EdDSA"])  # type: ignore[arg-type]
    assert found.header["typ"] == "at+jwt"
    expected: Any = {"iss": {"value": issuer, "essential": True}, "aud": {"value": audience, "essential": True}}
    essential: Any = {name: {"essential": True} for name in ("exp", "iat", "sub", "jti", "org")}
    jwt.JWTClaimsRegistry(now=now, **expected, **essential).validate(found.claims)
    return found.claims


async def claims_of(http: httpx.AsyncClient, client: Client, /, **input: Any) -> Claims:
    issuer = client.server.url
    return verified(await issued(client, **input), await public_keys(http), issuer, input.get("audience", issuer))


async def api_key(person: Person, role: str, workspace_id: str | None = None) -> tuple[Client, str]:
    """A key of the person's organization, and its id."""
    secret, id = new_api_key_secret(), uuid7()
    await sql(
        person.server,
        """INSERT INTO api_key (id, created_at, name, secret_prefix, secret_hash, created_by_id, organization_id,
            role_id, workspace_id)
        SELECT $1, now(), 'Bot', $2, $3, $4, $5, r.id, $6 FROM role r WHERE r.key = $7 AND r.organization_id IS NULL""",
        *(id, secret[:16], token_hash(secret), parse_any_id(person.user_id), parse_any_id(person.organization_id)),
        *(workspace_id and parse_any_id(workspace_id), role),
    )
    return Client(person.server, secret), access_tokens.type_id("key", id)


# What a token says


async def test_an_owner(http: httpx.AsyncClient, boss: Person) -> None:
    before = int(time.time())
    payload = await boss.do("issueAccessToken", {}, "accessToken expiresAt")
    claims = verified(payload["accessToken"], await public_keys(http), boss.server.url, boss.server.url)
    assert claims["sub"] == boss.user_id
    assert claims["org"] == boss.organization_id
    assert "workspace" not in claims
    assert claims["roles"] == ["owner"]
    assert claims["permissions"] == sorted(catalogue.permissions)
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] == claims["iat"] + 5 * MINUTES
    assert datetime.fromisoformat(payload["expiresAt"]).timestamp() == claims["exp"]
    again = await claims_of(http, boss)
    assert again["jti"] != claims["jti"]
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti", "org", "roles", "permissions"}


async def test_a_member_limited_to_a_workspace(http: httpx.AsyncClient, boss: Person, mailbox: Mailbox) -> None:
    here, there = await boss.workspace(), await boss.workspace()
    [member] = await cast(boss, mailbox, "member", workspaceIds=[here])
    inside = await claims_of(http, member, workspaceId=here)
    assert (inside["org"], inside["workspace"]) == (boss.organization_id, here)
    assert inside["roles"] == ["member"]
    assert inside["permissions"] == catalogue.permissions_of("member")
    outside = await claims_of(http, member, organizationId=boss.organization_id)
    assert (outside["roles"], outside["permissions"]) == ([], [])
    assert await refusal(member, "issueAccessToken", {"workspaceId": there}) == ("NOT_FOUND", "workspaceId")
    await boss.do("grantRole", {"memberId": member.member_id, "role": "viewer", "workspaceId": here})
    assert (await claims_of(http, member, workspaceId=here))["roles"] == ["member", "viewer"]


async def test_a_token_is_of_this_moment(http: httpx.AsyncClient, boss: Person, mailbox: Mailbox) -> None:
    member = await join(boss, mailbox)
    assert (await claims_of(http, member))["roles"] == ["member"]
    await boss.do("setMemberRole", {"memberId": member.member_id, "role": "viewer"})
    claims = await claims_of(http, member)
    assert claims["roles"] == ["viewer"]
    assert claims["permissions"] == catalogue.permissions_of("viewer")
    await boss.do("suspendMember", {"memberId": member.member_id})
    named = {"organizationId": boss.organization_id}
    assert await refusal(member, "issueAccessToken", named) == ("NOT_FOUND", "organizationId")


async def test_the_active_places(http: httpx.AsyncClient, server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    home = ann.organization_id
    place = await ann.workspace(switch=True)
    other = (await found(ann, switch=False))["id"]
    elsewhere = await ann.workspace(organizationId=other)
    keys = await public_keys(http)

    async def told(headers: dict[str, str] | None = None, **input: str) -> tuple[str, str | None]:
        claims = verified(await issued(ann, headers, **input), keys, server.url, server.url)
        return claims["org"], claims.get("workspace")

    assert await told() == (home, place)
    assert await told(organizationId=home) == (home, place)
    assert await told(organizationId=other) == (other, None)
    assert await told(workspaceId=elsewhere) == (other, elsewhere)
    assert await told(organizationId=other, workspaceId=elsewhere) == (other, elsewhere)
    assert await told({"Orgraph_Organization": other}) == (other, None)
    assert await told({"Orgraph_Workspace": elsewhere}) == (other, elsewhere)
    assert await told({"Orgraph_Workspace": elsewhere}, organizationId=home) == (home, None)
    mixed = {"organizationId": home, "workspaceId": elsewhere}
    assert await refusal(ann, "issueAccessToken", mixed) == ("NOT_FOUND", "workspaceId")


async def test_an_api_key(http: httpx.AsyncClient, boss: Person, mailbox: Mailbox, server: Server) -> None:
    place = await boss.workspace()
    key, key_id = await api_key(boss, "admin")
    claims = await claims_of(http, key)
    assert (claims["sub"], claims["org"], claims["roles"]) == (key_id, boss.organization_id, ["admin"])
    assert claims["permissions"] == sorted(catalogue.permissions_of("admin"))
    assert (await claims_of(http, key, workspaceId=place))["workspace"] == place
    limited, _ = await api_key(boss, "member", place)
    claims = await claims_of(http, limited)
    assert (claims["workspace"], claims["roles"]) == (place, ["member"])
    stranger = await owner(server, mailbox)
    for foreign in ({"organizationId": stranger.organization_id}, {"workspaceId": await stranger.workspace()}):
        assert await refusal(key, "issueAccessToken", foreign) == ("NOT_FOUND", next(iter(foreign)))
    recorded = await sql(
        server,
        "SELECT chain_id, actor_type FROM audit_event WHERE action = 'access_token.issued' AND target_id = $1",
        parse_any_id(key_id),
    )
    assert {tuple(event) for event in recorded} == {(parse_any_id(boss.organization_id), "api_key")}


async def test_audiences(http: httpx.AsyncClient, boss: Person) -> None:
    assert (await claims_of(http, boss, audience="https://agents.example.com"))["aud"] == "https://agents.example.com"
    token = await issued(boss, audience="one")
    with pytest.raises(InvalidClaimError):
        verified(token, await public_keys(http), boss.server.url, "another")
    for audience, code in (("", "REQUIRED"), (" ", "REQUIRED"), ("x" * 256, "TOO_LONG"), ("a\nb", "INVALID")):
        assert await refusal(boss, "issueAccessToken", {"audience": audience}) == (code, "audience")


# Who gets none


async def test_places_that_are_not_theirs(boss: Person, server: Server, mailbox: Mailbox) -> None:
    stranger = await owner(server, mailbox)
    theirs = await stranger.workspace()
    gone = await boss.workspace("Gone")
    await boss.do("deleteWorkspace", {"workspaceId": gone, "confirmName": "Gone"})
    for id in (stranger.organization_id, NOWHERE, "org_junk", "", boss.user_id):
        assert await refusal(boss, "issueAccessToken", {"organizationId": id}) == ("NOT_FOUND", "organizationId")
    for id in (theirs, gone, "ws_junk", boss.organization_id):
        assert await refusal(boss, "issueAccessToken", {"workspaceId": id}) == ("NOT_FOUND", "workspaceId")


async def test_nobody(server: Server) -> None:
    answer = await Client(server).execute("mutation { issueAccessToken(input: {}) { accessToken } }")
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.body["data"] == {"issueAccessToken": None}


# What the verifier refuses


async def test_altered_and_expired_tokens(http: httpx.AsyncClient, boss: Person) -> None:
    keys, url = await public_keys(http), boss.server.url
    token = await issued(boss)
    header, claims, signature = token.split(".")
    flipped = claims[:20] + ("A" if claims[20] != "A" else "B") + claims[21:]
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0"
    for altered in (f"{header}.{flipped}.{signature}", f"{unsigned}.{claims}.", f"{header}.{claims}.{signature[:-8]}"):
        with pytest.raises((JoseError, ValueError)):
            verified(altered, keys, url, url)
    verified(token, keys, url, url, now=int(time.time()) + 5 * MINUTES - 10)
    with pytest.raises(ExpiredTokenError):
        verified(token, keys, url, url, now=int(time.time()) + 5 * MINUTES + 10)


async def test_the_public_keys(http: httpx.AsyncClient) -> None:
    response = await http.get("/.well-known/jwks.json")
    assert response.headers["cache-control"] == "public, max-age=300"
    [key] = response.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}, "nothing private"
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")
    assert (await http.post("/.well-known/jwks.json")).status_code == 405


async def test_the_log_holds_no_secret(boss: Person, server: Server) -> None:
    logged = len(server.output())
    token = await issued(boss, audience="billing")
    [event] = await sql(
        server,
        """SELECT changes FROM audit_event WHERE action = 'access_token.issued' AND chain_id = $1
        ORDER BY sequence DESC LIMIT 1""",
        parse_any_id(boss.user_id),
    )
    changes = {each["field"]: each["after"] for each in json.loads(event["changes"])}
    assert changes["organization"] == boss.organization_id
    assert changes["audience"] == "billing"
    private = [json.loads(row["private_key"])["d"] for row in await sql(server, "SELECT private_key FROM signing_key")]
    everything = str([tuple(row) for row in await sql(server, "SELECT * FROM audit_event")]) + server.output()[logged:]
    for secret in (*token.split("."), *private):
        assert secret not in everything


# Keys, in a database of the test's own


async def somebody() -> Actor:
    """An owner, signed in."""
    user = await User.create(email=f"{unique('ann')}@example.com", name="Ann", password_hash="-")
    async with change(Actor(user_id=user.id, email=user.email)) as unit:
        organization = await organizations.create(unit, user, "Acme")
    _, token = await open_session(user.id, organization.id, Origin())
    actor = await authenticate(token, Origin())
    assert actor is not None
    return actor


async def token_of(actor: Actor) -> str:
    async with change(actor) as unit:
        return (await access_tokens.issue(unit, None, None, None)).token


def key_of(token: str) -> str:
    header = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


async def holds(token: str) -> bool:
    """Whether the token verifies by the keys that are public now."""
    try:
        verified(token, await access_tokens.jwks(), settings.url, settings.url)
    except (InvalidKeyIdError, BadSignatureError):
        return False
    return True


def environment(url: str) -> dict[str, str]:
    return os.environ | {"ORGRAPH_DATABASE_URL": url, "ORGRAPH_DATA_DIR": "/nonexistent"}


def rotate(url: str, *options: str) -> str:
    command = [sys.executable, "-m", "server.cli", "keys", "rotate", *options]
    ended = subprocess.run(command, cwd=ROOT, env=environment(url), capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


async def test_rotation_by_hand(database: str) -> None:
    actor = await somebody()
    first = await token_of(actor)
    [old] = await SigningKey.all()
    said = await asyncio.to_thread(rotate, database)
    second = await token_of(actor)
    new = await access_tokens.signing_key()
    assert access_tokens.key_id(new) in said
    assert access_tokens.key_id(old) not in said
    assert (key_of(first), key_of(second)) == (access_tokens.key_id(old), access_tokens.key_id(new))
    assert await holds(first)
    assert await holds(second)
    await asyncio.to_thread(rotate, database, "--revoke")
    third = await token_of(actor)
    assert [await holds(token) for token in (first, second, third)] == [False, False, True]
    events = await AuditEvent.filter(chain_id=INSTALLATION, action="signing_key.rotated").order_by("sequence")
    assert [event.target_id for event in events] == [old.id, new.id, (await SigningKey.get()).id]
    assert {event.actor_type for event in events} == {"system"}
    assert (await verify(INSTALLATION)).broken_at is None
    revoked = [access_tokens.key_id(old), access_tokens.key_id(new)]
    assert {"field": "revoked", "before": [], "after": revoked} in events[-1].changes


async def test_rotation_by_housekeeping(database: str) -> None:
    actor = await somebody()
    await access_tokens.renew()
    assert not await SigningKey.exists(), "no key before the first need"
    token = await token_of(actor)
    [first] = await SigningKey.all()
    await access_tokens.renew()
    assert await SigningKey.all().count() == 1, "a young key stays"

    await age(first, access_tokens.KEY_LIFE + timedelta(seconds=1))
    await asyncio.gather(*(access_tokens.renew() for _ in range(5)))
    second = await SigningKey.exclude(id=first.id).get()
    assert abs(second.signs_from - datetime.now(UTC) - access_tokens.NOTICE) < timedelta(minutes=1)
    assert (await access_tokens.signing_key()).id == first.id, "not before verifiers know the next"
    assert len((await access_tokens.jwks())["keys"]) == 2
    assert await AuditEvent.filter(action="signing_key.rotated", target_id=second.id).count() == 1

    await age(second, timedelta(seconds=1))
    assert (await access_tokens.signing_key()).id == second.id
    await access_tokens.renew()
    assert await holds(token), "what the former has signed stays valid"
    await age(second, settings.access_token_ttl + access_tokens.NOTICE - timedelta(minutes=1))
    await access_tokens.renew()
    assert await SigningKey.all().count() == 2
    await age(second, settings.access_token_ttl + access_tokens.NOTICE + timedelta(minutes=1))
    await access_tokens.renew()
    assert [key.id for key in await SigningKey.all()] == [second.id]


async def age(key: SigningKey, signing: timedelta) -> None:
    """The key has signed for so long."""
    await SigningKey.filter(id=key.id).update(signs_from=datetime.now(UTC) - signing)


async def test_a_key_that_was_to_be_next_is_gone_with_a_rotation_by_hand(database: str) -> None:
    await access_tokens.signing_key()
    await SigningKey.create(private_key={}, signs_from=datetime.now(UTC) + timedelta(hours=1))
    await access_tokens.rotate()
    assert len((await access_tokens.jwks())["keys"]) == 2
    assert not await SigningKey.exists(signs_from__gt=datetime.now(UTC))


NEEDS_A_KEY = """
import asyncio, sys
from server import access_tokens
from server.database import connected

async def run():
    async with connected(sys.argv[1]):
        print(access_tokens.key_id(await access_tokens.signing_key()))

asyncio.run(run())
"""


async def test_two_processes_that_need_the_first_key_make_one(database: str) -> None:
    connection = await Postgres(database).connect()
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM audit_chain WHERE id = $1 FOR UPDATE", INSTALLATION)
            processes = [
                subprocess.Popen([sys.executable, "-c", NEEDS_A_KEY, database], cwd=ROOT, stdout=subprocess.PIPE)
                for _ in range(2)
            ]
            waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            async with asyncio.timeout(30):
                while (await fetch(f"SELECT count(*) {waiting}"))[0]["count"] < 2:
                    await asyncio.sleep(0.05)
    finally:
        await connection.close()
    said = {(await asyncio.to_thread(process.communicate))[0] for process in processes}
    assert len(said) == 1
    assert await SigningKey.all().count() == 1
