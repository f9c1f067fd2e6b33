"""Isolation: random operations of people and keys in three organizations, on the server and on a small model.

What the server answers and what it then holds must be what the model says, after each step; and nothing of another
organization is ever to be told from what never was. ORGRAPH_TEST_EXAMPLES=1000 searches for longer.
"""

import asyncio
import copy
import json
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from schema.scalars import parse_any_id
from server.authentication import new_api_key_secret, token_hash
from server.rows import type_id, uuid7
from tests.factories import Answer, unique
from tests.isolation_model import OVER, PERMISSIONS, SOON, Given, Refused, Standing
from tests.isolation_rules import Rules
from tests.isolation_steps import LOOK, NAMES, OPERATIONS, Pick, Powers, as_json, ids
from tests.isolation_world import World, never, tenant
from tests.servers import Mailbox, Server

SEARCHING = "ORGRAPH_TEST_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("ORGRAPH_TEST_EXAMPLES", "6"))
ORGANIZATIONS = 3
BUILT_IN_ROLES = "SELECT id, key FROM role WHERE organization_id IS NULL ORDER BY id"


@pytest.fixture(scope="module")
def world(server: Server, mailbox: Mailbox) -> Iterator[World]:
    with (
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
        httpx.Client(base_url=server.url, verify=False, timeout=60) as http,  # noqa: S501
    ):
        url = server.database_url.replace("asyncpg://", "postgresql://")
        world = World(server, http, runner, runner.run(asyncpg.connect(url)))
        runner.run(world.populate(mailbox))
        yield world
        runner.run(world.database.close())


