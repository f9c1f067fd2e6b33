"""The catalogue as frontends see it, and the commands about it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema

from schema import schema
from schema.catalogue import describe
from server.catalogue import SHIPPED, Setting, load_catalogue
from tests.catalogues import SMALL, edited, write
from tests.factories import Client, Person, founder, sql, unique
from tests.servers import Postgres, Server, free_port
from tests.test_serve import assert_one_line, orgraph

CORE: GraphQLSchema = schema._schema

QUERY = """{ catalogue {
    product { name region environments restoreWindowDays }
    labels { organization { singular plural } workspace { singular plural } member { singular plural } }
    areas { key name description permissions { key description } }
    roles { key name description permissions manages creator invitable }
    plans { key name description seats features { key description } default }
    features { key description }
    settings { key name description type default minimum maximum choices feature workspace }
} }"""


async def test_everybody_sees_it_without_sql(server: Server, boss: Person) -> None:
    answer = await Client(server).execute(QUERY)
    assert answer.statements == 0
    await boss.execute(QUERY)
    signed_in = await boss.execute(QUERY)
    assert signed_in.statements <= 1, "who asks, and nothing else"
    assert signed_in.data == answer.data
    catalogue = answer.data["catalogue"]
    assert catalogue["product"] == {
        "name": "Orgraph",
        "region": None,
        "environments": ["development", "staging", "production"],
        "restoreWindowDays": 30,
    }
    assert catalogue["labels"]["workspace"] == {"singular": "Workspace", "plural": "Workspaces"}
    assert (catalogue["plans"], catalogue["features"]) == ([], [])
    owner, admin, *others = catalogue["roles"]
    keys = [each["key"] for area in catalogue["areas"] for each in area["permissions"]]
    assert owner["permissions"] == sorted(keys)
    assert "members:invite" in admin["permissions"]
    assert owner["manages"] == ["owner", "admin", "member", "viewer"]
    assert [role["manages"] for role in (admin, *others)] == [None, None, None]
    assert [role["creator"] for role in (owner, admin, *others)] == [True, False, False, False]
    settings = {setting.pop("key"): setting for setting in catalogue["settings"]}
    assert settings["mfa_required"]["type"] == "BOOLEAN"
    assert settings["mfa_required"]["default"] is False
    timeout = settings["session_timeout_minutes"]
    assert (timeout["type"], timeout["default"], timeout["minimum"], timeout["maximum"]) == ("INTEGER", None, 1, 43200)


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.toml")))
def test_every_shipped_catalogue_can_be_described(name: str) -> None:
    made = load_catalogue(name)
    described = describe(made)
    assert [role.permissions for role in described.roles] == [made.permissions_of(key) for key in made.roles]
    assert [role.key for role in described.roles if role.creator] == [made.creator]
    assert [plan.key for plan in described.plans if plan.default] == [key for key in [made.product.plan] if key]
    for plan in described.plans:
        assert {feature.key for feature in plan.features} == made.features_of(plan.key)
    assert sum(len(area.permissions) for area in described.areas) == len(made.permissions)


def test_every_type_of_setting_is_in_the_schema() -> None:
    types = Setting.model_json_schema()["properties"]["type"]["enum"]
    assert [value.lower() for value in CORE.type_map["SettingType"].values] == types  # type: ignore[attr-defined]


# `orgraph catalogue check`


async def test_check_a_right_catalogue(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", SMALL)
    runs = [
        asyncio.to_thread(orgraph, "catalogue", "check", str(path), database_url="postgresql://nobody@127.0.0.1:1/no"),
        asyncio.to_thread(orgraph, "catalogue", "check", "meetings", catalogue="nothing"),
    ]
    mine, shipped = await asyncio.gather(*runs)
    assert (mine.returncode, mine.stderr) == (0, "")
    assert mine.stdout == (f"{path}: a catalogue of 3 roles, 5 permissions, 2 plans, 1 features, 5 settings, 1 tasks\n")
    assert (shipped.returncode, shipped.stderr) == (0, ""), "whatever is configured"
    assert shipped.stdout.startswith("meetings: a catalogue of 3 roles")


async def test_check_tells_of_every_fault(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", edited(SMALL, {"product/plan": "gold", "roles/admin/manages": ["guest"]}))
    faulty, missing = await asyncio.gather(
        asyncio.to_thread(orgraph, "catalogue", "check", str(path), catalogue=path),
        asyncio.to_thread(orgraph, "catalogue", "check", "nothing"),
    )
    assert (faulty.returncode, faulty.stdout) == (1, "")
    assert faulty.stderr.splitlines() == [
        f"{path}: roles.admin.manages: there is no role 'guest'",
        f"{path}: product.plan: there is no plan 'gold'",
    ]
    assert_one_line(missing, "There is no catalogue 'nothing'")


async def test_a_broken_catalogue_stops_every_command(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[product")
    data = tmp_path / "data"
    runs = [
        asyncio.to_thread(orgraph, "serve", catalogue="nothing", data_dir=data, port=free_port()),
        asyncio.to_thread(orgraph, "migrate", catalogue=broken, data_dir=data),
        asyncio.to_thread(orgraph, "plan", "set", "acme", "free", catalogue=broken, data_dir=data),
        asyncio.to_thread(orgraph, "schema", catalogue="nothing", data_dir=data),
    ]
    for number, ended in enumerate(await asyncio.gather(*runs)):
        words = (f"{broken}: not TOML",) if number in (1, 2) else ("'nothing'", "Name a TOML file or one of")
        assert_one_line(ended, *words)
    assert not data.exists(), "nothing is started"


# `orgraph plan set`


async def test_plan_set(tmp_path: Path, server: Server) -> None:
    person = await founder(server)
    slug = str((await person.organization("slug"))["slug"])
    path = write(tmp_path / "mine.toml", SMALL)

    def plan_set(*arguments: str) -> Any:
        return orgraph("plan", "set", *arguments, database_url=server.database_url, catalogue=path)

    async def now() -> tuple[Any, ...]:
        (row,) = await sql(server, "SELECT plan, seats FROM organization WHERE slug = $1", slug)
        return tuple(row)

    done = await asyncio.to_thread(plan_set, slug, "full", "--seats", "7")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{slug} has the plan full now, with 7 seats\n", "")
    assert await now() == ("full", 7)
    again, no_plan, nobody, no_seats = await asyncio.gather(
        asyncio.to_thread(plan_set, slug, "full"),
        asyncio.to_thread(plan_set, slug, "gold", "--seats", "3"),
        asyncio.to_thread(plan_set, unique("nobody"), "full"),
        asyncio.to_thread(plan_set, slug, "full", "--seats", "0"),
    )
    assert (again.returncode, again.stdout) == (0, f"{slug} has the plan full now\n")
    assert_one_line(no_plan, "There is no plan gold", "free, full")
    assert_one_line(nobody, "There is no organization nobody")
    assert no_seats.returncode == 2
    assert await now() == ("full", None)
    events = await person.organization(
        "auditEvents(first: 2) { nodes { action actor { type } changes { field after } } }"
    )
    assert [
        (event["action"], event["actor"]["type"], {each["field"]: each["after"] for each in event["changes"]})
        for event in events["auditEvents"]["nodes"]
    ] == [
        ("organization.plan_changed", "SYSTEM", {"seats": None}),
        ("organization.plan_changed", "SYSTEM", {"plan": "full", "seats": 7}),
    ]
    await sql(server, "UPDATE organization SET plan = NULL WHERE slug = $1", slug)


async def test_plan_set_wants_tables(postgres: Postgres, tmp_path: Path) -> None:
    name = unique("bare")
    url = await postgres.create(name)
    ended = await asyncio.to_thread(
        orgraph, "plan", "set", "acme", "full", database_url=url, catalogue=write(tmp_path / "mine.toml", SMALL)
    )
    assert_one_line(ended, "orgraph migrate")
    await postgres.drop(name)
