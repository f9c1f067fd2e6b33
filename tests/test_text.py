"""What people type: one form of it, or a Problem, and nothing that the database would refuse."""

import time
import unicodedata
from collections.abc import Callable, Iterable

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.errors import Problem, ProblemCode
from server.rows import uuid7
from server.text import (
    clean_name,
    clean_paragraph,
    clean_slug,
    mask_email,
    normalize_email,
    slug_from,
)
from tests.servers import Postgres

# Every code point, lone surrogates included, and often those that are known to make trouble.
CHARACTERS = st.characters() | st.sampled_from(
    "  \t\n\0\x1f\x7f\x85\xa0\u00ad\u0130\u0131\u0345\u1fb3ßſKÅﬁ\u200b\u200d\u202e"
    "\u2028\u3000。．＠ＡａA@.-+_'\"[]xn0\ud800\ufeff\U000e0041"
)
TEXTS = st.text(CHARACTERS, max_size=120)
LABELS = st.text(CHARACTERS | st.sampled_from("abcXYZ-0"), min_size=1, max_size=70)
ADDRESSES = TEXTS | st.builds("{}@{}.{}".format, LABELS, LABELS, LABELS) | st.emails()

many = settings(max_examples=200, deadline=None, database=None, derandomize=True)


def or_problem(clean: Callable[[str], str], text: str) -> str | None:
    """What becomes of the text, or None for a Problem; anything else that is raised fails the test."""
    try:
        return clean(text)
    except Problem as problem:
        code = problem.code
    assert code in (ProblemCode.REQUIRED, ProblemCode.TOO_LONG, ProblemCode.INVALID)
    return None


@many
@given(ADDRESSES)
@example("İ@example.com")
@example("ᾳ\u0345@example.com")
@example("ann@xn--a.com")
@example("ann@" + "ü" * 62 + ".com")
def test_normalized_email_is_normalized_already(text: str) -> None:
    email = or_problem(normalize_email, text)
    if email is not None:
        assert normalize_email(email) == email
        assert len(email) <= 254
        assert email.rpartition("@")[2].isascii()


@many
@given(ADDRESSES)
def test_spelling_does_not_matter(text: str) -> None:
    email = or_problem(normalize_email, text)
    if email is not None:
        assert normalize_email(f"\t {text} \n") == email
        assert normalize_email(unicodedata.normalize("NFD", email)) == email
        if email.isascii():
            assert normalize_email(email.upper()) == email


@many
@given(TEXTS)
def test_clean_name_is_clean_already(text: str) -> None:
    name = or_problem(clean_name, text)
    if name is not None:
        assert clean_name(name) == name
        assert 0 < len(name) <= 100
        assert unicodedata.is_normalized("NFC", name)
        assert name == name.strip()
        name.encode()


@many
@given(TEXTS)
def test_clean_paragraph_is_clean_already(text: str) -> None:
    paragraph = or_problem(lambda value: clean_paragraph(value, "description", "The description"), text)
    if paragraph is not None:
        assert clean_paragraph(paragraph, "description", "The description") == paragraph
        assert "\0" not in paragraph
        paragraph.encode()


@many
@given(TEXTS | st.from_regex(r"[a-z0-9-]{1,70}"))
def test_clean_slug_takes_or_refuses(text: str) -> None:
    slug = or_problem(clean_slug, text)
    assert slug in (None, text)


@many
@given(TEXTS | st.text("ab-ÄÖß _.!漢", max_size=120))
def test_slug_from_any_name_is_a_slug(name: str) -> None:
    slug = slug_from(name)
    assert clean_slug(slug) == slug
    assert len(slug) <= 63 - 9, "no room for a suffix that makes it unique"


async def store(url: str, sql: str, values: Iterable[str]) -> None:
    connection = await Postgres(url).connect()
    try:
        for value in values:
            try:
                await connection.execute(sql, uuid7(), value)
            except (asyncpg.PostgresError, asyncpg.DataError) as error:
                pytest.fail(f"{value!r}: {error}")
    finally:
        await connection.close()


