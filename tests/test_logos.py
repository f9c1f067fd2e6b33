"""Logos: what may be uploaded, by whom, what is made of it, and how it is shown."""

import asyncio
import io
import json
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from PIL import ExifTags, Image, ImageDraw

from schema.scalars import parse_any_id
from server import logos, organizations
from server.access import Actor
from server.audit import change
from server.database import transaction
from server.errors import Problem
from server.logos import small_webp
from server.models import Logo, Organization, User
from tests.factories import PYTHON, Person, cast, owner, sql
from tests.organizations import NOWHERE, actions, found
from tests.servers import Mailbox, Server

RED, GREEN, BLUE, CLEAR = (220, 30, 30), (30, 200, 30), (30, 30, 220), (0, 0, 0, 0)
MEBIBYTE = 1024 * 1024
SECRET = b"Somewhere secret"


def saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, format, **options)
    return content.getvalue()


def halves(size: tuple[int, int] = (1200, 600), mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new(mode, size, RED)
    ImageDraw.Draw(picture).rectangle((size[0] // 2, 0, size[0], size[1]), BLUE)
    return picture


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def like(picture: Image.Image, place: tuple[int, int], colour: tuple[int, ...]) -> bool:
    pixel = picture.getpixel(place)
    assert isinstance(pixel, tuple)
    return all(abs(a - b) < 25 for a, b in zip(pixel, colour, strict=False))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that claims a size, with no pixels to speak of."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


LOGO = saved(halves((40, 20)), "PNG")


def path_of(organization_id: str) -> str:
    return f"/organizations/{organization_id}/logo"


async def put(http: httpx.AsyncClient, person: Person, content: bytes = LOGO, id: str = "", **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {person.token}"} | headers
    return await http.put(path_of(id or person.organization_id), content=content, headers=sent)


async def delete(http: httpx.AsyncClient, person: Person, id: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {person.token}"}
    return await http.delete(path_of(id or person.organization_id), headers=headers)


async def uploaded(http: httpx.AsyncClient, person: Person, content: bytes = LOGO) -> str:
    """The path of the new logo."""
    response = await put(http, person, content)
    assert response.status_code == 200, response.text
    url = str(response.json()["logoUrl"])
    assert url.startswith(f"{person.server.url}/logos/")
    return url.removeprefix(person.server.url)


def refused(response: httpx.Response, status: int, code: str) -> str:
    """The message of a refusal."""
    assert response.status_code == status, response.text
    assert response.headers["cache-control"] == "no-store"
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == code
    assert not PYTHON.search(error["message"]), error["message"]
    return str(error["message"])


async def logo_url(person: Person) -> str | None:
    url = (await person.organization("logoUrl"))["logoUrl"]
    return url and str(url)


# What is made of a picture


def test_a_large_picture_fits_and_keeps_its_shape() -> None:
    for format in ("PNG", "JPEG", "WEBP"):
        made = opened(small_webp(saved(halves(), format)))
        assert (made.format, made.size, made.mode) == ("WEBP", (512, 256), "RGB")
        assert like(made, (100, 128), RED)
        assert like(made, (400, 128), BLUE)
    assert opened(small_webp(LOGO)).size == (40, 20), "nothing is made larger"


def test_transparency_stays() -> None:
    picture = Image.new("RGBA", (600, 600), CLEAR)
    ImageDraw.Draw(picture).rectangle((300, 0, 600, 600), (*GREEN, 255))
    palette = picture.quantize(8)
    for content in (saved(picture, "PNG"), saved(picture, "WEBP"), saved(palette, "PNG")):
        made = opened(small_webp(content))
        assert (made.size, made.mode) == ((512, 512), "RGBA")
        assert like(made, (400, 250), (*GREEN, 255))
        assert made.getpixel((100, 250))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(("mode", "colour"), [("L", 128), ("1", 1), ("CMYK", (0, 0, 0, 0)), ("I;16", 128 * 256)])
def test_other_kinds_of_colour(mode: str, colour: Any) -> None:
    made = opened(small_webp(saved(Image.new(mode, (30, 30), colour), "JPEG" if mode == "CMYK" else "PNG")))
    assert like(made, (15, 15), (128,) * 3 if mode in ("L", "I;16") else (255,) * 3)


def test_photographs_stand_upright_and_do_not_tell_where_they_were_taken() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # the camera was turned: what is stored left belongs to the top
    exif[ExifTags.Base.Make] = SECRET.decode()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 12.0)
    content = saved(halves(), "JPEG", exif=exif, comment=SECRET, icc_profile=SECRET * 10, xmp=b"<x>" + SECRET)
    assert content.count(SECRET) > 5
    made = small_webp(content)
    assert SECRET not in made
    picture = opened(made)
    assert picture.size == (256, 512)
    assert like(picture, (128, 100), RED)
    assert like(picture, (128, 400), BLUE)
    assert picture.info.keys() & {"exif", "icc_profile", "xmp", "comment"} == set()
    assert not picture.getexif()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_metadata_makes_no_broken_picture() -> None:
    for exif in (b"Exif\0\0" + b"\xff" * 30, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0"):
        assert opened(small_webp(saved(halves(), "JPEG", exif=exif))).size == (512, 256)


def test_animations_are_their_first_frame() -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in (GREEN, RED, BLUE)]
    for format in ("WEBP", "PNG"):
        content = saved(frames[0], format, save_all=True, append_images=frames[1:], duration=50)
        assert getattr(opened(content), "n_frames", 1) == 3
        made = opened(small_webp(content))
        assert getattr(made, "n_frames", 1) == 1
        assert like(made, (30, 30), GREEN)


NO_PICTURES = {
    "nothing": b"",
    "text": b"hello",
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
    "GIF": saved(halves((40, 20)), "GIF"),
    "BMP": saved(halves((40, 20)), "BMP"),
    "TIFF": saved(halves((40, 20)), "TIFF"),
    "PDF": saved(halves((40, 20)), "PDF"),
    "only a beginning": LOGO[:8],
    "truncated PNG": saved(Image.effect_noise((300, 300), 90), "PNG")[:9000],
    "truncated JPEG": saved(Image.effect_noise((300, 300), 90), "JPEG")[:9000],
    "truncated WebP": saved(Image.effect_noise((300, 300), 90), "WEBP")[:5000],
    "a PNG with broken pixels": LOGO[:45] + bytes(byte ^ 0x55 for byte in LOGO[45:]),
    "too few pixels": png_of_size(300, 300),
    "no pixels": png_of_size(0, 0),
    "60,000 by 60,000": png_of_size(60_000, 60_000),
    "one row too many": png_of_size(5000, 5001),
    "8,000 by 8,000": png_of_size(8000, 8000),
    "12,000 by 12,000": png_of_size(12_000, 12_000),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture(name: str) -> None:
    with pytest.raises(Problem) as refusal:
        small_webp(NO_PICTURES[name])
    assert refusal.value.code.value == "INVALID"
    assert ("pixels" in refusal.value.message) == (name[0].isdigit() or name == "one row too many")


def test_25_million_pixels() -> None:
    made = opened(small_webp(saved(Image.new("1", (5000, 5000), 1), "PNG")))
    assert made.size == (512, 512)


# Over HTTP


async def test_from_upload_to_removal(http: httpx.AsyncClient, server: Server, mailbox: Mailbox, quiet: None) -> None:
    ann = await owner(server, mailbox)
    assert await logo_url(ann) is None
    first = await uploaded(http, ann)
    assert await logo_url(ann) == server.url + first
    assert opened((await http.get(first)).content).size == (40, 20)

    second = await uploaded(http, ann, saved(halves((60, 60)), "JPEG"))
    assert await logo_url(ann) == server.url + second
    refused(await http.get(first), 404, "NOT_FOUND")
    assert opened((await http.get(second)).content).size == (60, 60)

    response = await delete(http, ann)
    assert (response.status_code, response.content) == (204, b"")
    assert await logo_url(ann) is None
    refused(await http.get(second), 404, "NOT_FOUND")
    refused(await delete(http, ann), 404, "NOT_FOUND")

    changed = ["organization.logo_removed", "organization.logo_changed", "organization.logo_changed"]
    assert (await actions(ann))[:3] == changed
    events = await sql(
        server,
        "SELECT action, target_type, changes FROM audit_event WHERE chain_id = $1 ORDER BY sequence DESC LIMIT 3",
        parse_any_id(ann.organization_id),
    )
    assert {event["target_type"] for event in events} == {"org"}
    ids = [path.removeprefix("/logos/").removesuffix(".webp") for path in (first, second)]
    recorded = [tuple(json.loads(event["changes"])[0].values()) for event in events]
    assert {frozenset(change) for change in recorded} == {
        frozenset({"logo", ids[1], None}),
        frozenset({"logo", ids[0], ids[1]}),
        frozenset({"logo", None, ids[0]}),
    }


async def test_how_a_logo_is_shown(http: httpx.AsyncClient, boss: Person) -> None:
    path = await uploaded(http, boss)
    shown = await http.get(path)
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/webp"
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert shown.headers["content-security-policy"] == "default-src 'none'"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in shown.headers
    head = await http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control", "etag"):
        assert head.headers[name] == shown.headers[name]
    again = await http.get(path, headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await http.get(path, headers={"If-None-Match": '"another"'})).status_code == 200


JUNK = [
    "x",
    NOWHERE,
    "logo_01h455vb4pex5vsknk084sn02q",
    "logo_",
    "logo_" + "é" * 26,
    "logo_" + "u" * 26,
    "%00",
    "%ff",
    "..",
    "logo_8" + "z" * 25,
]


@pytest.mark.parametrize("id", JUNK)
async def test_junk_ids(http: httpx.AsyncClient, boss: Person, id: str, quiet: None) -> None:
    refused(await http.get(f"/logos/{id}x.webp"), 404, "NOT_FOUND")
    if id != "..":
        refused(await http.get(f"/logos/{id}.webp"), 404, "NOT_FOUND")
        assert (await http.head(f"/logos/{id}.webp")).status_code == 404
        refused(await put(http, boss, id=id), 404, "NOT_FOUND")
        refused(await delete(http, boss, id=id), 404, "NOT_FOUND")


@pytest.mark.parametrize("name", ["text", "SVG", "GIF", "60,000 by 60,000", "12,000 by 12,000", "truncated JPEG"])
async def test_a_bad_upload_changes_nothing(http: httpx.AsyncClient, boss: Person, name: str, quiet: None) -> None:
    before, logged = await uploaded(http, boss), len(boss.server.output())
    refused(await put(http, boss, NO_PICTURES[name], **{"Content-Type": "image/png"}), 400, "INVALID")
    assert await logo_url(boss) == boss.server.url + before
    assert "Warning" not in boss.server.output()[logged:]


async def test_the_size_of_an_upload(http: httpx.AsyncClient, boss: Person, quiet: None) -> None:
    largest = LOGO + b"\0" * (MEBIBYTE - len(LOGO))  # what follows a picture's end is nobody's
    assert (await put(http, boss, largest)).status_code == 200
    refused(await put(http, boss, largest + b"\0"), 413, "BAD_REQUEST")

    async def endless() -> Any:
        for _ in range(20):
            yield b"\0" * 100_000

    headers = {"Authorization": f"Bearer {boss.token}"}
    refused(await http.put(path_of(boss.organization_id), content=endless(), headers=headers), 413, "BAD_REQUEST")


async def test_who_may(http: httpx.AsyncClient, boss: Person, server: Server, mailbox: Mailbox) -> None:
    stranger = await owner(server, mailbox)
    admin, member = await cast(boss, mailbox, "admin", "member")
    path = await uploaded(http, admin)
    for response in (await put(http, member), await put(http, member, b"junk"), await delete(http, member)):
        message = refused(response, 403, "FORBIDDEN")
        assert "organization:update" in message
        assert response.json()["errors"][0]["extensions"]["permission"] == "organization:update"
    theirs = [refused(await put(http, stranger, id=id), 404, "NOT_FOUND") for id in (boss.organization_id, NOWHERE)]
    theirs += [refused(await delete(http, stranger, id=id), 404, "NOT_FOUND") for id in (boss.organization_id, "x")]
    assert len(set(theirs)) == 1, "nothing tells what there is"
    anonymous = path_of(boss.organization_id)
    refused(await http.put(anonymous, content=LOGO), 401, "UNAUTHENTICATED")
    refused(await http.delete(anonymous), 401, "UNAUTHENTICATED")
    refused(await put(http, boss, Authorization="Bearer junk"), 401, "UNAUTHENTICATED")
    assert await logo_url(boss) == server.url + path
    assert (await actions(boss))[:4] == ["access.refused"] * 3 + ["organization.logo_changed"]


async def test_headers_that_name_places(
    http: httpx.AsyncClient, boss: Person, server: Server, mailbox: Mailbox
) -> None:
    other = (await found(boss, switch=False))["id"]
    assert (await put(http, boss, **{"Orgraph-Organization": other})).status_code == 200
    stranger = await owner(server, mailbox)
    for name in (stranger.organization_id, "junk"):
        refused(await put(http, boss, **{"Orgraph-Organization": name}), 403, "FORBIDDEN")


async def test_pages_of_others_cannot_use_the_cookie(http: httpx.AsyncClient, boss: Person, server: Server) -> None:
    path = path_of(boss.organization_id)
    cookie = {"Cookie": f"orgraph={boss.token}"}
    host = server.url.removeprefix("http://")
    for origin in (None, server.url, f"https://{host}"):
        sent = cookie | ({"Origin": origin} if origin else {})
        assert (await http.put(path, content=LOGO, headers=sent)).status_code == 200, origin
    for origin in ("https://evil.example", "null", f"http://{host}.evil.example", "http://localhost:1", "x"):
        sent = cookie | {"Origin": origin}
        refused(await http.put(path, content=LOGO, headers=sent), 403, "FORBIDDEN")
        refused(await http.delete(path, headers=sent), 403, "FORBIDDEN")
        assert (await put(http, boss, Origin=origin)).status_code == 200, "a token is no page's to send"


async def test_other_methods(http: httpx.AsyncClient, boss: Person) -> None:
    path = await uploaded(http, boss)
    for method in ("GET", "POST", "PATCH", "OPTIONS"):
        response = await http.request(method, path_of(boss.organization_id))
        refused(response, 405, "BAD_REQUEST")
        assert response.headers["allow"] == "PUT, DELETE"
    for method in ("PUT", "POST", "DELETE"):
        refused(await http.request(method, path), 405, "BAD_REQUEST")


async def test_uploads_at_once_leave_one(
    http: httpx.AsyncClient, server: Server, mailbox: Mailbox, quiet: None
) -> None:
    ann = await owner(server, mailbox)
    paths = await asyncio.gather(*(uploaded(http, ann) for _ in range(8)))
    shown = await asyncio.gather(*(http.get(path) for path in paths))
    assert sorted(response.status_code for response in shown) == [200] + [404] * 7
    assert (await actions(ann)).count("organization.logo_changed") == 8


async def test_statements_do_not_grow_with_organizations(
    http: httpx.AsyncClient, server: Server, mailbox: Mailbox
) -> None:
    ann = await owner(server, mailbox)
    query = "{ viewer { memberships(first: 50) { nodes { organization { logoUrl } } } } }"
    await uploaded(http, ann)
    await ann.execute(query)  # who asks is remembered from here on
    before = (await ann.execute(query)).statements
    for _ in range(5):
        organization = await found(ann, switch=False)
        assert (await put(http, ann, id=organization["id"])).status_code == 200
    await ann.execute(query)
    answer = await ann.execute(query)
    assert answer.statements == before
    urls = [node["organization"]["logoUrl"] for node in answer.data["viewer"]["memberships"]["nodes"]]
    assert len(set(urls) - {None}) == 6


async def test_a_logo_goes_with_its_organization(database: str) -> None:
    user = await User.create(email="ann@example.com", name="Ann", password_hash="-")
    async with change(Actor(user_id=user.id, email=user.email)) as unit:
        organization = await organizations.create(unit, user, "Acme")
    logo = await Logo.create(organization=organization, content=b"-")
    assert (await logos.find(logo.id)).content == b"-"
    past = datetime.now(UTC) - timedelta(minutes=1)
    await Organization.filter(id=organization.id).update(deleted_at=past, purge_at=past)
    await organizations.purge()
    assert not await Logo.exists()


async def test_drawing_is_not_done_within_a_transaction(database: str) -> None:
    async with transaction():
        with pytest.raises(RuntimeError, match="slow"):
            await logos.drawn_anew(LOGO)
