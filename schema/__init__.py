"""The graph: a list of features, nothing more."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.accounts import AccountMutation, AccountQuery
from schema.door import behind_the_door
from schema.events import EventSubscription
from schema.grants import GrantMutation
from schema.invitations import InvitationMutation, InvitationQuery
from schema.limits import Schema, limits
from schema.members import MemberMutation
from schema.node import NodeQuery
from schema.organizations import OrganizationMutation, OrganizationQuery
from schema.workspaces import WorkspaceMutation, WorkspaceQuery


@strawberry.type(description="What can be asked.")
class Query(AccountQuery, OrganizationQuery, WorkspaceQuery, InvitationQuery, NodeQuery):
    pass


@behind_the_door
@strawberry.type(description="What can be done.")
class Mutation(
    AccountMutation, OrganizationMutation, WorkspaceMutation, InvitationMutation, MemberMutation, GrantMutation
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
