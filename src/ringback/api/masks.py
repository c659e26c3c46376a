"""What keys that may only look are shown of numbers, where their account wants it: one hook for every route of every API."""

from typing import TYPE_CHECKING, Any, Final

from litestar.types import BeforeMessageSendHookHandler, Message, Scope

from ringback.api.audit import account_of
from ringback.api.common import WHO
from ringback.calls.masking import masked_json
from ringback.engine.book import Identity

if TYPE_CHECKING:
    from ringback.engine.server import Engine

_MASKING: Final = "masks_numbers"


def masker(engine: "Engine") -> BeforeMessageSendHookHandler:
    """A hook that masks numbers in JSON answers. Their length stays, so their head needs no change."""

    async def mask(message: Message, scope: Scope) -> None:
        state = scope["state"]
        if message["type"] == "http.response.start":
            state[_MASKING] = _is_json(message["headers"]) and is_masked(engine, scope, state.get(WHO))
        elif message["type"] == "http.response.body" and state.get(_MASKING):
            message["body"] = masked_json(message["body"])

    return mask


def is_masked(engine: "Engine", scope: Scope, who: Identity | None) -> bool:
    """Are numbers masked in what this request is answered?"""
    if who is None or who.role != "viewer":
        return False
    account = engine.book.accounts.get(account_of(engine, scope, who) or "")
    return account is not None and account.mask_numbers


def _is_json(headers: Any) -> bool:
    return any(name.lower() == b"content-type" and b"json" in value for name, value in headers)
