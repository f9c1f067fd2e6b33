"""Rows by key, many keys a statement; one set for each operation."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader
from tortoise.functions import Count

from server.access import Actor, in_force, visible
from server.ceiling import owners
from server.models import Grant, InvitationWorkspace, Logo, Member, Totp, Workspace
from server.rows import Row

R = TypeVar("R", bound=Row)


class Loaders:
    """Loaders made on first use and kept for the operation."""

    def __init__(self) -> None:
        self._made: dict[Hashable, DataLoader[Any, Any]] = {}

    def named(self, name: Hashable, load: Callable[[list[Any]], Any]) -> DataLoader[Any, Any]:
        if name not in self._made:
            self._made[name] = DataLoader(load_fn=load)
        return self._made[name]

    def by_id(self, model: type[R]) -> DataLoader[UUID, R | None]:
        async def load(ids: list[UUID]) -> list[R | None]:
            rows = {row.id: row for row in await model.filter(id__in=ids)}
            return [rows.get(id) for id in ids]

        return self.named(model, load)

    def visible_workspace(self, actor: Actor) -> DataLoader[UUID, bool]:
        """Whether there is a workspace of an id as far as the actor can tell."""

        async def load(ids: list[UUID]) -> list[bool]:
            seen = set(await visible(actor, Workspace).filter(id__in=ids).values_list("id", flat=True))
            return [id in seen for id in ids]

        return self.named("visible_workspace", load)

    def mfa_enabled(self, actor: Actor) -> DataLoader[UUID, bool | None]:
        """Whether a user has two-factor authentication on; None for those whom the actor sees as no member."""

        async def load(user_ids: list[UUID]) -> list[bool | None]:
            colleagues = visible(actor, Member).filter(user_id__in=user_ids)
            seen = set(await colleagues.values_list("user_id", flat=True))
            enabled = Totp.filter(user_id__in=seen, confirmed_at__isnull=False)
            having = set(await enabled.values_list("user_id", flat=True))
            return [id in having if id in seen else None for id in user_ids]

        return self.named("mfa_enabled", load)

    @property
    def grants(self) -> DataLoader[UUID, list[Grant]]:
        """A member's grants in force, with their roles and (living or deleted) workspaces, oldest first."""

        async def load(member_ids: list[UUID]) -> list[list[Grant]]:
            grants: defaultdict[UUID, list[Grant]] = defaultdict(list)
            query = Grant.filter(in_force(), member_id__in=member_ids)
            for grant in await query.select_related("role", "workspace").order_by("id"):
                grants[grant.member_id].append(grant)
            return [grants[id] for id in member_ids]

        return self.named(Grant, load)

    @property
    def owners(self) -> DataLoader[UUID, set[UUID]]:
        """The members who own an organization."""

        async def load(organization_ids: list[UUID]) -> list[set[UUID]]:
            found: defaultdict[UUID, set[UUID]] = defaultdict(set)
            for grant in await owners(organization_ids):
                found[grant.organization_id].add(grant.member_id)
            return [found[id] for id in organization_ids]

        return self.named("owners", load)

    @property
    def role_members(self) -> DataLoader[tuple[UUID, UUID], int]:
        """How many members of an organization have a role, by the ids of both."""

        async def load(keys: list[tuple[UUID, UUID]]) -> list[int]:
            grants = Grant.filter(
                in_force(),
                organization_id__in={organization_id for organization_id, _ in keys},
                role_id__in={role_id for _, role_id in keys},
            )
            counted = grants.annotate(members=Count("member_id", distinct=True)).group_by("organization_id", "role_id")
            rows = await counted.values_list("organization_id", "role_id", "members")
            counts = {(organization_id, role_id): members for organization_id, role_id, members in rows}
            return [counts.get(key, 0) for key in keys]

        return self.named("role_members", load)

    @property
    def logo_ids(self) -> DataLoader[UUID, UUID | None]:
        """Of organizations, without the pictures themselves."""

        async def load(organization_ids: list[UUID]) -> list[UUID | None]:
            logos = Logo.filter(organization_id__in=organization_ids)
            found = dict(await logos.values_list("organization_id", "id"))
            return [found.get(id) for id in organization_ids]

        return self.named("logo_ids", load)

    @property
    def invited_workspaces(self) -> DataLoader[UUID, list[Workspace]]:
        """The living workspaces that an invitation is limited to."""

        async def load(invitation_ids: list[UUID]) -> list[list[Workspace]]:
            workspaces: defaultdict[UUID, list[Workspace]] = defaultdict(list)
            query = InvitationWorkspace.filter(invitation_id__in=invitation_ids, workspace__deleted_at__isnull=True)
            for limit in await query.select_related("workspace").order_by("id"):
                workspaces[limit.invitation_id].append(limit.workspace)
            return [workspaces[id] for id in invitation_ids]

        return self.named(InvitationWorkspace, load)
