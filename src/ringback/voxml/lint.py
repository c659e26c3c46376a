"""What is said rightly and surely not meant: verbs that are never run, input that nobody gets. Over a document's values."""

from collections.abc import Iterator

from ringback.voxml import document as values
from ringback.voxml.document import Document, Step, Verb
from ringback.voxml.problem import Problem, problem

_ANSWERING = (values.Answer, values.Gather, values.Record, values.Pay)
_TAKING_TIME = (values.Say, values.Play, values.Pause, values.Dial)
"""A Reject behind one of these is not the first verb, and the call may be unanswered still."""
_LATE = "<Reject> comes after the call was answered: it hangs up"
_NOT_FIRST = "<Reject> is not first: the vendor's pages know it as the first verb alone; expected nothing before it"


def flow_problems(document: Document) -> Iterator[Problem]:
    """All of a document's."""
    yield from _of_verbs(document.body, late="")


def _of_verbs(verbs: tuple[Verb, ...], *, late: str) -> Iterator[Problem]:
    leaving: Step | None = None
    for number, verb in enumerate(verbs):
        if leaving is not None:
            more = len(verbs) - number - 1
            others = f" and what follows it ({more} more)" if more else ""
            said = f"<{_name(verb)}>{others} is never run: <{_name(leaving)}> of line {leaving.line} {_why(leaving)}"
            yield problem("unreachable", _place(verb), said)
            return
        yield from _of_verb(verb, late=late)
        late = late if late == _LATE else _lateness(verb) or late
        leaving = verb if _leaves(verb) else None


def _of_verb(verb: Verb, *, late: str) -> Iterator[Problem]:
    match verb:
        case values.If() | values.Do():
            if isinstance(verb, values.Do) and verb.max_loops == 1:
                yield problem(
                    "runs-once", _place(verb), "<Do> runs once at most; expected maxLoops over 1", "one pass is the default"
                )
            yield from _of_verbs(verb.body, late=late)
        case values.Reject() if late:
            yield problem("late-reject", _place(verb), late)
        case values.Say():
            yield from _of_say(verb)
        case values.Gather():
            if verb.action is None and verb.output is None:
                yield problem("input-lost", _place(verb), "<Gather> has neither action nor output: what is entered goes nowhere")
            for prompt in verb.prompts:
                yield from _of_say(prompt)
        case values.Pay():
            for asked in verb.prompts:
                for prompt in asked.prompts:
                    yield from _of_say(prompt)
        case _:
            pass


def _of_say(step: Step) -> Iterator[Problem]:
    if isinstance(step, values.Say) and not step.text:
        yield problem("nothing-said", _place(step), "<Say> has no text; expected some")


def _leaves(verb: Verb) -> bool:
    """Is what follows never run, whatever happens?"""
    match verb:
        case values.Redirect() | values.Hangup() | values.Reject() | values.Connect():
            return True
        case values.Dial() | values.Record() | values.Pay():
            return verb.action is not None
        case values.Gather():
            return verb.action is not None and verb.action_on_empty_result
        case _:
            return False


def _lateness(verb: Verb) -> str:
    """What a Reject behind it is told."""
    if isinstance(verb, _ANSWERING) or (isinstance(verb, values.Dial) and not verb.answer_on_bridge):
        return _LATE
    return _NOT_FIRST if isinstance(verb, _TAKING_TIME) else ""


def _why(leaving: Step) -> str:
    if isinstance(leaving, values.Hangup | values.Reject):
        return "ends the call"
    return "goes on with another document" if isinstance(leaving, values.Redirect | values.Connect) else "has an action"


def _name(step: Step) -> str:
    return type(step).__name__


def _place(step: Step) -> tuple[int, int]:
    return step.line, step.column
