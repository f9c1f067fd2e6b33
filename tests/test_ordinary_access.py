"""Who sees and may do what, once more field by field: the rules do not hang on how a query runs."""

from tests import test_abilities, test_check_agreement, test_escalation, test_organization_access
from tests.factories import Person
from tests.ordinary import server as server
from tests.test_abilities import default as default
from tests.test_escalation import company as company

for _module in (test_abilities, test_check_agreement, test_escalation, test_organization_access):
    for _name, _test in vars(_module).items():
        # Of a world or a product there is one for the whole run, on the other server.
        if _name.startswith("test_") and not {"make_world", "meetings"} & set(_test.__code__.co_varnames):
            globals()[_name] = _test


async def test_it_is_not_compiled(boss: Person) -> None:
    answer = await boss.execute("{ viewer { user { id } } }")
    assert "compiled" not in answer.headers["server-timing"]
