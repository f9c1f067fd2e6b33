"""What a product brings: its permissions, built-in roles, plans, settings, words and defaults."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from server.actions import ACTIONS
from server.errors import Problem, SettingsError
from server.settings import settings
from server.text import ENVIRONMENT_LENGTH, NAME_LENGTH, clean_name, clean_paragraph, normalize_name

SHIPPED = Path(__file__).parent / "catalogues"

MFA_REQUIRED = "mfa_required"
SESSION_TIMEOUT = "session_timeout_minutes"
LINE_LENGTH = 254
ENFORCED = {MFA_REQUIRED: "boolean", SESSION_TIMEOUT: "integer"}
"""Settings that Orgraph itself acts upon, where a catalogue has them, and their types."""


def _pattern(pattern: str, example: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"{value!r} is not a key here: it looks like {example}")
        return value

    return BeforeValidator(check)


def _clean_title(value: str, limit: int = NAME_LENGTH) -> str:
    try:
        return clean_name(value, limit=limit)
    except Problem as problem:
        raise ValueError(problem.message) from None


def _clean_short_title(value: str) -> str:
    return _clean_title(value, ENVIRONMENT_LENGTH)


def _clean_description(value: str) -> str:
    try:
        return clean_paragraph(value, "description", "The description")
    except Problem as problem:
        raise ValueError(problem.message) from None


Key = Annotated[str, Field(max_length=63), _pattern(r"[a-z][a-z0-9_]*", "support_agent")]
PermissionKey = Annotated[str, Field(max_length=63), _pattern(r"[a-z][a-z0-9_]*:[a-z][a-z0-9_]*", "members:invite")]
Title = Annotated[str, AfterValidator(_clean_title)]
ShortTitle = Annotated[str, AfterValidator(_clean_short_title)]
"""Of what the database keeps in a column of its own."""
Description = Annotated[str, AfterValidator(_clean_description)]
Integer = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
"""GraphQL's."""


class Part(BaseModel):
    """Strict: `creator = "no"` is a mistake, and must not be taken for yes or no."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Product(Part):
    """`plan` is that of a new organization; `restore_window_days` 0 deletes for good at once."""

    name: Title
    restore_window_days: int = Field(30, ge=0, le=365)
    region: ShortTitle | None = None
    environments: list[ShortTitle] = []
    plan: Key | None = None


class Label(Part):
    singular: Title
    plural: Title


class Labels(Part):
    """What the product's people call things."""

    organization: Label = Label(singular="Organization", plural="Organizations")
    workspace: Label = Label(singular="Workspace", plural="Workspaces")
    member: Label = Label(singular="Member", plural="Members")


class Area(Part):
    name: Title
    description: Description = ""
    permissions: dict[PermissionKey, Description]


class BuiltInRole(Part):
    """`permissions` may hold wildcards; `manages` names roles (`*`: all), by default those of fewer permissions."""

    name: Title
    description: Description = ""
    permissions: list[str]
    manages: list[str] | None = None
    creator: bool = False
    invitable: bool = True


class Plan(Part):
    """`seats`: how many members at most; left out, as many as like to."""

    name: Title
    description: Description = ""
    seats: Annotated[Integer, Field(ge=1)] | None = None
    features: list[str] = []


class Setting(Part):
    """`feature`: what the plan must include; `workspace`: whether each workspace can have a value of its own."""

    name: Title
    description: Description = ""
    type: Literal["boolean", "integer", "text", "email", "choice"]
    default: Any = None
    minimum: Integer | None = None
    maximum: Integer | None = None
    choices: list[Title] = []
    feature: Key | None = None
    workspace: bool = False

    def fault(self, value: Any) -> str | None:
        """What is wrong with a value; null is none at all."""
        if value is None:
            return None
        if self.type == "boolean":
            return None if isinstance(value, bool) else "This is either true or false."
        if self.type == "integer":
            return self._fault_of_number(value)
        if self.type == "choice":
            return None if value in self.choices else f"This is one of: {', '.join(self.choices)}."
        if not isinstance(value, str) or not _is_line(value):
            return "This is a text of 1 to 254 characters, without line breaks."
        if self.type == "email":
            from email_validator import EmailNotValidError, validate_email  # which takes long

            try:
                validate_email(value, check_deliverability=False, globally_deliverable=False)
            except EmailNotValidError:
                return "This is not an e-mail address. It looks like name@example.com."
        return None

    def _fault_of_number(self, value: Any) -> str | None:
        least = -(2**31) if self.minimum is None else self.minimum
        most = 2**31 - 1 if self.maximum is None else self.maximum
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            return f"This is a whole number from {least} to {most}."
        return None


