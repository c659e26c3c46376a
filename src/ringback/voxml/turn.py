"""One step of the interpreter: a working copy of the state, and the commands that are given meanwhile. It lives as long as the
step; what verbs do to it is seen from outside as a new state.

What bounds a call stands here, all of it ours: the vendor's pages give no limits but those of variables' names and values.
"""

from typing import Any, Final, get_args

from ringback.calls import live
from ringback.voxml.document import Document, History, Step, Verb
from ringback.voxml.history import entry
from ringback.voxml.model import Ask, Command, Finish, Notify, Pairs, Purpose, Report, Timer
from ringback.voxml.state import ENDING, FINISHED, OVER, READY, Activity, Asking, Frame, Over, State, Thread
from ringback.voxml.urls import absolute
from ringback.webhooks.model import Method

MAX_DOCUMENTS: Final = 100
"""Documents that one call asks for; then it is ended."""
MAX_VARIABLES: Final = 200
MAX_NAME: Final = 50
"""Characters of a variable's name: the vendor's. A longer one is not set."""
MAX_VALUE: Final = 50
"""Characters of a variable's value: the vendor's. What is longer is cut."""
MAX_HISTORY: Final = 500
MAX_PROBLEMS: Final = 20
"""Problems that are reported of one call: a document that loops has the same one again and again."""
FILING_S: Final = 20.0
"""How long a recording that was stopped, or whose leg is gone, may take until it can be fetched."""

_ORDERS: Final = frozenset(get_args(live.Order))


