"""What people type, checked and brought into the one form that is stored."""

import re
import unicodedata
from secrets import token_hex

from server.errors import Problem, ProblemCode

NAME_LENGTH = 100
NORMALIZED_LENGTH = 400
FAR_TOO_LONG = 4
"""Times the limit: whatever trimming and NFC make of it. To normalize costs the square of the length at worst."""
SLUG_LENGTH = 63
PARAGRAPH_LENGTH = 1000
EMAIL_LENGTH = 254
ENVIRONMENT_LENGTH = 63
PASSWORD_LENGTHS = range(8, 129)
BIDIRECTIONAL_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""UAX 9, section 2."""


def _has_control_characters(text: str, allowed: str = "") -> bool:
    """Those that turn the direction of writing count too: one name can look like another by them."""
    return any(
        unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in BIDIRECTIONAL_CONTROLS
        for c in text
        if c not in allowed
    )


def _too_long(what: str, limit: int, field: str) -> Problem:
    return Problem(ProblemCode.TOO_LONG, f"{what} is too long: at most {limit} characters.", field, {"limit": limit})


def clean_name(value: str, field: str = "name", what: str = "The name", limit: int = NAME_LENGTH) -> str:
    """Trimmed and NFC. Raises REQUIRED, TOO_LONG or INVALID."""
    if len(value) > FAR_TOO_LONG * limit:
        raise _too_long(what, limit, field)
    if _has_control_characters(value.strip()):
        raise Problem(ProblemCode.INVALID, f"{what} has line breaks or control characters. Remove them.", field)
    name = unicodedata.normalize("NFC", value.strip())
    if not any(unicodedata.category(c)[0] not in "CZ" for c in name):
        raise Problem(ProblemCode.REQUIRED, f"{what} is blank. Enter one.", field)
    if len(name) > limit:
        raise _too_long(what, limit, field)
    return name


def normalize_name(name: str) -> str:
    """What two names have in common that people would take for the same; one letter can become many."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())[:NORMALIZED_LENGTH].rstrip()


def clean_paragraph(value: str, field: str, what: str) -> str:
    """Trimmed text that may have line breaks, and may be empty. Raises TOO_LONG or INVALID."""
    if len(value) > FAR_TOO_LONG * PARAGRAPH_LENGTH:
        raise _too_long(what, PARAGRAPH_LENGTH, field)
    if _has_control_characters(value, allowed="\n\r\t"):
        raise Problem(ProblemCode.INVALID, f"{what} has control characters. Remove them.", field)
    text = unicodedata.normalize("NFC", value.strip())
    if len(text) > PARAGRAPH_LENGTH:
        raise _too_long(what, PARAGRAPH_LENGTH, field)
    return text


def is_slug(value: str) -> bool:
    return len(value) <= SLUG_LENGTH and re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", value) is not None


def clean_slug(value: str, field: str = "slug") -> str:
    """Raises REQUIRED, TOO_LONG or INVALID."""
    if not value:
        raise Problem(ProblemCode.REQUIRED, "The slug is blank. Enter one, or leave it out.", field)
    if len(value) > SLUG_LENGTH:
        raise _too_long("The slug", SLUG_LENGTH, field)
    if not is_slug(value):
        raise Problem(
            ProblemCode.INVALID,
            "A slug has only lower-case letters a–z, digits and hyphens, and no hyphen at its ends.",
            field,
        )
    return value


def slug_from(name: str) -> str:
    """A slug that reads like the name, as far as ASCII allows."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[: SLUG_LENGTH - 9].strip("-")
    return slug or token_hex(4)


def normalize_email(value: str, field: str = "email") -> str:
    """The one form of an address: trimmed, NFKC, case-folded, its domain in IDNA's ASCII form.

    Dots and plus tags stay, since they may tell two mailboxes apart. Raises REQUIRED, TOO_LONG or INVALID.
    """
    text = value.strip()
    if not text:
        raise Problem(ProblemCode.REQUIRED, "The e-mail address is blank. Enter one.", field)
    if len(text) > EMAIL_LENGTH:
        raise _too_long("The e-mail address", EMAIL_LENGTH, field)
    from email_validator import validate_email  # which takes long

    try:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        # Not "globally deliverable": a self-hosted product may well live under .internal or .test
        checked = validate_email(folded, check_deliverability=False, globally_deliverable=False, strict=True)
        email = f"{checked.local_part}@{checked.ascii_domain}"
        if "." not in checked.ascii_domain or len(email) > EMAIL_LENGTH:
            raise ValueError(email)
    except ValueError:
        raise Problem(
            ProblemCode.INVALID, "This is not an e-mail address. It looks like name@example.com.", field
        ) from None
    return email


def mask_email(email: str) -> str:
    """Enough to recognize one's own address by, too little to learn another's: `a•••@e•••.com`."""
    local, _, domain = email.rpartition("@")
    host, _, top = domain.rpartition(".")
    return f"{local[:1]}•••@{host[:1]}•••.{top}"


def check_password(password: str, email: str, field: str = "password") -> None:
    """Raises WEAK_PASSWORD."""
    least, most = PASSWORD_LENGTHS[0], PASSWORD_LENGTHS[-1]
    if len(password) not in PASSWORD_LENGTHS:
        raise Problem(
            ProblemCode.WEAK_PASSWORD,
            f"A password has {least} to {most} characters. Choose another.",
            field,
            {"least": least, "most": most},
        )
    try:
        is_email = normalize_email(password) == email
    except Problem:
        is_email = password.strip().casefold() == email.partition("@")[0]
    if is_email:
        raise Problem(ProblemCode.WEAK_PASSWORD, "The password is the e-mail address. Choose another.", field)
