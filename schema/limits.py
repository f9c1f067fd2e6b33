"""What keeps hostile or mistaken operations cheap, and the unexpected out of answers."""

from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import MaxTokensLimiter, SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from schema.context import Context
from schema.problems import classify

MAX_TOKENS = 4000


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
    return [OneOperation, lambda: MaxTokensLimiter(MAX_TOKENS)]
