"""Operations that would hold up everybody else are refused before they run."""

import time

import httpx

from tests.factories import Person, sign_up, unique
from tests.servers import Server

NEST = "members(first: %s) { nodes { organization { %s } } }"


def nested(times: int, size: str = "100") -> str:
    inner = "id"
    for _ in range(times):
        inner = NEST % (size, inner)
    return inner


async def post_stream(person: Person, query: str) -> str:
    """What a stream over SSE says until it ends."""
    headers = {"Authorization": f"Bearer {person.token}", "Accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=person.server.url, timeout=10) as http:
        return (await http.post("/graphql", json={"query": query}, headers=headers)).text


async def founder(server: Server) -> Person:
    return await sign_up(server, organizationName=unique("Limits "))


async def test_pages_within_pages(server: Server) -> None:
    ann = await founder(server)
    assert (await ann.execute(f"{{ viewer {{ organization {{ {nested(2)} }} }} }}")).codes == []
    refused = await ann.execute(f"{{ viewer {{ organization {{ {nested(3)} }} }} }}")
    assert refused.codes == ["QUERY_TOO_COMPLEX"]
    assert refused.body["data"] is None
    assert refused.body["errors"][0]["extensions"]["cost"] > refused.body["errors"][0]["extensions"]["limit"]
    assert (await ann.execute(f"{{ viewer {{ organization {{ {nested(3, '5')} }} }} }}")).codes == []


async def test_sizes_in_variables_and_defaults(server: Server) -> None:
    ann = await founder(server)
    query = f"query ($size: Int) {{ viewer {{ organization {{ {nested(3, '$size')} }} }} }}"
    assert (await ann.execute(query, {"size": 100})).codes == ["QUERY_TOO_COMPLEX"]
    assert (await ann.execute(query, {"size": 5})).codes == []
    assert (await ann.execute(query)).codes == ["QUERY_TOO_COMPLEX"]  # the default size counts


async def test_fragments_cannot_hide_it_and_cost_no_time(server: Server) -> None:
    ann = await founder(server)
    fragments = [f"fragment f0 on Organization {{ {nested(1)} }}"]
    fragments += [f"fragment f{n} on Organization {{ {NEST % (100, f'...f{n - 1}')} }}" for n in range(1, 4)]
    answer = await ann.execute("{ viewer { organization { ...f3 } } } " + " ".join(fragments))
    assert answer.codes == ["QUERY_TOO_COMPLEX"]
    doubling = ["fragment g0 on Organization { id }"]
    doubling += [f"fragment g{n} on Organization {{ ...g{n - 1} ...g{n - 1} }}" for n in range(1, 40)]
    started = time.monotonic()
    answer = await ann.execute("{ viewer { organization { ...g39 } } } " + " ".join(doubling))
    assert time.monotonic() - started < 2
    assert answer.codes in ([], ["QUERY_TOO_COMPLEX"], ["BAD_REQUEST"])


async def test_mutations_count_too(server: Server) -> None:
    ann = await founder(server)
    rename = f'mutation {{ updateOrganization(input: {{ name: "Other" }}) {{ organization {{ {nested(3)} }} }} }}'
    assert (await ann.execute(rename)).codes == ["QUERY_TOO_COMPLEX"]
    assert (await ann.organization("name"))["name"] != "Other"


async def test_subscriptions_count_too(server: Server) -> None:
    ann = await founder(server)
    query = f"subscription {{ membershipChanges {{ member {{ organization {{ {nested(3)} }} }} }} }}"
    answer = await post_stream(ann, query)
    assert "QUERY_TOO_COMPLEX" in answer
    assert "INTERNAL" not in answer
