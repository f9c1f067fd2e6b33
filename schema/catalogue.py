"""The product's catalogue on the graph: the same for everybody, signed in or not."""

from enum import Enum

import strawberry
from strawberry.scalars import JSON

from schema.declare import derived
from schema.roles import Permission
from server import catalogue as declared


@strawberry.enum(description="What a setting's value is.")
class SettingType(Enum):
    BOOLEAN = strawberry.enum_value("boolean", description="True or false.")
    INTEGER = strawberry.enum_value("integer", description="A whole number, from `minimum` to `maximum`.")
    TEXT = strawberry.enum_value("text", description="1 to 254 characters, without line breaks.")
    EMAIL = strawberry.enum_value("email", description="An e-mail address.")
    CHOICE = strawberry.enum_value("choice", description="One of `choices`.")


@strawberry.type(description="What the product is.")
class CatalogueProduct:
    name: str = strawberry.field(description="What people call it.")
    region: str | None = strawberry.field(description="Where the data of new organizations lives.")
    environments: list[str] = strawberry.field(
        description="Those that a workspace is usually for; others can be typed."
    )
    restore_window_days: int = strawberry.field(
        description="For how many days something deleted can be restored; 0: it is gone at once."
    )


@strawberry.type(description="What the product's people call a thing.")
class CatalogueLabel:
    singular: str = strawberry.field(description="One of them.")
    plural: str = strawberry.field(description="Several of them.")


@strawberry.type(description="What the product's people call things.")
class CatalogueLabels:
    organization: CatalogueLabel = strawberry.field(description="An organization.")
    workspace: CatalogueLabel = strawberry.field(description="A workspace.")
    member: CatalogueLabel = strawberry.field(description="A member.")


@strawberry.type(description="A group of permissions, for a form in which roles are made.")
class CatalogueArea:
    key: str = strawberry.field(description="Its name for machines.")
    name: str = strawberry.field(description="What people call it.")
    description: str = strawberry.field(description="What it is about; may be empty.")
    permissions: list[Permission] = strawberry.field(description="Those that belong to it.")


@strawberry.type(description="A built-in role.")
class CatalogueRole:
    key: str = strawberry.field(description="Its name for machines.")
    name: str = strawberry.field(description="What people call it.")
    description: str = strawberry.field(description="What it is for; may be empty.")
    permissions: list[str] = strawberry.field(description="The keys of the permissions that it gives.")
    manages: list[str] | None = strawberry.field(
        description="The keys of the built-in roles whose members it manages; null: of those of fewer permissions."
    )
    creator: bool = strawberry.field(
        description="Whether it is the owner's: who founds an organization has it, and somebody always does."
    )
    invitable: bool = strawberry.field(description="Whether it is meant to be offered in invitations.")


@strawberry.type(description="Something that a plan includes, or does not.")
class CatalogueFeature:
    key: str = strawberry.field(description="Its name for machines.")
    description: str = strawberry.field(description="What it is.")


@strawberry.type(description="A plan that an organization can have.")
class CataloguePlan:
    key: str = strawberry.field(description="Its name for machines.")
    name: str = strawberry.field(description="What people call it.")
    description: str = strawberry.field(description="Whom it is for; may be empty.")
    seats: int | None = strawberry.field(description="How many members at most; null: as many as like to.")
    features: list[CatalogueFeature] = strawberry.field(description="What it includes.")
    default: bool = strawberry.field(description="Whether new organizations have it.")


@strawberry.type(description="A setting that an organization can have.")
class CatalogueSetting:
    key: str = strawberry.field(description="Its name for machines.")
    name: str = strawberry.field(description="What people call it.")
    description: str = strawberry.field(description="What it does; may be empty.")
    type: SettingType = strawberry.field(description="What its value is.")
    default: JSON | None = strawberry.field(description="Its value where none was set; null: none.")
    minimum: int | None = strawberry.field(description="The least number; null for other types and without a limit.")
    maximum: int | None = strawberry.field(description="The greatest number; null for other types and without a limit.")
    choices: list[str] = strawberry.field(description="What can be chosen; empty for other types.")
    feature: str | None = strawberry.field(description="The key of the feature that the plan must include to set it.")
    workspace: bool = strawberry.field(description="Whether a workspace can have a value of its own.")


@strawberry.type(description="What the product has: permissions, built-in roles, plans, settings and words.")
class Catalogue:
    product: CatalogueProduct = strawberry.field(description="What the product is.")
    labels: CatalogueLabels = strawberry.field(description="What its people call things.")
    areas: list[CatalogueArea] = strawberry.field(description="All permissions, by area.")
    roles: list[CatalogueRole] = strawberry.field(description="The built-in roles.")
    plans: list[CataloguePlan] = strawberry.field(description="The plans; empty where everybody has everything.")
    features: list[CatalogueFeature] = strawberry.field(description="What plans differ in.")
    settings: list[CatalogueSetting] = strawberry.field(description="The settings.")


def _label(label: declared.Label) -> CatalogueLabel:
    return CatalogueLabel(singular=label.singular, plural=label.plural)


def describe_setting(key: str, setting: declared.Setting) -> CatalogueSetting:
    return CatalogueSetting(
        key=key,
        name=setting.name,
        description=setting.description,
        type=SettingType(setting.type),
        default=setting.default,
        minimum=setting.minimum,
        maximum=setting.maximum,
        choices=setting.choices,
        feature=setting.feature,
        workspace=setting.workspace,
    )


def describe(product: declared.Catalogue) -> Catalogue:
    """All of it in the file's order."""
    features = [CatalogueFeature(key=key, description=text) for key, text in product.features.items()]
    return Catalogue(
        product=CatalogueProduct(
            name=product.product.name,
            region=product.product.region,
            environments=product.product.environments,
            restore_window_days=product.product.restore_window_days,
        ),
        labels=CatalogueLabels(
            organization=_label(product.labels.organization),
            workspace=_label(product.labels.workspace),
            member=_label(product.labels.member),
        ),
        areas=[
            CatalogueArea(
                key=key,
                name=area.name,
                description=area.description,
                permissions=[Permission(key=name, description=text) for name, text in area.permissions.items()],
            )
            for key, area in product.areas.items()
        ],
        roles=[
            CatalogueRole(
                key=key,
                name=role.name,
                description=role.description,
                permissions=product.permissions_of(key),
                manages=product.manages_of(key),
                creator=role.creator,
                invitable=role.invitable,
            )
            for key, role in product.roles.items()
        ],
        plans=[
            CataloguePlan(
                key=key,
                name=plan.name,
                description=plan.description,
                seats=plan.seats,
                features=[feature for feature in features if feature.key in product.features_of(key)],
                default=key == product.product.plan,
            )
            for key, plan in product.plans.items()
        ],
        features=features,
        settings=[describe_setting(key, setting) for key, setting in product.settings.items()],
    )


DESCRIBED = describe(declared.catalogue)


@strawberry.type
class CatalogueQuery:
    catalogue: Catalogue = derived(lambda actor: DESCRIBED, "What the product has. For everybody, signed in or not.")
