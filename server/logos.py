"""Logos of organizations: whatever picture is uploaded is made anew, small and without its metadata."""

import asyncio
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from uuid import UUID

from PIL import ExifTags, Image

from server.access import require_member
from server.audit import Change, difference
from server.database import in_transaction
from server.errors import Problem, ProblemCode, not_found
from server.models import Logo
from server.rows import type_id
from server.settings import settings

PERMISSION = "organization:update"
PREFIX = "logo"
FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 25_000_000
SIDE = 512
QUALITY = 90
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF 2.3, tag 274: what turns a picture upright."""

# One at a time: a picture can take a few hundred megabytes while it is read.
_drawing = ThreadPoolExecutor(1, thread_name_prefix="logos")

# What Pillow thinks of an upload is for its sender to know, who is told, and not for the log.
warnings.filterwarnings("ignore", module=r"PIL\.")


def url_of(logo_id: UUID) -> str:
    return f"{settings.url}/logos/{type_id(PREFIX, logo_id)}.webp"


def _unreadable(message: str) -> Problem:
    return Problem(ProblemCode.INVALID, message)


def _too_many_pixels() -> Problem:
    return _unreadable(f"The picture has too many pixels: at most {MAX_PIXELS // 1_000_000} million. Make it smaller.")


def small_webp(content: bytes) -> bytes:
    """Without metadata, of one frame, within a square of 512 pixels. Raises INVALID."""
    try:
        picture: Image.Image = Image.open(BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:  # nothing is decoded yet
            raise _too_many_pixels()
        picture.draft(None, (2 * SIDE, 2 * SIDE))  # a large JPEG need not be decoded wholly
        if picture.mode == "I;16":  # by itself Pillow takes all that is lighter than 255 of 65535 for white
            picture = picture.point(lambda value: value * (1 / 256)).convert("L")
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        picture.thumbnail((SIDE, SIDE))
        picture = _upright(picture)
        made = BytesIO()
        picture.save(made, "WEBP", quality=QUALITY, icc_profile=b"", exif=b"", xmp=b"")
        return made.getvalue()
    except Problem:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception as error:  # of whatever kind: what is broken breaks Pillow's decoders in many ways
        raise _unreadable("This is no picture, or a broken one. Upload a PNG, JPEG or WebP.") from error


def _upright(picture: Image.Image) -> Image.Image:
    """As the camera was held, which photographs tell by their metadata."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # broken metadata makes no broken picture
        return picture
    return picture.transpose(ORIENTATIONS[orientation]) if orientation in ORIENTATIONS else picture


async def drawn_anew(content: bytes) -> bytes:
    """`small_webp`, in a thread. Raises INVALID."""
    if in_transaction():
        raise RuntimeError("Drawing is slow: do it before the transaction opens")
    return await asyncio.get_running_loop().run_in_executor(_drawing, small_webp, content)


async def replace(change: Change, organization_id: UUID, upload: bytes) -> Logo:
    """Raises NOT_FOUND, FORBIDDEN, INVALID, MFA_REQUIRED."""
    change.actor.identified()
    require_member(change.actor, organization_id)
    allowed = change.actor.may(PERMISSION, organization_id)
    content = await drawn_anew(upload) if allowed else b""
    organization = await change.enter(organization_id, PERMISSION)
    if not allowed:
        raise Problem(ProblemCode.CONFLICT, "Your access has just changed. Try again.")
    before = await _logo_id(organization_id)
    await Logo.filter(organization_id=organization_id).delete()
    logo = await Logo.create(organization_id=organization_id, content=content)
    changes = difference(logo=(before and type_id(PREFIX, before), type_id(PREFIX, logo.id)))
    change.record("organization.logo_changed", organization, changes=changes)
    return logo


async def remove(change: Change, organization_id: UUID) -> None:
    """Raises NOT_FOUND, FORBIDDEN, MFA_REQUIRED."""
    organization = await change.enter(organization_id, PERMISSION)
    before = await _logo_id(organization_id)
    if before is None:
        raise not_found(PREFIX)
    await Logo.filter(organization_id=organization_id).delete()
    changes = difference(logo=(type_id(PREFIX, before), None))
    change.record("organization.logo_removed", organization, changes=changes)


async def _logo_id(organization_id: UUID) -> UUID | None:
    found = await Logo.filter(organization_id=organization_id).only("id").first()
    return None if found is None else found.id


async def find(logo_id: UUID) -> Logo:
    """For everybody: whoever shows a logo need not be signed in. Raises NOT_FOUND."""
    logo = await Logo.get_or_none(id=logo_id)
    if logo is None:
        raise not_found(PREFIX)
    return logo
