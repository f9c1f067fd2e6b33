"""The graph: a list of features, nothing more."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.access_tokens import AccessTokenMutation
from schema.accounts import AccountMutation
from schema.api_keys import ApiKeyMutation
from schema.catalogue import CatalogueQuery
from schema.checks import CheckQuery
from schema.door import behind_the_door
from schema.events import EventSubscription
from schema.grants import GrantMutation
from schema.invitations import InvitationMutation, InvitationQuery
from schema.limits import Schema, limits
from schema.members import MemberMutation
from schema.mfa import MfaMutation
from schema.node import NodeQuery
from schema.organizations import OrganizationMutation, OrganizationQuery
from schema.product_settings import SettingMutation
from schema.roles import RoleMutation
from schema.viewer import ViewerQuery
from schema.workspaces import WorkspaceMutation, WorkspaceQuery


@strawberry.type(description="What can be asked.")
class Query(
    ViewerQuery,
    OrganizationQuery,
    WorkspaceQuery,
    InvitationQuery,
    NodeQuery,
    CatalogueQuery,
    CheckQuery,
):
    pass


@behind_the_door
@strawberry.type(description="What can be done.")
class Mutation(
    AccountMutation,
    MfaMutation,
    AccessTokenMutation,
    OrganizationMutation,
    SettingMutation,
    WorkspaceMutation,
    InvitationMutation,
    MemberMutation,
    RoleMutation,
    GrantMutation,
    ApiKeyMutation,
):
    pass


@strawberry.type(description="What can be followed as it happens.")
class Subscription(EventSubscription):
    pass


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=limits(),
    config=StrawberryConfig(disable_field_suggestions=True),
)
