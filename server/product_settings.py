"""Settings that the catalogue declares: an organization's, and what a workspace has otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server import plans
from server.audit import Change, difference
from server.catalogue import MFA_REQUIRED, Setting, catalogue
from server.errors import Problem, ProblemCode, not_found
from server.models import Organization, Workspace

PERMISSION = "settings:update"


@dataclass(frozen=True)
class Effective:
    """A setting as it is in a place; `inherited`: it was not set there."""

    key: str
    declared: Setting
    value: Any
    inherited: bool
    available: bool
    """Whether the plan includes what it takes."""


def effective(organization: Organization, workspace: Workspace | None = None) -> list[Effective]:
    """In the catalogue's order; of a workspace, those that it can have otherwise than its organization."""
    features = plans.features_of(organization)
    found = []
    for key, declared in catalogue.settings.items():
        if workspace is not None and not declared.workspace:
            continue
        own, of_organization = _stored(workspace or organization, key), _stored(organization, key)
        value = next((each for each in (own, of_organization) if each is not None), declared.default)
        found.append(Effective(key, declared, value, own is None, declared.feature in (None, *features)))
    return found


def _stored(row: Organization | Workspace, key: str) -> Any:
    """None too for a value of before the catalogue gave the setting another type or other limits."""
    value = row.settings.get(key)
    return None if catalogue.settings[key].fault(value) else value


def _clean(organization: Organization, given: Mapping[str, Any], of_workspace: bool) -> dict[str, Any]:
    """Raises NOT_FOUND, INVALID, FEATURE_NOT_IN_PLAN."""
    features = plans.features_of(organization)
    for key, value in given.items():
        declared = catalogue.settings.get(key)
        if declared is None or (of_workspace and not declared.workspace):
            raise not_found("setting", f"settings.{key[:63]}")
        if fault := declared.fault(value):
            raise Problem(ProblemCode.INVALID, f"{declared.name}: {fault}", f"settings.{key}")
        turns_on = value not in (None, declared.default)
        if turns_on and declared.feature is not None and declared.feature not in features:
            raise _not_in_plan(declared, declared.feature, key)
    return dict(given)


def _not_in_plan(declared: Setting, feature: str, key: str) -> Problem:
    having = [plan.name for name, plan in catalogue.plans.items() if feature in catalogue.features_of(name)]
    where = f"It is part of {' and '.join(having)}." if having else "No plan has it."
    return Problem(
        ProblemCode.FEATURE_NOT_IN_PLAN,
        f"{declared.name} is not part of your plan. {where}",
        f"settings.{key}",
        {"feature": feature, "plans": ", ".join(having)},
    )


def _merge(row: Organization | Workspace, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Null clears; returns what changed."""
    before = dict(row.settings)
    row.settings = {key: value for key, value in (before | dict(given)).items() if value is not None}
    return difference(**{key: (before.get(key), row.settings.get(key)) for key in given})


async def update_organization(change: Change, organization_id: UUID | None, given: Mapping[str, Any]) -> Organization:
    """Change the settings given; null brings the default back.

    Raises FORBIDDEN, NOT_FOUND, INVALID, FEATURE_NOT_IN_PLAN; MFA_REQUIRED to require of others what one lacks.
    """
    organization = await change.enter(change.actor.in_organization(organization_id), PERMISSION, "organizationId")
    cleaned = _clean(organization, given, of_workspace=False)
    if cleaned.get(MFA_REQUIRED) and change.actor.user_id is not None and not change.actor.has_mfa:
        raise Problem(
            ProblemCode.MFA_REQUIRED,
            "Turn two-factor authentication on for your own account before you require it of everybody.",
            f"settings.{MFA_REQUIRED}",
        )
    if not (changes := _merge(organization, cleaned)):
        change.unchanged()
        return organization
    await organization.save(update_fields=["settings"])
    change.record("organization.settings_updated", organization, changes=changes)
    return organization


async def update_workspace(change: Change, workspace_id: UUID, given: Mapping[str, Any]) -> Workspace:
    """Change the settings given; null brings the organization's back.

    Raises FORBIDDEN, NOT_FOUND, INVALID, FEATURE_NOT_IN_PLAN.
    """
    workspace = await change.load(Workspace, workspace_id, PERMISSION, "workspaceId")
    organization = await Organization.get(id=workspace.organization_id)
    cleaned = _clean(organization, given, of_workspace=True)
    if not (changes := _merge(workspace, cleaned)):
        change.unchanged()
        return workspace
    await workspace.save(update_fields=["settings"])
    change.record("workspace.settings_updated", workspace, workspace_id=workspace.id, changes=changes)
    return workspace