def _is_line(value: str) -> bool:
    try:
        return (
            len(value) <= LINE_LENGTH
            and value.strip() == value.strip(" ")
            and bool(clean_name(value, limit=LINE_LENGTH))
        )
    except Problem:
        return False


class Task(Part):
    """Of the set-up checklist: done once the organization's audit log has an event of the action `done_by`."""

    name: Title
    description: Description = ""
    done_by: str


class Former(Part):
    """What has been renamed: the old key, and the new one (for a permission or a setting, blank: dropped)."""

    roles: dict[Key, str] = {}
    permissions: dict[PermissionKey, str] = {}
    plans: dict[Key, str] = {}
    settings: dict[Key, str] = {}


class Catalogue(Part):
    product: Product
    labels: Labels = Labels()
    areas: dict[Key, Area]
    roles: dict[Key, BuiltInRole]
    features: dict[Key, Description] = {}
    plans: dict[Key, Plan] = {}
    settings: dict[Key, Setting] = {}
    checklist: dict[Key, Task] = {}
    former: Former = Former()

    @cached_property
    def permissions(self) -> dict[str, str]:
        """The descriptions of all permissions, by key."""
        return {key: text for area in self.areas.values() for key, text in area.permissions.items()}

    @cached_property
    def creator(self) -> str:
        """The key of the role that whoever creates an organization gets, and that it never lacks."""
        return next(key for key, role in self.roles.items() if role.creator)

    @property
    def restore_window(self) -> timedelta:
        return timedelta(days=self.product.restore_window_days)

    def permissions_of(self, key: str) -> list[str]:
        """The role's permissions with its wildcards resolved."""
        patterns = self.roles[key].permissions
        return sorted(name for name in self.permissions if any(fnmatchcase(name, p) for p in patterns))

    def manages_of(self, key: str) -> list[str] | None:
        """The keys of the roles that the role names, `*` resolved; None: those of strictly fewer permissions."""
        named = self.roles[key].manages
        return None if named is None else [other for other in self.roles if "*" in named or other in named]

    def _managed(self, key: str) -> list[str]:
        named = self.manages_of(key)
        if named is not None:
            return named
        own = set(self.permissions_of(key))
        return [other for other in self.roles if own > set(self.permissions_of(other))]

    def features_of(self, plan: str | None) -> frozenset[str]:
        """The plan's features; where there are no plans, all that there are."""
        if plan is None:
            return frozenset(self.features)
        patterns = self.plans[plan].features
        return frozenset(name for name in self.features if any(fnmatchcase(name, p) for p in patterns))

    def problems(self) -> Iterator[str]:
        """What does not fit together, each with its place."""
        yield from self._problems_of_permissions()
        yield from self._problems_of_roles()
        yield from self._problems_of_plans()
        yield from self._problems_of_settings()
        for key, task in self.checklist.items():
            if task.done_by not in ACTIONS:
                yield f"checklist.{key}.done_by: the audit log has no action {task.done_by!r}"
        tables: dict[str, Mapping[str, Any]] = {
            "roles": self.roles,
            "permissions": self.permissions,
            "plans": self.plans,
            "settings": self.settings,
        }
        for table, known in tables.items():
            for old, new in getattr(self.former, table).items():
                if old in known:
                    yield f"former.{table}.{old}: {old!r} is still in use, and cannot be a former one"
                if new not in known and (new or table in ("roles", "plans")):
                    yield f"former.{table}.{old}: there is no {new!r} to take its place"

    def _problems_of_permissions(self) -> Iterator[str]:
        place_of: dict[str, str] = {}
        for key, area in self.areas.items():
            for permission in area.permissions:
                if permission in place_of:
                    yield f"areas.{key}.permissions: {permission!r} stands in areas.{place_of[permission]} already"
                place_of[permission] = key

    def _problems_of_roles(self) -> Iterator[str]:
        creators = [key for key, role in self.roles.items() if role.creator]
        if len(creators) != 1:
            yield f"roles: exactly one role must have creator = true; these have it: {', '.join(creators) or 'none'}"
        names: dict[str, str] = {}
        for key, role in self.roles.items():
            yield from _wildcard_problems(f"roles.{key}.permissions", role.permissions, self.permissions, "permission")
            for managed in role.manages or []:
                if managed != "*" and managed not in self.roles:
                    yield f"roles.{key}.manages: there is no role {managed!r}"
            if (same := names.setdefault(normalize_name(role.name), key)) != key:
                yield f"roles.{key}.name: {role.name!r} is the name of {same!r} already"
            if role.creator and (missing := self.permissions.keys() - set(self.permissions_of(key))):
                yield f"roles.{key}.permissions: the creator must have all, and lacks {min(missing)!r}"
            if role.creator and role.manages != ["*"]:
                yield f'roles.{key}.manages: the creator must manage all: manages = ["*"]'
        yield from self._cycle()

    def _cycle(self) -> Iterator[str]:
        """Roles that manage each other could take everything from each other; a role may manage its own kind."""
        managed = {key: [other for other in self._managed(key) if other != key] for key in self.roles}
        try:
            TopologicalSorter(managed).prepare()
        except CycleError as error:
            yield f"roles.{error.args[1][0]}.manages: a cycle: {' manages '.join(reversed(error.args[1]))}"

    def _problems_of_plans(self) -> Iterator[str]:
        for key, plan in self.plans.items():
            yield from _wildcard_problems(f"plans.{key}.features", plan.features, self.features, "feature")
        if self.plans and self.product.plan is None:
            yield "product.plan: there are plans, so one must be named that a new organization has"
        if self.product.plan is not None and self.product.plan not in self.plans:
            yield f"product.plan: there is no plan {self.product.plan!r}"

    def _problems_of_settings(self) -> Iterator[str]:
        for key, setting in self.settings.items():
            place = f"settings.{key}"
            if setting.feature is not None and setting.feature not in self.features:
                yield f"{place}.feature: there is no feature {setting.feature!r}"
            if (setting.type == "choice") != bool(setting.choices):
                yield f"{place}.choices: needed with type = 'choice', and only with it"
            if setting.type != "integer" and (setting.minimum, setting.maximum) != (None, None):
                yield f"{place}.minimum: minimum and maximum are for type = 'integer' only"
            if setting.minimum is not None and setting.maximum is not None and setting.minimum > setting.maximum:
                yield f"{place}.minimum: {setting.minimum} is above the maximum, {setting.maximum}"
            if fault := setting.fault(setting.default):
                yield f"{place}.default: {fault}"
            if key in ENFORCED and (setting.type != ENFORCED[key] or setting.workspace):
                yield f"{place}.type: Orgraph acts upon it: type = {ENFORCED[key]!r}, of organizations only"
            if key == SESSION_TIMEOUT and (setting.minimum or 0) < 1:
                yield f"{place}.minimum: at least 1"


