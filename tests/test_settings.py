"""What follows from the environment."""

import pytest

from server.settings import Settings


@pytest.mark.parametrize(
    ("environment", "with_demo"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, True),
        ({"public_url": "http://localhost:8000"}, True),
        ({"public_url": "https://orgraph.example.com"}, False),
        ({"public_url": "https://orgraph.example.com", "demo": True}, True),
        ({"host": "192.0.2.1"}, False),
        ({"demo": False}, False),
    ],
)
def test_the_known_password_is_for_this_machine_only(environment: dict[str, object], with_demo: bool) -> None:
    assert Settings(**environment).with_demo is with_demo  # type: ignore[arg-type]


def test_cookies_are_bound_to_their_host_where_there_is_https() -> None:
    assert Settings(public_url="https://orgraph.example.com").https
    assert not Settings().https


def test_letters_link_to_where_people_reach_the_server() -> None:
    assert Settings(public_url="https://orgraph.example.com/").url == "https://orgraph.example.com"
    assert Settings(host="0.0.0.0", port=8001).url == "http://localhost:8001"
