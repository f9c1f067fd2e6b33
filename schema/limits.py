"""What keeps hostile or mistaken operations cheap, and the unexpected out of answers."""

from collections.abc import Iterator, Mapping
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_operation_ast,
)
from strawberry.extensions import MaxTokensLimiter, SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from schema.context import Context
from schema.documents import documents
from schema.pagination import DEFAULT_PAGE, MAX_PAGE
from schema.problems import classify

MAX_TOKENS = 4000
MAX_COST = 200_000


class KnownDocuments(SchemaExtension):
    """Parses and validates a document once: clients send the same few again and again."""

    def on_parse(self) -> Iterator[None]:
        self.known = documents.get(self.execution_context.query or "")
        self.execution_context.graphql_document = self.known.document if self.known else None
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if self.known is not None:
            context.pre_execution_errors = []
        yield
        if not context.pre_execution_errors and context.query and context.graphql_document is not None:
            documents.keep(context.query, context.graphql_document)


class OneOperation(SchemaExtension):
    """A document of several operations runs only the one that is named (GraphQL, section 6.1)."""

    def on_parse(self) -> Iterator[None]:
        yield
        context = self.execution_context
        definitions = context.graphql_document.definitions if context.graphql_document else ()
        operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
        # Its `operation_name` is the first operation's where the request names none.
        if len(operations) > 1 and not context._provided_operation_name:
            raise CannotGetOperationTypeError(None)


class Cost:
    """How many fields an operation can come to, at most: what is below a page counts once for each of its rows.

    Linear in the document, since each fragment is measured once, however often it is spread.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any] | None) -> None:
        """Without variables, pages whose size is one are as large as can be."""
        definitions = document.definitions
        self.schema = schema
        self.variables = variables
        self.fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
        self.measured: dict[str, int] = {}

    def of(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> int:
        total = 0
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                total += self._field(selection, parent)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                total += self.of(selection.selection_set, self._type(condition) if condition else parent)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._fragment(selection.name.value)
        return total

    def _type(self, node: NamedTypeNode) -> GraphQLNamedType | None:
        return self.schema.get_type(node.name.value)

    def _fragment(self, name: str) -> int:
        if name not in self.measured:
            fragment = self.fragments[name]
            self.measured[name] = self.of(fragment.selection_set, self._type(fragment.type_condition))
        return self.measured[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        field = getattr(parent, "fields", {}).get(node.name.value)
        if field is None:  # __typename and introspection, whose size is the schema's
            return 1
        type_ = get_named_type(field.type)
        below = self.of(node.selection_set, type_)
        return 1 + below * (self._page_size(node) if type_.name.endswith("Connection") else 1)

    def _page_size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value = argument.value
                size = None
                if isinstance(value, VariableNode):
                    size = MAX_PAGE if self.variables is None else self.variables.get(value.name.value)
                size = int(value.value) if isinstance(value, IntValueNode) else size
                if isinstance(size, int):
                    return min(max(size, 1), MAX_PAGE)
        return DEFAULT_PAGE


class MaxCost(SchemaExtension):
    """Refuses, before it runs, what would hold up everybody else."""

    def on_execute(self) -> Iterator[None]:
        context = self.execution_context
        if context.graphql_document is None:
            raise RuntimeError("An operation is parsed before it runs")
        operation = get_operation_ast(context.graphql_document, context.operation_name)
        cost = Cost(context.schema._schema, context.graphql_document, context.variables or {})
        if operation is not None:
            total = cost.of(operation.selection_set, cost.schema.get_root_type(operation.operation))
            if total > MAX_COST:
                raise GraphQLError(
                    f"This operation can come to {total:,} fields; {MAX_COST:,} is the most. Ask for smaller pages.",
                    extensions={"code": "QUERY_TOO_COMPLEX", "cost": total, "limit": MAX_COST},
                )
        yield


class Schema(strawberry.Schema):
    """Gives every error its code, and every streamed operation a context of its own."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        classify(errors, execution_context)

    async def execute(self, query: str | None, *args: Any, **kwargs: Any) -> Any:
        allowed = kwargs.get("allowed_operation_types") or set(OperationType)
        kwargs["allowed_operation_types"] = set(allowed) - {OperationType.SUBSCRIPTION}  # those are streamed
        return await super().execute(query, *args, **kwargs)

    async def stream(self, query: str | None, *args: Any, **kwargs: Any) -> Any:
        context = kwargs.get("context_value")
        if isinstance(context, Context):
            kwargs["context_value"] = await context.for_operation()
        return await super().stream(query, *args, **kwargs)


def limits() -> list[Any]:
    return [KnownDocuments, OneOperation, lambda: MaxTokensLimiter(MAX_TOKENS), MaxCost]
