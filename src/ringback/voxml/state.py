"""What the interpreter keeps of a call in progress: small, frozen values; documents are shared by all calls that run them.

A **thread** is one run of documents on one leg: the call's own, and one for each callee that hears a document before it is put
through. What an **activity** is waiting for tells what the thread does next; `op` 0 means that there is nothing of the kind.
"""

from typing import Any

from msgspec import Struct

from ringback.voxml.document import Dial, Do, Gather, Number, Pay, Record, Verb
from ringback.voxml.model import NewDocument, Pairs
from ringback.webhooks.model import Method


class Start(Struct, frozen=True):
    """Where the first document comes from: an absolute URL that is asked."""

    url: str
    method: Method = "POST"


class CallFacts(Struct, frozen=True, kw_only=True):
    """What the interpreter is told of a call when it begins.

    `first`: the URL to ask, or a document that was given (its `url` is the base of what is relative in it, empty: none).
    `answered`: an outgoing call whose callee has answered; False: an incoming one that nobody has answered yet. `from_`: the caller
    id of a Dial that names none. `flows`: the account's flow ids, and the URL of the document that each stands for. `today`: year
    and month, for the expiry of cards. `variables`: those that are set from the beginning.
    """

    leg: str
    first: Start | NewDocument
    from_: str = ""
    to: str = ""
    answered: bool = False
    flows: dict[str, str] = {}
    today: tuple[int, int] = (1970, 1)
    variables: dict[str, str] = {}


class Frame(Struct, frozen=True):
    """Verbs that are being run, and which is next. `loop`: the Do whose body they are; `turn` counts its passes from 0."""

    body: tuple[Verb, ...]
    at: int = 0
    loop: Do | None = None
    turn: int = 0


# Activities
class Ready(Struct, frozen=True):
    """Nothing is waited for: the next verb can run. Only ever seen inside a step."""


class Asking(Struct, frozen=True):
    """A document is on its way."""

    op: int


class Speaking(Struct, frozen=True):
    """Say, Play: until all is played."""

    op: int


class Pausing(Struct, frozen=True):
    """Until the time is up."""

    op: int


class Gathering(Struct, frozen=True):
    """Keys and speech are taken. `play`: the prompts, as long as they play. `timer`: how long to wait for a (further) key."""

    step: Gather
    play: int = 0
    collect: int = 0
    listen: int = 0
    timer: int = 0
    digits: str = ""


class Recording(Struct, frozen=True):
    """A message is taken. `key`: what ended it. `timer`: how long to wait for the end of a recording that was told to stop."""

    step: Record
    op: int
    collect: int = 0
    key: str = ""
    timer: int = 0


class Reaching(Struct, frozen=True):
    """One number of a Dial. `play`: the keys that are sent to it; `whisper`: what it hears before it is put through."""

    leg: str
    number: Number
    answered_ms: int | None = None
    play: int = 0
    whisper: "Thread | None" = None


class Dialling(Struct, frozen=True):
    """Numbers are called (`tries`: those that are not lost), and one of them is put through (`bridged`).

    `ring`: the ringing that the caller hears. `lost`, `lost_leg`: how those ended that nobody can be put through to, the best of
    them. `record`: the recording in progress; `recording_url`: of one that is over. `limit`: the timer of `timeLimit`.
    """

    step: Dial
    tries: tuple[Reaching, ...] = ()
    bridged: Reaching | None = None
    ring: int = 0
    collect: int = 0
    record: int = 0
    recording_url: str = ""
    limit: int = 0
    lost: str = ""
    lost_leg: str = ""


class Filing(Struct, frozen=True):
    """A Dial is over, its recording not yet."""

    step: Dial
    results: Pairs
    record: int
    timer: int


class TakingPayment(Struct, frozen=True):
    """A Pay: `machine` is `paying.Paying`, which alone knows what is keyed."""

    step: Pay
    machine: Any


class Ending(Struct, frozen=True):
    """The leg was hung up or refused; its end is still to be told."""


class Over(Struct, frozen=True):
    """The documents are done. A callee's leg lives on and is put through; the call's own is gone."""


class Finished(Struct, frozen=True):
    """`Finish` was said."""


Activity = (
    Ready | Asking | Speaking | Pausing | Gathering | Recording | Dialling | Filing | TakingPayment | Ending | Over | Finished
)

READY, ENDING, OVER, FINISHED = Ready(), Ending(), Over(), Finished()


class Thread(Struct, frozen=True):
    """See the module. `steps` counts those of the document that runs. `gone`: the leg has been hung up."""

    leg: str
    doing: Activity = READY
    frames: tuple[Frame, ...] = ()
    base_url: str = ""
    steps: int = 0
    answered: bool = False
    gone: bool = False
    whisper: bool = False


class State(Struct, frozen=True, kw_only=True):
    """A call in progress. `thread` is its own; the rest is the call's, whichever thread runs.

    `asked`: the ops of requests that are not answered yet. `dialled`: how many legs were made. `problems`: how many were reported.
    `new_variables`, `new_history`: they changed since they were reported last.
    """

    call: CallFacts
    thread: Thread
    variables: dict[str, str] = {}
    history: tuple[dict[str, Any], ...] = ()
    next_op: int = 1
    dialled: int = 0
    documents: int = 0
    asked: tuple[int, ...] = ()
    problems: int = 0
    new_variables: bool = False
    new_history: bool = False


def is_over(state: State) -> bool:
    """Has `Finish` been said?"""
    return isinstance(state.thread.doing, Finished)
