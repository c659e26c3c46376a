"""The door for events over HTTP: whose key, which account, good and bad updates apart, and the answer once they are on disk.

Shared by the fast path (`intake.hot`) and the documented route of the API, so that both say the same.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from ringback import problems
from ringback.calls.model import Update
from ringback.calls.updates import parse_update, split_updates
from ringback.errors import Forbidden, InvalidInput, OurError, RingbackError, TooLarge, Unauthorized
from ringback.ids import to_text
from ringback.intake.turn import Answer
from ringback.intake.writer import Writer

MOST_ITEMS = 10_000


class Who(Protocol):
    """Whose key it is; `account` None is the operator's."""

    @property
    def account(self) -> str | None: ...
    @property
    def role(self) -> str: ...


class Accounts(Protocol):
    """What the door asks of the account book."""

    def identify(self, authorization: bytes) -> Who | None: ...
    def owner(self, number: str) -> str | None: ...
    def knows(self, account: str) -> bool: ...


class Limits(Protocol):
    """What may be taken in now."""

    @property
    def active(self) -> bool: ...
    def admit(self, accounts: Sequence[str]) -> None:
        """Raises TooMany, StoreUnavailable: then nothing of the request is taken."""
        ...


class Reply(Struct, frozen=True, gc=False):
    """An HTTP answer. `retry_after_s` becomes a Retry-After header."""

    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after_s: int | None = None


class _Taken(Struct, frozen=True, gc=False):
    event_id: str | None
    call_id: str
    deliveries: int
    duplicate: bool
    late: bool | msgspec.UnsetType = msgspec.UNSET


class _Refused(Struct, frozen=True, gc=False):
    error: dict[str, Any]


class _Response(Struct, frozen=True, gc=False):
    accepted: int
    duplicates: int
    results: list[_Taken | _Refused]


_encode = msgspec.json.Encoder().encode


def refusal(error: RingbackError) -> Reply:
    """A problem document as an answer."""
    return Reply(
        problems.status_of(error), problems.encode(problems.problem_of(error)), problems.CONTENT_TYPE, problems.retry_after(error)
    )


class Door:
    """See the module."""

    def __init__(
        self, accounts: Accounts, writer: Writer, max_body_bytes: int, on_stray: Callable[[Update], None], limits: Limits
    ) -> None:
        """`on_stray`: told of operator's updates that fit no account, so that they are counted and listed."""
        self._accounts = accounts
        self._writer = writer
        self.max_body_bytes = max_body_bytes
        self._on_stray = on_stray
        self._limits = limits

    def take(self, authorization: bytes, content_type: str, body: bytes, reply: Callable[[Reply], None]) -> None:
        """Takes one request's body; `reply` is called once, on the loop: at once if it is refused, else after the commit."""
        try:
            who = self._accounts.identify(authorization)
            if who is None:
                raise Unauthorized("send a key that is known: Authorization: Bearer <key>")
            if who.role == "viewer":
                raise Forbidden("this key may only look")
            if len(body) > self.max_body_bytes:
                raise TooLarge(f"the body may have {self.max_body_bytes} bytes")
            items = split_updates(body, content_type)
            if not items:
                raise InvalidInput("the array holds no update")
            if len(items) > MOST_ITEMS:
                raise TooLarge(f"a request may carry {MOST_ITEMS} updates")
        except RingbackError as error:
            reply(refusal(error))
            return
        good: list[tuple[str, Update]] = []
        bad: dict[int, InvalidInput] = {}
        for index, item in enumerate(items):
            try:
                update, named = parse_update(item)
                good.append((self._account(who, named, update), update))
            except InvalidInput as error:
                bad[index] = error
        if not good:
            reply(_all_bad(bad))
            return
        if self._limits.active:
            try:
                self._limits.admit([account for account, _ in good])
            except RingbackError as error:
                reply(refusal(error))
                return
        self._writer.submit(good, lambda answers: reply(_answer(answers, bad, len(items))))

    def _account(self, who: Who, named: str | None, update: Update) -> str:
        """The account that an update is for: the key's own; for the operator the named one, else by number.

        Raises InvalidInput (field `account`): a foreign account and one that does not exist are not told apart.
        """
        if who.account is not None:
            if named is not None and named != who.account:
                raise InvalidInput("no such account for this key", "account")
            return who.account
        if named is not None:
            if not self._accounts.knows(named):
                raise InvalidInput("no such account", "account")
            return named
        call = update.call
        numbers = (call.to, call.from_) if call.direction != "outbound" else (call.from_, call.to)
        for number in numbers:
            account = self._accounts.owner(number) if number else None
            if account is not None:
                return account
        self._on_stray(update)
        raise InvalidInput("the operator's key must name the account, or the call one of its registered numbers", "account")


def _all_bad(bad: dict[int, InvalidInput]) -> Reply:
    if len(bad) == 1:
        return refusal(bad[0])
    first = bad[0]
    document = problems.problem(
        422,
        f"none of the {len(bad)} updates can be taken",
        results=[{"error": problems.problem_of(error)} for error in bad.values()],
    )
    return Reply(422, problems.encode(document | ({"field": first.field} if first.field else {})), problems.CONTENT_TYPE)


def _answer(answers: list[Answer] | OurError, bad: dict[int, InvalidInput], count: int) -> Reply:
    if isinstance(answers, OurError):
        return refusal(answers)
    results: list[_Taken | _Refused] = []
    taken = iter(answers)
    accepted = duplicates = failed = 0
    for index in range(count):
        error = bad.get(index)
        if error is not None:
            results.append(_Refused(problems.problem_of(error)))
            continue
        answer = next(taken)
        if answer.error:
            failed += 1
            results.append(_Refused(problems.problem(500, answer.error)))
            continue
        accepted += not answer.duplicate
        duplicates += answer.duplicate
        results.append(
            _Taken(
                to_text("evt", answer.event) if answer.event else None,
                answer.call_id,
                answer.deliveries,
                answer.duplicate,
                True if answer.late else msgspec.UNSET,
            )
        )
    if failed == count:
        return Reply(500, problems.encode(problems.problem(500, answers[0].error)), problems.CONTENT_TYPE)
    return Reply(202, _encode(_Response(accepted, duplicates, results)))
