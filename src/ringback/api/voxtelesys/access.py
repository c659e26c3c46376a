"""Who may ask, and with what kind of body."""

from typing import Annotated, Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import Dependency
from litestar.types import Guard

from ringback.api import common
from ringback.engine.server import Engine
from ringback.errors import Forbidden, WrongMedia

AccountOf = Annotated[str, Dependency(skip_validation=True)]
"""The account's id."""

_JSON: Final = "application/json"


def guard(engine: Engine) -> Guard:
    """Lets pass who has a key of an account. It stands before the body is looked at: who has none learns nothing from how they are
    refused."""

    def known(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Raises Unauthorized, Forbidden, WrongMedia."""
        request: Any = connection  # of HTTP, as there are no other routes
        identity = common.who(request, engine)
        if identity.account is None:
            raise Forbidden("this is an account's API: send a key of an account")
        kind = request.headers.get("content-type", _JSON).partition(";")[0].strip().lower()
        if request.method == "POST" and kind != _JSON:
            raise WrongMedia(f"send the body as {_JSON}")

    return known


def account(identity: common.Who) -> str:
    """The account whose key it is."""
    return str(identity.account)
