"""Who changed what, when, and from where: written for every route that changes something, ours and the vendors', by one hook."""

import logging
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec
from litestar import Controller, get
from litestar.params import Parameter
from litestar.types import BeforeMessageSendHookHandler, Message, Scope
from msgspec import Struct

from ringback.api.common import WHO, AnyRequest, TheEngine, Who, at_ms
from ringback.api.paging import Cursor, Limit, Page, number_behind, numbered_page
from ringback.api.voc.replies import LOGIN
from ringback.calls.masking import masked
from ringback.calls.model import to_rfc3339
from ringback.engine.book import Identity
from ringback.errors import NotFound, OurError
from ringback.ids import first_id_at, time_of, to_text
from ringback.store.keeping import AuditLine

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.audit")

CHANGES_NOTHING: Final = frozenset(
    {
        "POST /v1/events",
        "POST /v1/sources/freeswitch/cdr",
        "POST /v1/verify",
        "POST /v1/voxml/check",
        "POST /v1/voxml/run",
        "POST /v1/endpoints/preview",
        f"POST {LOGIN}",
    }
)
"""What is reported is no change, and neither is a question, or a call that is only simulated."""
DRY_RUN: Final = ("POST /v1/resends", 200)
"""Nor is what would be done, which is answered by a status of its own."""
LOOKED_AT: Final = 5_000
"""Lines that one page of a search looks at, at the most."""
_BATCH: Final = 500
Asked = Annotated[str | None, Parameter(max_length=200)]
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
        self,
        request: AnyRequest,
        engine: TheEngine,
        identity: Who,
        limit: Limit = 50,
        cursor: Cursor = None,
        action: Asked = None,
        by: Asked = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Page[AuditView]:
        """Lists what was changed over the APIs, newest first: a key sees its account's, the operator's all, or one's. `action`: a
        part of the method and path; `by`: a part of the role, or of the key's name. A page that looked at many lines and found few
        may have fewer than `limit`, and a cursor to go on by."""
        account = request.query_params.get("account")
        if identity.account is not None and account not in (None, identity.account):
            raise NotFound("no such account")
        if account is not None and not engine.book.knows(account):
            raise NotFound("no such account")
        whose, before = identity.account or account, number_behind(cursor)
        wanted = Wanted((action or "").lower(), (by or "").lower(), at_ms(since, "since"), at_ms(until, "until"))
        if wanted == EVERYTHING:
            lines = await engine.in_thread(lambda: engine.store.audit(whose, before, limit + 1))
            return numbered_page(lines, limit, lambda line: line.id, audit_view)
        found, behind = await engine.in_thread(lambda: _search(engine, whose, before, limit, wanted))
        return Page([audit_view(line) for line in found], None if behind is None else to_text("c", behind))


class Wanted(NamedTuple):
    """Which lines: parts of texts in lower case, empty for any; Unix milliseconds, None for any."""

    action: str
    by: str
    since_ms: int | None
    until_ms: int | None

    def fits(self, line: AuditLine) -> bool:
        """Is it one of them, whenever it was?"""
        return self.action in line.action.lower() and self.by in f"{line.actor} {line.key_name}".lower()


EVERYTHING: Final = Wanted("", "", None, None)


def _search(
    engine: "Engine", whose: str | None, before: int | None, limit: int, wanted: Wanted
) -> tuple[list[AuditLine], int | None]:
    """Lines that fit, and the line to go on behind; None: there are no more. Reads the store, LOOKED_AT lines at the most."""
    if wanted.until_ms is not None:
        bound = first_id_at(wanted.until_ms + 1)
        before = bound if before is None else min(before, bound)
    found: list[AuditLine] = []
    for _ in range(LOOKED_AT // _BATCH):
        lines = engine.store.audit(whose, before, _BATCH)
        for line in lines:
            if wanted.since_ms is not None and time_of(line.id) < wanted.since_ms:
                return found, None
            if wanted.fits(line):
                found.append(line)
            if len(found) == limit:
                return found, line.id
        if len(lines) < _BATCH:
            return found, None
        before = lines[-1].id
    return found, before


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
    if action in CHANGES_NOTHING or (action, status) == DRY_RUN:
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
