"""`orgraph explain`: which way an operation goes, why, and by what SQL."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.factories import Person
from tests.servers import ROOT

DOCUMENT = """
query compiled($first: Int = 2) { viewer { organization { members(first: $first) { nodes { user { name } } } } } }
query ordinary { viewer { can(permission: "members:read") } }
query errs { organization(id: "x") { members(first: 0) { totalCount } } }
mutation change { signOut { userErrors { code } } }
"""


def explain(boss: Person, text: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    file = folder / "operation.graphql"
    file.write_text(text)
    command = [sys.executable, "-m", "server.cli", "explain", str(file), *options]
    environment = os.environ | {"ORGRAPH_DATABASE_URL": boss.server.database_url}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


async def test_the_way_of_each_operation(boss: Person, tmp_path: Path) -> None:
    sessions = await boss.query("{ viewer { sessions { id } } }")
    variables = json.dumps({"first": 1})
    explained = explain(boss, DOCUMENT, tmp_path, "--email", boss.email, "--variables", variables)
    assert explained.returncode == 0, explained.stderr
    for told in (
        "compiled is compiled to one statement.",
        'FROM "member"',
        "= 1\n",
        "Index Scan using member_by_creation",
        "ordinary is executed field by field: can has arguments that are not planned",
        "errs is executed field by field: first: A page has 1 to 100 rows, not 0.",
        "change runs its rules",
    ):
        assert told in explained.stdout
    assert await boss.query("{ viewer { sessions { id } } }") == sessions, "it leaves no session"


async def test_what_cannot_be_explained(boss: Person, tmp_path: Path) -> None:
    assert "the document is not GraphQL" in explain(boss, "{", tmp_path).stdout
    assert "Cannot query field 'nope'" in explain(boss, "{ nope }", tmp_path).stdout
    for options, message in (
        (("--email", "nobody@example.com"), "There is no account of nobody@example.com."),
        (("--variables", "{"), "--variables is not JSON"),
    ):
        failed = explain(boss, "{ __typename }", tmp_path, *options)
        assert failed.returncode == 1
        assert message in failed.stderr
