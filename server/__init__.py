"""Orgraph's rules and data. Nothing here knows of GraphQL."""
