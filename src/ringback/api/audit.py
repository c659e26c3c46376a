"""Who changed what, when, and from where: written for every route that changes something, ours and the vendors', by one hook."""

import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec
from litestar import Controller, get
from litestar.types import BeforeMessageSendHookHandler, Message, Scope
from msgspec import Struct

from ringback.api.common import WHO, AnyRequest, TheEngine, Who
from ringback.api.paging import Cursor, Limit, Page, number_behind, numbered_page
from ringback.api.voc.replies import LOGIN
from ringback.calls.masking import masked
from ringback.calls.model import to_rfc3339
from ringback.engine.book import Identity
from ringback.errors import NotFound, OurError
from ringback.ids import time_of, to_text
from ringback.store.keeping import AuditLine

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.audit")

CHANGES_NOTHING: Final = frozenset(
    {"POST /v1/events", "POST /v1/sources/freeswitch/cdr", "POST /v1/verify", f"POST {LOGIN}", "POST /v1/endpoints/preview"}
)
"""What is reported is no change, and neither is a question."""
NO_CONTENT: Final = 204
"""Its answer ends with its head."""
_STATUS: Final = "audit_status"
_MADE: Final = ("id", "delivery_id", "endpoint_id")
_ACCOUNT_PARAMETERS: Final = ("account_id", "workspace")


class AuditView(Struct, frozen=True):
    """One change. `by`: `operator`, or the key's role. `key_id` null: the operator's own key. `action`: method and path of the
    route. `objects`: what is named in the path, and the ids that were made. `address`: where the connection came from."""

    id: str
    at: str
    account_id: str | None
    by: str
    key_id: str | None
    key_name: str
    action: str
    objects: dict[str, str]
    address: str
    status: int


def audit_view(line: AuditLine) -> AuditView:
    """See AuditView."""
    return AuditView(
        id=to_text("aud", line.id),
        at=to_rfc3339(time_of(line.id)),
        account_id=line.account,
        by=line.actor,
        key_id=to_text("key", line.key) if line.key else None,
        key_name=line.key_name,
        action=line.action,
        objects=line.objects,
        address=line.address,
        status=line.status,
    )


class Audit(Controller):
    """The audit log."""

    path = "/v1/audit"
    tags = ("audit",)

    @get()
    async def list_all(
        self, request: AnyRequest, engine: TheEngine, identity: Who, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[AuditView]:
        """Lists what was changed over the APIs, newest first: a key sees its account's, the operator's all, or one's."""
        account = request.query_params.get("account")
        if identity.account is not None and account not in (None, identity.account):
            raise NotFound("no such account")
        if account is not None and not engine.book.knows(account):
            raise NotFound("no such account")
        whose, before = identity.account or account, number_behind(cursor)
        lines = await engine.in_thread(lambda: engine.store.audit(whose, before, limit + 1))
        return numbered_page(lines, limit, lambda line: line.id, audit_view)


def auditor(engine: "Engine") -> BeforeMessageSendHookHandler:
    """A hook that writes a line before the answer to a change goes out. A line that cannot be written is logged: the change has
    been made."""

    async def hear(message: Message, scope: Scope) -> None:
        request: Any = scope  # of HTTP, as there are no other routes
        if request["method"] in ("GET", "HEAD", "OPTIONS"):
            return
        state = request["state"]
        if message["type"] == "http.response.start":
            state[_STATUS] = message["status"]
            if message["status"] != NO_CONTENT:
                return  # the answer's body says what was made, and is not there before the line is written
        if message["type"] in ("http.response.start", "http.response.body") and state.get(_STATUS, 500) < 400:
            line = _line(engine, request, message.get("body", b""), state.pop(_STATUS))  # type: ignore[arg-type]
            if line is None:
                return
            try:
                await engine.in_thread(lambda: engine.store.add_audit(line))
            except OurError as error:
                log.error("not written: %s %s: %s", line.action, line.objects, error)

    return hear


def _line(engine: "Engine", scope: Any, body: bytes, status: int) -> AuditLine | None:
    action = f"{scope['method']} {scope.get('path_template') or scope['path']}"
    if action in CHANGES_NOTHING:
        return None
    who: Identity | None = scope["state"].get(WHO)
    parameters = {name: masked(unquote(str(value))) for name, value in scope.get("path_params", {}).items()}
    client = scope.get("client")
    return AuditLine(
        id=engine.writer.new_id(),
        account=account_of(engine, scope, who),
        actor=who.role if who else "",
        key=who.key if who else 0,
        key_name=(who.name or engine.book.key_name(who.key)) if who else "",
        action=action,
        objects={**parameters, **_made(body)},
        address=str(client[0]) if client else "",
        status=status,
    )


def account_of(engine: "Engine", scope: Scope, who: Identity | None) -> str | None:
    """Whose the thing is: the key's account; with the operator's key the one that is named."""
    if who is not None and who.account is not None:
        return who.account
    named = [str(scope.get("path_params", {}).get(name, "")).lower() for name in _ACCOUNT_PARAMETERS]
    for part in scope["query_string"].decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name == "account":
            named.append(value)
    return next((one for one in named if engine.book.knows(one)), None)


def _made(body: bytes) -> dict[str, str]:
    """The ids in an answer, which is small where something was made. Nothing else of it: it may show a secret, once."""
    try:
        answer: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    answer = answer.get("data", answer) if isinstance(answer, dict) and isinstance(answer.get("data"), dict) else answer
    return {name: answer[name] for name in _MADE if isinstance(answer.get(name), str)} if isinstance(answer, dict) else {}
