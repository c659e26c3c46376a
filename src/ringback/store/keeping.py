"""What is kept about keeping: who changed what, and what was to be forgotten. Values, and the part of the store's port for them."""

from collections.abc import Collection, Sequence
from typing import Literal, Protocol

from msgspec import Struct

ErasureState = Literal["running", "waiting", "done", "failed"]
"""`waiting`: a conversation that it is about has not ended yet. `failed`: something went wrong; it is tried again."""


class AuditLine(Struct, frozen=True, kw_only=True):
    """One change that succeeded. `account`: whose the thing is, None: the installation's. `actor`: `operator`, or the key's role.
    `key`: the key's id, 0: the operator's own. `action`: method and path of the route. `objects`: what it was done to, by the
    path's names, and `id`, what was made. `address`: where the connection came from. Never a secret, and no number whole."""

    id: int
    account: str | None
    actor: str
    key: int = 0
    key_name: str = ""
    action: str
    objects: dict[str, str] = {}
    address: str = ""
    status: int = 0


class Counts(Struct, frozen=True, kw_only=True):
    """How many of each kind an erasure has taken away."""

    conversations: int = 0
    calls: int = 0
    events: int = 0
    deliveries: int = 0
    attempts: int = 0
    recordings: int = 0
    transcriptions: int = 0
    other: int = 0
    """Lines of the audit log, notes, filters of bulk resends that named it."""

    def plus(self, more: "Counts") -> "Counts":
        """Both together."""
        return Counts(**{name: getattr(self, name) + getattr(more, name) for name in self.__struct_fields__})


class Erasure(Struct, frozen=True, kw_only=True):
    """A durable job. `number` or `call`: what it is about; both empty once it is done. `shown`: the number masked, or the call's id
    hashed. `bound`: events up to this id. `error`: what went wrong, while it is tried again."""

    id: int
    account: str
    number: str = ""
    call: str = ""
    shown: str = ""
    bound: int = 0
    state: ErasureState = "running"
    counts: Counts = Counts()
    finished_at_ms: int | None = None
    error: str = ""
    remnants: int = 0
    """Copies of it that stand in unused space of the database, when it ended."""


class Gone(Struct, frozen=True):
    """What a conversation was: its calls (store numbers), and the ids of its deliveries, with their endpoints."""

    root: int
    calls: tuple[int, ...]
    call_ids: tuple[str, ...]
    deliveries: tuple[tuple[int, int], ...]


class KeepingStore(Protocol):
    """See the module. All may block; everything raises StoreUnavailable."""

    def add_audit(self, line: AuditLine) -> None: ...
    def audit(self, account: str | None, before: int | None, limit: int) -> list[AuditLine]:
        """Newest first; of one account, or all."""
        ...

    def put_erasure(self, job: Erasure) -> None:
        """Makes a job, or says how far it is."""
        ...

    def erasure(self, account: str, job: int) -> Erasure | None: ...
    def erasures(self, account: str, before: int | None, limit: int) -> list[Erasure]: ...
    def running_erasures(self) -> list[Erasure]: ...

    def conversations_of_number(self, account: str, numbers: Sequence[str], bound: int) -> list[int]:
        """Roots of conversations in which a leg is from or to one of these numbers."""
        ...

    def conversations_of_call(self, account: str, call: str) -> list[int]:
        """Roots of the conversations that the lives of a call belong to."""
        ...

    def conversations_telling(self, account: str, text: str, after: int, bound: int, limit: int) -> tuple[list[int], int | None]:
        """Roots of conversations with an event in which the digits stand, among the next events; where to go on, None: the end."""
        ...

    def conversation(self, root: int) -> Gone | None:
        """What a conversation is now, None: it has a leg that has not ended."""
        ...

    def erase(self, account: str, gone: Sequence[Gone], job: Erasure) -> tuple[Counts, list[int]]:
        """Takes conversations' rows away and writes down how far the job is. Returns its counts then, and the roots of those to
        which something came since they were looked at: they stay."""
        ...

    def erase_mentions(self, account: str, number: str, calls: Sequence[str]) -> int:
        """Takes a number's digits and the ids of calls out of the audit log, the operator's notes, the filters of bulk resends and
        the memory of update ids; how many lines it was."""
        ...

    def erase_attempts(self, deliveries: Collection[int]) -> int:
        """Takes the attempts of deliveries out of the log; how many."""
        ...
