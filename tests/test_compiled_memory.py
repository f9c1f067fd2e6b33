"""However many documents clients make up, a bounded number of them is kept, with a bounded number of plans."""

import psutil
import pytest

from schema import schema
from schema.compiler import MAX_PLANS, operation_of, plans
from schema.documents import MAX_DOCUMENTS, documents
from server.access import Actor
from server.rows import uuid7

WARM, DOCUMENTS = 2_000, 10_000
GROWTH = 30 * 1024 * 1024
"""Bytes of memory that the documents after the first ones may come to."""


def ask(actor: Actor, number: int) -> None:
    """Every third one is planned too, since planning takes as long as all the rest."""
    operation = operation_of(schema, f"{{ viewer {{ a{number}: user {{ id }} }} }}", None)
    if number % 3 == 0:
        plan, _ = operation.plan(actor, {})
        assert plan.sql is not None


@pytest.mark.timeout(600)
def test_ten_thousand_documents() -> None:
    actor, process = Actor(user_id=uuid7()), psutil.Process()
    for number in range(WARM):
        ask(actor, number)
    before = process.memory_info().rss
    for number in range(WARM, DOCUMENTS):
        ask(actor, number)
    assert process.memory_info().rss - before < GROWTH
    assert len(documents) <= MAX_DOCUMENTS
    assert len(plans) <= MAX_PLANS


def test_what_was_used_last_is_kept() -> None:
    text = "{ viewer { user { id } } }"
    known = operation_of(schema, text, None)
    for number in range(MAX_DOCUMENTS * 2):
        ask(Actor(user_id=uuid7()), number)
        assert operation_of(schema, text, None) is known


def test_names_that_are_no_operations_are_not_kept() -> None:
    text = "query a { __typename } query b { __typename }"
    for number in range(1000):
        with pytest.raises(Exception, match="it is not a query"):
            operation_of(schema, text, f"c{number}")
    found = documents.get(text)
    assert found is not None
    assert len(found.operations) < 100
