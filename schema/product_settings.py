"""The product's settings on the graph."""

import strawberry
from strawberry.scalars import JSON

from schema.context import Info
from schema.door import Payload
from schema.organizations import Organization
from schema.permissions import takes
from schema.scalars import optional_id, required_id
from schema.workspaces import Workspace
from server import models
from server import product_settings as rules
from server.errors import Problem, ProblemCode


@strawberry.type(description="A setting as it is in an organization or a workspace.")
class SettingValue:
    effective: strawberry.Private[rules.Effective]

    @strawberry.field(description="Its name for machines; the catalogue says more about it.")
    def key(self) -> str:
        return self.effective.key

    @strawberry.field(description="What people call it.")
    def name(self) -> str:
        return self.effective.declared.name

    @strawberry.field(description="What it is for.")
    def description(self) -> str:
        return self.effective.declared.description

    @strawberry.field(description="What counts here; null: nothing was ever set, and there is no default.")
    def value(self) -> JSON | None:
        return self.effective.value

    @strawberry.field(description="Whether the value comes from above: the organization's, or the product's default.")
    def inherited(self) -> bool:
        return self.effective.inherited

    @strawberry.field(description="The feature that it takes; null: none.")
    def feature(self) -> str | None:
        return self.effective.declared.feature

    @strawberry.field(description="Whether the organization's plan includes that feature.")
    def available(self) -> bool:
        return self.effective.available


def settings_of(organization: models.Organization, workspace: models.Workspace | None = None) -> list[SettingValue]:
    return [SettingValue(effective=each) for each in rules.effective(organization, workspace)]


@strawberry.input(description="A setting, and its new value.")
class SettingInput:
    key: str = strawberry.field(description="As the catalogue names it.")
    value: JSON | None = strawberry.field(description="Of the setting's type; null brings back what is inherited.")


@strawberry.input(description="Which of an organization's settings to change; the others stay.")
class UpdateOrganizationSettingsInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")
    settings: list[SettingInput] = strawberry.field(description="All of them are changed, or none.")


@strawberry.type(description="What updateOrganizationSettings answers.")
class UpdateOrganizationSettingsPayload(Payload):
    organization: Organization | None = strawberry.field(default=None, description="The organization.")


@strawberry.input(description="Which of a workspace's settings to change; the others stay.")
class UpdateWorkspaceSettingsInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    settings: list[SettingInput] = strawberry.field(description="All of them are changed, or none.")


@strawberry.type(description="What updateWorkspaceSettings answers.")
class UpdateWorkspaceSettingsPayload(Payload):
    workspace: Workspace | None = strawberry.field(default=None, description="The workspace.")


def _given(settings: list[SettingInput]) -> dict[str, object]:
    """Raises INVALID where a setting is given twice."""
    given: dict[str, object] = {}
    for index, setting in enumerate(settings):
        if setting.key in given:
            raise Problem(ProblemCode.INVALID, "This setting stands in the list twice.", f"settings.{index}.key")
        given[setting.key] = setting.value
    return given


@strawberry.type
class SettingMutation:
    @strawberry.mutation(
        description="Change settings of an organization, and of its workspaces that have none of their own.",
        directives=takes(rules.PERMISSION),
    )
    async def update_organization_settings(
        self, info: Info, input: UpdateOrganizationSettingsInput
    ) -> UpdateOrganizationSettingsPayload | None:
        organization_id = optional_id(models.Organization, input.organization_id, "organizationId")
        row = await rules.update_organization(info.context.change, organization_id, _given(input.settings))
        return UpdateOrganizationSettingsPayload(organization=Organization(row=row))

    @strawberry.mutation(description="Change settings of a workspace.", directives=takes(rules.PERMISSION))
    async def update_workspace_settings(
        self, info: Info, input: UpdateWorkspaceSettingsInput
    ) -> UpdateWorkspaceSettingsPayload | None:
        workspace_id = required_id(models.Workspace, input.workspace_id, "workspaceId")
        row = await rules.update_workspace(info.context.change, workspace_id, _given(input.settings))
        return UpdateWorkspaceSettingsPayload(workspace=Workspace(row=row))
