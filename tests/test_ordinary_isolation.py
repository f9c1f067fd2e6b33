"""The server beside the model once more, field by field."""

from tests.ordinary import server as server
from tests.test_isolation import test_server_and_model_agree as test_server_and_model_agree
from tests.test_isolation import world as world
