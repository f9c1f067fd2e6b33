"""What a product brings: its permissions, its built-in roles, its defaults."""

import tomllib
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from server.errors import SettingsError
from server.settings import settings

SHIPPED = Path(__file__).parent / "catalogues"


class Product(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    restore_window_days: int = Field(30, ge=1, le=365)


class BuiltInRole(BaseModel):
    """`permissions` may hold wildcards; `manages` names roles (`*`: all), by default those of fewer permissions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=1000)
    permissions: list[str]
    manages: list[str] | None = None
    creator: bool = False


class Catalogue(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Product
    permissions: dict[str, str]
    roles: dict[str, BuiltInRole]

    @model_validator(mode="after")
    def _consistent(self) -> "Catalogue":
        creators = [key for key, role in self.roles.items() if role.creator]
        if len(creators) != 1:
            raise ValueError(f"exactly one role must have creator = true; these have it: {creators}")
        for key, role in self.roles.items():
            for pattern in role.permissions:
                if not any(fnmatchcase(permission, pattern) for permission in self.permissions):
                    raise ValueError(f"roles.{key}.permissions: {pattern!r} matches no permission")
            for managed in role.manages or []:
                if managed != "*" and managed not in self.roles:
                    raise ValueError(f"roles.{key}.manages: there is no role {managed!r}")
        return self

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


class CatalogueError(SettingsError):
    """The catalogue cannot be used; the message names the file and the place in it."""


def load_catalogue(name_or_path: str) -> Catalogue:
    shipped = SHIPPED / f"{name_or_path}.toml"
    path = shipped if shipped.is_file() else Path(name_or_path)
    try:
        return Catalogue.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError:
        names = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.toml")))
        raise CatalogueError(f"There is no catalogue {name_or_path!r}. Name a TOML file or one of: {names}.") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "catalogue"
        raise CatalogueError(f"{path}: {place}: {first['msg']}") from error


catalogue = load_catalogue(settings.catalogue)
