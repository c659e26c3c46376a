"""Who may ask, and for which workspace: the account's keys, under both forms of the path."""

from typing import Annotated, Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import Dependency
from litestar.types import Guard

from ringback.api import common
from ringback.api.bird.subscriptions import endpoint_number, is_subscription
from ringback.engine.server import Engine
from ringback.errors import NotFound
from ringback.webhooks.model import Endpoint

Workspace = Annotated[str, Dependency(skip_validation=True)]
"""The account's id."""


def guard(engine: Engine) -> Guard:
    """Lets pass who has a key to the workspace in the path. It stands before the body and the query are looked at: who has none
    learns nothing from how they are refused."""

    def known(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Raises Unauthorized, Forbidden, and NotFound: what is another's is not there, and a workspace has one organization."""
        request: Any = connection  # of HTTP, as there are no other routes
        identity = common.who(request, engine)
        organization = connection.path_params.get("organization", engine.book.organization).lower()
        account = workspace(connection)
        if organization != engine.book.organization or identity.account not in (None, account) or not engine.book.knows(account):
            raise NotFound("no such workspace")

    return known


def workspace(request: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The account that the path names."""
    return str(request.path_params["workspace"]).lower()


def found(engine: Engine, account: str, subscription: str) -> Endpoint:
    """The endpoint behind a subscription's id. Raises NotFound."""
    number = endpoint_number(account, subscription)
    endpoint = None if number is None else engine.book.endpoint(number)
    if endpoint is None or endpoint.account != account or not is_subscription(endpoint):
        raise NotFound("no such webhook subscription")
    return endpoint