class Machine(RuleBasedStateMachine):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.organizations: list[str] = []
        self.places: dict[str, str | None] = {}
        self.secrets: dict[str, str] = {}
        self.sequences: dict[str, int] = {}

    def known(self, prefix: str) -> list[str]:
        return [id for id in self.places if id.rpartition("_")[0] == prefix]

    # The beginning

    @initialize(data=st.data())
    def found(self, data: st.DataObject) -> None:
        users, draw = list(self.world.users), data.draw
        for user in users[:ORGANIZATIONS]:
            given = {"name": unique("Organization "), "switch": False}
            answer = self.send(user, "createOrganization", given, "organization { id }")
            self.organizations.append(answer.data["createOrganization"]["organization"]["id"])
        for organization, founder in zip(self.organizations, users, strict=False):
            chain = parse_any_id(organization)
            workspaces = [self.insert("workspace", chain, name=name, slug=name.lower()) for name in ("North", "South")]
            roles = {row["key"]: row["id"] for row in self.world.sql(BUILT_IN_ROLES)}
            for name in NAMES[:2]:
                given = draw(st.lists(st.sampled_from(PERMISSIONS), unique=True, max_size=10))
                same = {"key": name.lower(), "name": name, "normalized_name": name.lower(), "permissions": given}
                roles[name.lower()] = self.insert("role", chain, **same)
            choices = st.sampled_from(["admin", *roles])
            invited = []
            for user in users:
                held = draw(st.lists(choices, unique=True, max_size=2))
                if held and user != founder:
                    member = self.insert("member", chain, user_id=parse_any_id(user), status="active")
                    for key in held:
                        at, until = (
                            draw(st.sampled_from([None, *workspaces])),
                            draw(st.sampled_from([None, None, SOON])),
                        )
                        to = {"member_id": member, "role_id": roles[key], "workspace_id": at, "expires_at": until}
                        self.insert("grant", chain, **to)
                elif user != founder:
                    invited.append({"email": self.world.users[user].email, "role": draw(choices)})
            if invited:
                self.send(founder, "inviteMembers", {"organizationId": organization, "invitations": invited}, "")
            # Whoever answers for a key or an invitation may have been demoted since
            people = st.sampled_from([founder, *users])
            inviter = "UPDATE invitation SET invited_by_id = $2 WHERE organization_id = $1"
            self.world.sql(inviter, chain, parse_any_id(draw(people)))
            for at in (None, None, *workspaces):
                secret, creator = new_api_key_secret(), parse_any_id(draw(people))
                kept = {"name": "Key", "secret_prefix": secret[:16], "secret_hash": token_hash(secret)}
                own = {"role_id": roles[draw(choices)], "workspace_id": at, "created_by_id": creator}
                self.secrets[type_id("key", self.insert("api_key", chain, **kept, **own))] = secret
        state = self.world.state(self.organizations)
        self.model = Rules(state.rows, copy.deepcopy(self.world.users), state.events)
        self.sequences = state.sequences
        self.places = dict.fromkeys(self.world.users) | {each.session: None for each in self.model.users.values()}
        self.remember()

    def insert(self, table: str, organization: Any, **values: Any) -> Any:
        row = {"id": uuid7(), "organization_id": organization} | values
        columns, numbers = ", ".join(row), ", ".join(f"${number}" for number, _ in enumerate(row, 1))
        insertion = f'INSERT INTO "{table}" ({columns}, created_at) VALUES ({numbers}, now())'
        self.world.sql(insertion, *row.values())
        return row["id"]

    def remember(self) -> None:
        rows = self.model.rows
        for table in (rows.organizations, rows.workspaces, rows.roles, rows.members, rows.keys, rows.invitations):
            self.places |= {id: rows.place_of(id) for id in table if id not in self.places}
        for (member, _, _), grant in rows.grants.items():
            self.places.setdefault(grant.id, rows.members[member].organization)
        self.places |= self.model.events

    def teardown(self) -> None:
        self.world.forget(self.organizations)

    # A step

    def send(self, who: str | None, operation: str, given: Given, selection: str) -> Answer:
        return self.world.mutate(self.token(who), operation, json.loads(as_json(given)), selection)

    def token(self, who: str | None) -> str | None:
        return self.world.tokens.get(who or "") or self.secrets.get(who or "")

    def operate(self, operation: str, data: st.DataObject) -> None:
        pick = Pick(self, data)
        drawn, selection = OPERATIONS[operation]
        given = {name: value for name, value in drawn(pick).items() if value is not None}
        invited = self.model.rows.invitations.get(given.get("invitationId", ""))
        author = invited.inviter if invited and operation == "acceptInvitation" else pick.who
        powers, person = self.powers(), self.model.person(author or "")
        foreign = self.foreign(pick.who, given)
        answer = self.send(pick.who, operation, given, selection)
        code, new = self.outcome(operation, given, answer)
        try:
            expected, changed = "done", self.model.do(operation, pick.who, given, new)
        except Refused as refused:
            expected, changed = refused.code, refused.organization
        note(f"{pick.who} {operation} {given}: {code}")
        assert code == expected, f"{operation}: {code}, where the model says {expected}"
        self.nothing_told(pick.who, operation, given, foreign, answer)
        self.compare(changed)
        self.ceiling(powers, author, person)
        self.look(Pick(self, data))

    def outcome(self, operation: str, given: Given, answer: Answer) -> tuple[str, str]:
        """The code, or `done`, and the id of what was made."""
        payload = (answer.body.get("data") or {}).get(operation)
        if payload is None:
            [code] = answer.codes
            return str(code), ""
        rows = payload.get("results") or [{}]
        errors = payload["userErrors"] + rows[0].get("userErrors", [])
        if errors:
            assert len(errors) == 1, errors
            return errors[0]["code"], ""
        made = [payload.get(name) for name in ("workspace", "role", "apiKey", "member")] + [rows[0].get("invitation")]
        new = next((each["id"] for each in made if each), "")
        if secret := payload.get("secret"):
            self.secrets[new or given["apiKeyId"]] = secret
        return "done", new

    def own_organizations(self, who: str | None) -> set[str | None]:
        """Deleted ones too, which an owner can restore."""
        both = [self.model.standing(who, id, deleted) for id in self.organizations for deleted in (False, True)]
        return {None, *(standing.organization for standing in both if standing)}

    def foreign(self, who: str | None, given: Given) -> list[str]:
        """Which of the ids are of organizations that one is not in."""
        own, text = self.own_organizations(who), as_json(given)
        email = self.model.users[who].email if who in self.model.users else ""
        received = [id for id, row in self.model.rows.invitations.items() if row.email == email]
        return [id for id, of in self.places.items() if of not in own and f'"{id}"' in text and id not in received]

    def nothing_told(self, who: str | None, operation: str, given: Given, foreign: list[str], answer: Answer) -> None:
        """What is of another organization is answered for as what never was, at the cost of as many statements."""
        if not foreign:
            return
        assert self.outcome(operation, given, answer)[0] != "done"
        text = as_json(given)
        for id in foreign:
            text = text.replace(id, never(id.rpartition("_")[0]))
        selection = OPERATIONS[operation][1]
        for _ in range(3):  # whether a session is in use is written down once a minute, which takes a statement
            unknown = self.send(who, operation, json.loads(text), selection)
            assert (unknown.status, unknown.body) == (answer.status, answer.body), operation
            if unknown.statements == answer.statements:
                return
            answer = self.send(who, operation, given, selection)
        raise AssertionError(f"{operation}: {answer.statements} statements, not {unknown.statements} as for no object")

    def compare(self, changed: str | None) -> None:
        """The database holds what the model says, and what must hold always."""
        state = self.world.state(self.organizations)
        for table, rows in vars(state.rows).items():
            assert rows == getattr(self.model.rows, table), table
        grown = {id for id, sequence in state.sequences.items() if sequence > self.sequences[id]}
        assert grown == {changed} - {None}, "the audit logs that have grown"
        self.sequences = state.sequences
        self.model.rows = state.rows  # with the ids and keys that the server has chosen
        self.model.events |= state.events
        self.remember()
        assert state.strays == []
        for id, organization in state.rows.organizations.items():
            assert organization.deleted or self.model.owners(id), "no owner is left"

    # The ceiling

    def powers(self) -> Powers:
        """What everybody may do, everywhere."""
        found: Powers = {}
        for id in self.organizations:
            for who in [*self.model.users, *self.model.rows.keys]:
                own = self.model.standing(who, id) or Standing(id, [])
                found |= {(who, id, place): own.permissions(place) for place in (None, *self.model.places(id))}
        return found

    def ceiling(self, before: Powers, author: str | None, person: str | None) -> None:
        """Whatever anybody has gained where it could be had before, its author had; and nobody gained by themself."""
        places = {key[1:] for key in before}
        for key, now in self.powers().items():
            who, organization, place = key
            gained = now - before.get(key, frozenset())
            if gained and key[1:] in places:
                held = before[author, organization, None] | before[author, organization, place]
                assert gained <= held, f"{who} has gained {gained - held} by {author}, who did not have it"
                assert who not in (author, person), f"{who} has gained {gained} by themself"

    # What is seen

    def look(self, pick: Pick) -> None:
        """Somebody asks for everything of an organization and a workspace, and for many ids of all kinds."""
        who, model = pick.who, self.model
        inside, at, permission = pick.id("org"), pick.id("ws"), pick.one([*PERMISSIONS, "no:such"])
        window = pick.data.draw(st.integers(0, max(0, len(self.places) - 90)))
        asked = [
            *list(self.places)[window : window + 90],
            "junk",
            "",
            never("mem"),
            never("org"),
            self.organizations[0] + "0",
        ]
        checks = self.checks(pick, permission, inside, at)
        variables = {"ids": asked, "in": inside, "at": at, "may": permission, "checks": checks}
        header = pick.one([None, None, "Orgraph-Organization", "Orgraph-Workspace"])
        headers = {header: inside if header == "Orgraph-Organization" else at} if header else {}
        answer = self.world.execute(self.token(who), LOOK, variables, **headers)
        note(f"{who} looks at {inside} and {at}, {headers}")
        own = model.standing(who, inside)
        row = model.rows.workspaces.get(at)
        there = model.standing(who, row.organization) if row else None
        enters = row is not None and there is not None and not row.deleted and there.enters(at)
        if not model.known(who):
            assert set(answer.codes) == {"UNAUTHENTICATED"}
            assert not any((answer.body["data"] or {}).values())
            return
        if (header == "Orgraph-Organization" and own is None) or (header == "Orgraph-Workspace" and not enters):
            assert (answer.status, answer.codes, answer.body.get("data")) == (403, ["FORBIDDEN"], None)
            return
        data, active = answer.body["data"], model.active(who)
        if header == "Orgraph-Organization":
            active = (inside, None)
        elif header and row:
            active = (row.organization, at)
        for id, node in zip(asked, data["nodes"], strict=True):
            assert (node is not None) == model.sees(who, id), (who, id)
            assert node is None or node["id"] == id
        self.look_inside(who, inside, own, data["organization"])
        keys = [id for id, key in model.rows.keys.items() if key.workspace == at]
        members = [id for id, member in model.rows.members.items() if member.active and model.enters(id, at)]
        shown = {"id": at, "members": sorted(members), "apiKeys": sorted(keys)} if enters else None
        if shown and there:
            takes = {"members": "members:read", "apiKeys": "api_keys:read"}
            shown |= {name: None for name, needed in takes.items() if needed not in there.permissions(at)}
        got = data["workspace"]
        assert (got and {name: ids(value) if name != "id" else value for name, value in got.items()}) == shown
        viewer = data["viewer"]
        here = model.standing(who, active[0])
        assert viewer["permissions"] == sorted(here.permissions(active[1]) if here else [])
        assert (ids(viewer["organization"]), ids(viewer["workspace"])) == active
        assert viewer["here"] is (permission in viewer["permissions"])
        assert viewer["inside"] is (own is not None and permission in own.permissions())
        on = model.standing(who, at) or (there if enters else None)
        assert viewer["there"] is (on is not None and permission in on.permissions(at if enters else None))
        mine = [
            id
            for id, member in model.rows.members.items()
            if member.user == who and model.standing(who, member.organization)
        ]
        assert ids(viewer["memberships"]) == (None if who in model.rows.keys else sorted(mine))
        for each, answered in zip(checks, data["checkPermissions"], strict=True):
            assert answered["reason"] == model.reason(who, each, active[0]), (who, each)
        refused = {".".join(error["path"]) for error in answer.body.get("errors", [])}
        assert set(answer.codes) <= {"FORBIDDEN"}
        nulls = {
            f"{top}.{name}"
            for top in ("organization", "workspace")
            for name in data[top] or {}
            if data[top][name] is None
        }
        assert refused == nulls

    def look_inside(self, who: str | None, inside: str, own: Standing | None, got: Any) -> None:
        rows = self.model.rows
        if own is None:
            assert got is None
            return

        def of(table: dict[str, Any]) -> list[str]:
            return sorted(id for id, row in table.items() if row.organization == inside)

        living = [id for id in of(rows.workspaces) if not rows.workspaces[id].deleted]
        keys = [
            id for id in of(rows.keys) if rows.keys[id].workspace in (None, *(id for id in living if own.enters(id)))
        ]
        gone = [id for id in of(rows.workspaces) if rows.workspaces[id].deleted and own.enters(id)]
        shown: dict[str, tuple[str | None, Any]] = {
            "id": (None, inside),
            "workspaces": (None, [id for id in living if own.enters(id)]),
            "roles": (None, sorted(id for id, role in rows.roles.items() if role.organization in (None, inside))),
            "members": ("members:read", of(rows.members)),
            "invitations": ("members:invite", of(rows.invitations)),
            "apiKeys": ("api_keys:read", keys),
            "restorableWorkspaces": ("workspaces:delete", gone),
            "auditEvents": ("audit:read", self.sequences[inside]),
        }
        for name, (needed, expected) in shown.items():
            value = got[name]
            if needed is not None and needed not in own.permissions():
                assert value is None, name
            elif name == "auditEvents":
                assert value["totalCount"] == expected
            else:
                assert (value if name == "id" else ids(value)) == expected, name

    def checks(self, pick: Pick, permission: str, inside: str, at: str) -> list[dict[str, Any]]:
        """About oneself and everybody else, in both places."""
        about: list[dict[str, str]] = [{}]
        about += [{"userId": id} for id in self.model.users] + [{"apiKeyId": id} for id in self.known("key")]
        where = [{}, {"organizationId": inside}, {"workspaceId": at}, {"organizationId": inside, "workspaceId": at}]
        everything = [{"permission": permission} | one | place for place in where for one in about]
        return everything[:100]

    # Time

    @rule(data=st.data())
    def time_passes(self, data: st.DataObject) -> None:
        """Something that ends by itself is over."""
        rows, pick = self.model.rows, Pick(self, data)
        ending = [*rows.grants.values(), *rows.keys.values()]
        for table in ("grant", "api_key"):
            self.world.sql(f'UPDATE "{table}" SET expires_at = $2 WHERE expires_at = $1', SOON, OVER)
        for each in ending:
            each.expires = OVER if each.expires == SOON else each.expires
        if rows.invitations:
            id = pick.one(rows.invitations)
            self.world.sql("UPDATE invitation SET expires_at = $2 WHERE id = $1", parse_any_id(id), OVER)
            rows.invitations[id].over = True
        self.compare(None)
        self.look(pick)