async def test_database_takes_every_normalized_email(database: str) -> None:
    accepted: set[str] = set()

    @many
    @given(ADDRESSES)
    def collect(text: str) -> None:
        if email := or_problem(normalize_email, text):
            accepted.add(email)

    collect()
    assert len(accepted) > 50
    insert = "INSERT INTO \"user\" (id, created_at, email, name, password_hash) VALUES ($1, now(), $2, 'Ann', '')"
    await store(database, insert, accepted)


async def test_database_takes_every_clean_name_and_slug(database: str) -> None:
    names: set[str] = set()
    slugs: set[str] = set()

    @many
    @given(TEXTS)
    def collect(text: str) -> None:
        if name := or_problem(clean_name, text):
            names.add(name)
        slugs.add(slug_from(text))

    collect()
    assert len(names) > 50
    named = "INSERT INTO organization (id, created_at, name, slug) VALUES ($1, now(), $2, md5($1::uuid::text))"
    await store(database, named, names)
    slugged = "INSERT INTO organization (id, created_at, name, slug) VALUES ($1, now(), 'Acme', $2)"
    await store(database, slugged, slugs)


@pytest.mark.parametrize(
    ("typed", "email"),
    [
        ("  ann@example.com\n", "ann@example.com"),
        ("Ann.Lee@Example.COM", "ann.lee@example.com"),
        ("Ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ann@example.com"),
        ("a.n.n+shop@example.com", "a.n.n+shop@example.com"),
        ("ann@Bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
        ("ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"),
        ("JÜRGEN@example.com", "jürgen@example.com"),
        ("ann@build.internal", "ann@build.internal"),
        ("o'hara@example.com", "o'hara@example.com"),
    ],
)
def test_normalize_email(typed: str, email: str) -> None:
    assert normalize_email(typed) == email


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme"),
        ("Müller & Söhne GmbH", "muller-sohne-gmbh"),
        ("  --Two  Words-- ", "two-words"),
        ("ﬁve ½", "five-12"),
        ("x" * 100, "x" * 54),
        (("x" * 53) + "-y", "x" * 53),
    ],
)
def test_slug_from(name: str, slug: str) -> None:
    assert slug_from(name) == slug


def test_slug_from_a_name_without_ascii_is_random() -> None:
    assert slug_from("漢字") != slug_from("漢字")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", ProblemCode.REQUIRED),
        (" \t ", ProblemCode.REQUIRED),
        ("\u200b\u200d\ufeff", ProblemCode.REQUIRED),
        ("\u3000", ProblemCode.REQUIRED),
        ("x" * 101, ProblemCode.TOO_LONG),
        ("a\nb", ProblemCode.INVALID),
        ("a\0b", ProblemCode.INVALID),
        ("a\x7fb", ProblemCode.INVALID),
        ("a\x9bb", ProblemCode.INVALID),
        ("a\u2028b", ProblemCode.INVALID),
        ("a\ud800b", ProblemCode.INVALID),
    ],
)
def test_clean_name_refuses(name: str, code: ProblemCode) -> None:
    with pytest.raises(Problem) as refused:
        clean_name(name, "title")
    assert (refused.value.code, refused.value.field) == (code, "title")


@pytest.mark.parametrize("name", ["x", "x" * 100, "e\u0301" * 100, "李小龍", "O'Hara-Núñez, Jr.", "👩‍🔬", "Żółć"])
def test_clean_name_takes(name: str) -> None:
    assert clean_name(f"  {name} ") == unicodedata.normalize("NFC", name)


def test_mask_email_tells_too_little() -> None:
    assert mask_email("annabel@mail.example.com") == "a•••@m•••.com"


@pytest.mark.parametrize("clean", [clean_name, lambda value: clean_paragraph(value, "text", "The text")])
def test_what_would_take_minutes_is_refused_at_once(clean: Callable[[str], str]) -> None:
    """Unordered combining marks are normalized in the square of their number."""
    started = time.perf_counter()
    with pytest.raises(Problem) as caught:
        clean("a" + "\u0300\u0316" * 500_000)
    assert caught.value.code is ProblemCode.TOO_LONG
    assert time.perf_counter() - started < 0.1
