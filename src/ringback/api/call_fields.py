"""What is checked of a call that is to be placed, whichever API asks for it: URLs, documents, flows, scripts. Each refusal names
its field."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ringback.delivery.guard import check_url
from ringback.engine.server import Engine
from ringback.errors import InvalidInput
from ringback.live.dialled import as_dialled
from ringback.switch.simulated.script import Script, parse_script
from ringback.voxml.model import NewDocument
from ringback.voxml.parse import parse
from ringback.voxml.state import Start
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import Method

_T = TypeVar("_T")


def one_of(given: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The one of the fields that is given. Raises InvalidInput if none is, or more than one."""
    found = [name for name in names if given[name] is not None]
    if len(found) != 1:
        raise InvalidInput(f"expected exactly one of {', '.join(names)}", found[1] if found else names[0])
    return found[0]


def checked_url(engine: Engine, account: str, url: str, field: str) -> str:
    """A URL as it is asked, credentials, fragment and all, if the account may send anything there. Raises InvalidInput."""
    bare, _ = _of_field(field, lambda: split_credentials(url.partition("#")[0]))
    _of_field(field, lambda: check_url(bare, engine.sender_settings, account))
    return url


def start_of_url(engine: Engine, account: str, url: str, method: Method, field: str = "url") -> Start:
    """The document is asked for. Raises InvalidInput."""
    return Start(checked_url(engine, account, url, field), method)


def start_of_flow(engine: Engine, account: str, flow: str, field: str) -> Start:
    """The document that a flow's id stands for in the account's settings. Raises InvalidInput."""
    url = engine.book.accounts[account].flows.get(flow)
    if url is None:
        raise InvalidInput("there is no such flow: PATCH /v1/accounts/{id} says which URL it stands for", field)
    return start_of_url(engine, account, url, "POST", field)


async def read_document(text: str, field: str) -> NewDocument:
    """The document that was given. Raises InvalidInput with its line and column."""
    document = await asyncio.to_thread(_of_field, field, lambda: parse(text))
    return NewDocument("", document)


def read_script(engine: Engine, text: str | None) -> Script | None:
    """What the far end does. Raises InvalidInput, Conflict: there is nobody to follow it."""
    if text is None:
        return None
    engine.live_calls.simulated()
    return parse_script(text)


def address(engine: Engine, account: str, text: str) -> str:
    """Whom a number means that the account has written."""
    return as_dialled(text, engine.book.accounts[account].country)


def _of_field(field: str, check: Callable[[], _T]) -> _T:
    """What a rule says, told of the field that it was asked about. Raises InvalidInput."""
    try:
        return check()
    except InvalidInput as error:
        raise InvalidInput(str(error), field) from None