def _rule(operation: str) -> Any:
    def step(self: Machine, data: st.DataObject) -> None:
        self.operate(operation, data)

    step.__name__ = operation
    return rule(data=st.data())(step)


for _operation in OPERATIONS:
    setattr(Machine, _operation, _rule(_operation))


def test_server_and_model_agree(world: World) -> None:
    searched = settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate, Phase.shrink] if SEARCHING else [Phase.generate],  # to shrink takes minutes
        stateful_step_count=40,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Machine(world), settings=searched)


# Time

FIELDS = {
    "switchOrganization": "organizationId",
    "restoreOrganization": "organizationId",
    "updateWorkspace": "workspaceId",
    "restoreWorkspace": "workspaceId",
    "leaveWorkspace": "workspaceId",
    "removeMember": "memberId",
    "revokeGrant": "grantId",
    "updateRole": "roleId",
    "revokeInvitation": "invitationId",
    "acceptInvitation": "invitationId",
    "rotateApiKey": "apiKeyId",
}
PAIRS = 40
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"


def test_what_is_foreign_takes_as_long_as_what_never_was(world: World) -> None:
    asker, *others = list(world.users)[:4]
    own, foreign = tenant(world, asker, others[0], others[1]), tenant(world, others[0], others[1], others[2])
    unknown = {field: never(id.rpartition("_")[0]) for field, id in foreign.items()}

    def seconds(operation: str, ids: dict[str, str]) -> tuple[float, list[str]]:
        began = time.perf_counter()
        if operation == "nodes":
            answer = world.execute(world.tokens[asker], NODES, {"ids": list(ids.values())})
            return time.perf_counter() - began, answer.data["nodes"]
        answer = world.mutate(world.tokens[asker], operation, {FIELDS[operation]: ids[FIELDS[operation]]}, "")
        took = time.perf_counter() - began
        return took, [error["code"] for error in answer.data[operation]["userErrors"]]

    def ratio(operation: str) -> float:
        pairs = [(seconds(operation, foreign)[0], seconds(operation, unknown)[0]) for _ in range(PAIRS)]
        one, other = (statistics.median(side) for side in zip(*pairs, strict=True))
        return max(one / other, other / one)

    try:
        for operation in ("nodes", *FIELDS):
            nothing = [None] * len(foreign) if operation == "nodes" else ["NOT_FOUND"]
            assert seconds(operation, foreign)[1] == seconds(operation, unknown)[1] == nothing, operation
            ratios: list[float] = []
            while not ratios or (min(ratios) >= 2 and len(ratios) < 3):  # something else may have kept the machine busy
                ratios.append(ratio(operation))
            assert min(ratios) < 2, (operation, ratios)
    finally:
        world.forget([own["organizationId"], foreign["organizationId"]])