class Turn:
    """See the module. The fields of the state and of the thread that runs, to be changed by the verbs."""

    __slots__ = (
        "answered",
        "asked",
        "base_url",
        "call",
        "dialled",
        "documents",
        "doing",
        "frames",
        "gone",
        "history",
        "leg",
        "new_history",
        "new_variables",
        "next_op",
        "now_ms",
        "out",
        "problems",
        "steps",
        "variables",
        "whisper",
    )

    def __init__(self, state: State, now_ms: int) -> None:
        self.now_ms = now_ms
        self.out: list[Command] = []
        self.call = state.call
        self.variables = state.variables
        self.history = state.history
        self.next_op = state.next_op
        self.dialled = state.dialled
        self.documents = state.documents
        self.asked = state.asked
        self.problems = state.problems
        self.new_variables = state.new_variables
        self.new_history = state.new_history
        self.enter(state.thread)

    # Threads
    def enter(self, thread: Thread) -> None:
        """From now on this thread runs."""
        self.leg = thread.leg
        self.doing: Activity = thread.doing
        self.frames = thread.frames
        self.base_url = thread.base_url
        self.steps = thread.steps
        self.answered = thread.answered
        self.gone = thread.gone
        self.whisper = thread.whisper

    def thread(self) -> Thread:
        """The thread that runs, as it is now."""
        return Thread(self.leg, self.doing, self.frames, self.base_url, self.steps, self.answered, self.gone, self.whisper)

    def close(self) -> tuple[State, list[Command]]:
        """The step is over. Once the leg is gone, nothing runs and every request is answered, the call is finished."""
        if self.gone:
            self.report_news()
            if type(self.doing) is Over and not self.asked:
                self.out.append(Finish(self.leg))
                self.doing, self.frames = FINISHED, ()
        state = State(
            call=self.call,
            thread=self.thread(),
            variables=self.variables,
            history=self.history,
            next_op=self.next_op,
            dialled=self.dialled,
            documents=self.documents,
            asked=self.asked,
            problems=self.problems,
            new_variables=self.new_variables,
            new_history=self.new_history,
        )
        return state, self.out

    # Commands
    def op(self) -> int:
        """The next number for an order."""
        made = self.next_op
        self.next_op = made + 1
        return made

    def give(self, command: Command) -> None:
        """Gives a command; an order for a leg that is gone is dropped."""
        if self.gone and type(command) in _ORDERS and command.leg == self.leg:  # type: ignore[union-attr]
            return
        if type(command) is Notify:
            self.report_variables()
        self.out.append(command)

    def timer(self, seconds: float) -> int:
        """Starts a timer; its op."""
        op = self.op()
        self.out.append(Timer(op, seconds))
        return op

    def answer(self) -> None:
        """Answers the leg, unless that was done."""
        if not self.answered:
            self.answered = True
            self.give(live.Answer(self.leg))

    def ask(self, url: str, method: Method, purpose: Purpose, results: Pairs = ()) -> None:
        """Asks for a document and waits for it; after too many of them the leg is ended."""
        if self.documents >= MAX_DOCUMENTS:
            self.problem(f"the call has asked for {MAX_DOCUMENTS} documents, and is ended", ends_call=True)
            self.end()
            return
        self.documents += 1
        self.report_variables()
        op = self.op()
        self.asked = (*self.asked, op)
        self.out.append(Ask(op, self.leg, self.absolute(url), method, purpose, results))
        self.doing = Asking(op)

    def act(self, action: str | None, method: Method, purpose: Purpose, results: Pairs) -> None:
        """A verb is over: its action is asked, or the next verb runs."""
        if action is None:
            self.doing = READY
        else:
            self.ask(action, method, purpose, results)

    def load(self, document: Document, url: str) -> None:
        """Runs a document from its beginning."""
        self.frames = (Frame(document.body),)
        self.base_url = url
        self.steps = 0
        self.doing = READY

    def end(self) -> None:
        """Ends the leg. One that was never answered is refused, so that its caller hears at once that nobody takes the call, rather
        than ringing until a time-out."""
        if self.gone:
            self.doing = OVER
            return
        if not self.whisper:
            self.report_news()
        self.give(live.HangUp(self.leg) if self.answered else live.Reject(self.leg))
        self.doing = ENDING

    def absolute(self, url: str) -> str:
        """`url` relative to the document's."""
        return absolute(self.base_url, url)

    # The call's record
    def problem(self, text: str, step: Step | None = None, *, ends_call: bool = False) -> None:
        """Reports something that the document's author should know. Never what the caller said or keyed."""
        self.problems += 1
        if self.problems > MAX_PROBLEMS and not ends_call:
            return
        data: dict[str, Any] = {"problem": text, "ends_call": True} if ends_call else {"problem": text}
        if step is not None and step.line:
            data |= {"line": step.line, "column": step.column}
        self.out.append(Report(self.leg, "call.facts", data))

    def set(self, name: str, value: str, step: Step) -> None:
        """Sets a variable, within the bounds of this module."""
        if len(value) > MAX_VALUE:
            self.problem(f"the value of {name} is longer than {MAX_VALUE} characters, and is cut", step)
            value = value[:MAX_VALUE]
        if self.variables.get(name) == value:
            return
        if name not in self.variables and len(self.variables) >= MAX_VARIABLES:
            self.problem(f"the call has {MAX_VARIABLES} variables; {name} is not set", step)
            return
        self.variables = {**self.variables, name: value}
        self.new_variables = True

    def output(self, name: str | None, values: dict[str, str], step: Step) -> None:
        """Sets what a verb gives: `<name>.<field>` for each."""
        if name is None:
            return
        if not name or len(name) > MAX_NAME:
            self.problem(f"a variable's name has 1 to {MAX_NAME} characters; nothing is set", step)
            return
        for field, value in values.items():
            self.set(f"{name}.{field}", value, step)

    def remember(self, step: Verb) -> None:
        """Writes a step to the history, if it is to be written."""
        written = entry(step) if step.history != "disable" else None
        if written is not None:
            self.remember_as(written, step.history)

    def remember_as(self, written: dict[str, Any], how: History) -> None:
        """Writes an entry to the history, if it is to be written."""
        if how != "disable" and len(self.history) < MAX_HISTORY:
            self.history = (*self.history, written)
            self.new_history = True

    def report_variables(self) -> None:
        """Reports the variables as they are now, if they changed. They are the call's, whichever leg's document set them."""
        if self.new_variables:
            self.out.append(Report(self.call.leg, "call.facts", context={"vars": self.variables}))
            self.new_variables = False

    def report_news(self) -> None:
        """Reports the variables and the history, if they changed: when a call ends."""
        self.report_variables()
        if self.new_history:
            self.out.append(Report(self.call.leg, "call.facts", context={"history": list(self.history)}))
            self.new_history = False
