"""What keeps hostile or mistaken operations cheap, and the unexpected out of answers."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter
from strawberry.types import ExecutionContext

from schema.context import Context
from schema.problems import classify

MAX_TOKENS = 4000


class Schema(strawberry.Schema):
    """Gives every error its code, and every streamed operation a context of its own."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        classify(errors, execution_context)

    async def stream(self, query: str | None, *args: Any, **kwargs: Any) -> Any:
        context = kwargs.get("context_value")
        if isinstance(context, Context):
            kwargs["context_value"] = await context.for_operation()
        return await super().stream(query, *args, **kwargs)


def limits() -> list[Any]:
    return [lambda: MaxTokensLimiter(MAX_TOKENS)]
