"""Click-to-dial: an extension rings, and once somebody picks up the destination is dialled."""

import re
from typing import Annotated, Final

from litestar import Controller, post
from litestar.params import Parameter
from msgspec import Struct

from ringback.api.call_fields import address
from ringback.api.common import NO_CONTROLS, TheEngine
from ringback.api.voc.access import AccountOf
from ringback.api.voc.replies import Reply
from ringback.calls.numbers import Kind, classify
from ringback.dialects.voc import caller_text, number_text
from ringback.engine.placing import click_to_dial, usual_caller_id
from ringback.engine.server import Engine
from ringback.errors import InvalidInput

_ADDRESS: Final = re.compile(r"[!-~]{1,128}")
_NO_CONTROLS: Final = re.compile(NO_CONTROLS)
_LONGEST_REFERENCE: Final = 256
_CALLED: Final[tuple[Kind, ...]] = ("e164", "short", "extension")
_SHOWN: Final[tuple[Kind, ...]] = ("e164", "extension", "anonymous")


class DialledCall(Struct, frozen=True, kw_only=True):
    """A call that has begun: its extension is being called. `id`, as in the list of calls, and `callid`, as in the webhooks, are
    the same. `callerid`: what the destination sees."""

    id: str
    callid: str
    extension: str
    destination: str
    callerid: str
    crm_id: str | None


class ClickToDial(Controller):
    """Calls that an application has an extension make."""

    path = "/dial"
    tags = ("voc",)

    @post(status_code=200)
    async def dial(
        self,
        engine: TheEngine,
        account: AccountOf,
        extension: Annotated[str | None, Parameter(description="Who is called first; needed.")] = None,
        destination: Annotated[str | None, Parameter(description="A number, or an extension; needed.")] = None,
        crm_id: Annotated[str | None, Parameter(description="Comes back in every webhook of the call.")] = None,
        caller_id: Annotated[str | None, Parameter(description="What the destination sees; a number of yours.")] = None,
    ) -> Reply[DialledCall]:
        """Calls an extension and, once it picks up, the destination, and connects the two. The call is on disk when this is
        answered; it is told as one that the extension has made."""
        caller = engine.live_calls.extension(account, _address(engine, account, extension, "extension"))
        to = _destination(engine, account, destination)
        if to == caller:
            raise InvalidInput("is the extension itself", "destination")
        reference = crm_id or None
        if reference is not None and (len(reference) > _LONGEST_REFERENCE or not _NO_CONTROLS.search(reference)):
            raise InvalidInput(f"has {_LONGEST_REFERENCE} characters at most, and no control characters", "crm_id")
        numbers = engine.book.numbers(account)
        shown = _shown(engine, account, caller_id) if caller_id else usual_caller_id(caller, to, numbers)
        call = await engine.live_calls.place(account, click_to_dial(caller, to, shown, reference))
        return Reply(
            DialledCall(
                id=call.id,
                callid=call.id,
                extension=caller,
                destination=number_text(to),
                callerid=caller_text(shown),
                crm_id=reference,
            )
        )


def _address(engine: Engine, account: str, text: str | None, field: str) -> str:
    """What was given, a number in E.164. Raises InvalidInput."""
    if not text or not text.strip():
        raise InvalidInput("is needed, in the query string", field)
    meant = address(engine, account, text.strip())
    if not _ADDRESS.fullmatch(meant):
        raise InvalidInput("is not a number or an extension", field)
    return meant


def _destination(engine: Engine, account: str, text: str | None) -> str:
    """Whom to call: a number, or an extension. A name is one only if a phone has it. Raises InvalidInput, Conflict."""
    to = _address(engine, account, text, "destination")
    kind = classify(to, engine.book.accounts[account].country).kind
    if kind not in _CALLED:
        raise InvalidInput("is not a number or an extension", "destination")
    if kind != "extension":
        return to
    known = engine.live_calls.find_extension(account, to)
    if known is None and not to.isdecimal():
        raise InvalidInput("is not a number or an extension", "destination")
    return known or to


def _shown(engine: Engine, account: str, text: str) -> str:
    """Raises InvalidInput."""
    shown = _address(engine, account, text, "caller_id")
    if classify(shown, None).kind not in _SHOWN:
        raise InvalidInput("is not a number, an extension or anonymous", "caller_id")
    return shown