def _wildcard_problems(place: str, patterns: list[str], known: dict[str, Any], noun: str) -> Iterator[str]:
    for pattern in patterns:
        if not re.fullmatch(r"[a-z0-9_:*]+", pattern) or not any(fnmatchcase(key, pattern) for key in known):
            yield f"{place}: {pattern!r} matches no {noun}"


class CatalogueError(SettingsError):
    """The catalogue cannot be used; the message names the file and the place in it, a line each."""


def load_catalogue(name_or_path: str) -> Catalogue:
    """Of a shipped name, or of a TOML file. Raises CatalogueError."""
    shipped = {file.stem: file for file in sorted(SHIPPED.glob("*.toml"))}
    path = shipped.get(name_or_path) or Path(name_or_path)
    try:
        text = path.read_text("utf-8-sig")  # Windows' editors put a mark before it
    except (FileNotFoundError, IsADirectoryError):
        raise CatalogueError(
            f"There is no catalogue {name_or_path!r}. Name a TOML file or one of: {', '.join(shipped)}."
        ) from None
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path}: not TOML: it is not UTF-8 from byte {error.start} on") from error
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        loaded = Catalogue.model_validate(tomllib.loads(text))
    except ValidationError as error:
        faults = ((_place(each["loc"]), each["msg"].removeprefix("Value error, ")) for each in error.errors())
        raise CatalogueError("\n".join(f"{path}: {place}: {message}" for place, message in faults)) from error
    except (ValueError, RecursionError) as error:  # numbers and nestings beyond all bounds among them
        raise CatalogueError(f"{path}: not TOML: {error}") from error
    if problems := list(loaded.problems()):
        raise CatalogueError("\n".join(f"{path}: {problem}" for problem in problems))
    return loaded


def _place(location: tuple[int | str, ...]) -> str:
    """On one line, whatever the keys are."""
    steps = (str(step) for step in location if step != "[key]")
    return ".".join(step if re.fullmatch(r"[\w:-]+", step) else repr(step) for step in steps) or "catalogue"


catalogue = load_catalogue(settings.catalogue)
