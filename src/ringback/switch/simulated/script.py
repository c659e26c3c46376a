"""What the far ends of a simulated call do, written by a person in one line:

    ring, answer, digits 1, speech 'sales', wait 2s, hangup
    answer, digits 2; callee +13005550100: ring 2s, answer, wait 10s, hangup; callee: busy

The first part is whom the call begins with: the caller of one that comes in, the callee of one that Ringback places. Parts that
begin with `callee` and a number say what happens at that number when it is dialled during the call; `callee` alone is any other
number. The words are in STEPS.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final, Literal, NoReturn

from msgspec import Struct

from ringback.errors import InvalidInput

LONGEST: Final = 10_000
"""Characters of a script."""
LONGEST_WAIT_S: Final = 86_400.0


class ScriptError(InvalidInput):
    """A script that cannot be read. `at`: the character, from 1, where it goes wrong."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(f"script, character {at}: {message}", "script")
        self.at = at


class _Step(Struct, frozen=True, kw_only=True):
    at: int = 0
    """The character, from 1, where the step begins."""


class Ring(_Step, frozen=True, tag=True):
    """A callee rings so long (None: 1 s), a caller lets it ring so long (None: goes on at once)."""

    seconds: float | None = None


class PickUp(_Step, frozen=True, tag=True):
    """A callee answers, as what answering-machine detection is to find; a machine speaks for `message_s`. A caller waits until it
    is answered."""

    who: Literal["human", "machine"] = "human"
    message_s: float = 5.0


class Refuse(_Step, frozen=True, tag=True):
    """A callee does not answer: it is busy, declines, lets it ring, or cannot be reached."""

    how: Literal["busy", "reject", "no answer", "fail"]


class Press(_Step, frozen=True, tag=True):
    """Keys, when keys are wanted and the prompt was heard out; `over` it: as soon as they are wanted. `w` waits half a second."""

    keys: str
    over: bool = False


class Speak(_Step, frozen=True, tag=True):
    """Says something when somebody listens (a recogniser, a recording, whoever the leg is connected with) and the prompt was heard
    out; `over` it: as soon as somebody listens. `confidence`: how well it is understood, 0 to 1."""

    text: str
    confidence: float = 0.95
    over: bool = False


class SayNothing(_Step, frozen=True, tag=True):
    """Lets the next question, for keys or for speech, go by."""


class Hear(_Step, frozen=True, tag=True):
    """Hears a prompt out: the one that is being played, else the next one."""


class Wait(_Step, frozen=True, tag=True):
    """Lets time pass."""

    seconds: float


class Leave(_Step, frozen=True, tag=True):
    """Hangs up; a caller who was not answered gives up, a callee who had not answered declines."""


Step = Ring | PickUp | Refuse | Press | Speak | SayNothing | Hear | Wait | Leave
INPUT: Final = (Press, Speak, SayNothing, Hear)
"""Steps that need somebody to be on the line."""


class Callee(Struct, frozen=True):
    """What happens at a number; an empty one is any other number."""

    number: str
    steps: tuple[Step, ...]


class Script(Struct, frozen=True):
    """A whole script, read."""

    steps: tuple[Step, ...] = ()
    callees: tuple[Callee, ...] = ()

    def at_number(self, number: str) -> tuple[Step, ...] | None:
        """What happens when `number` is dialled; None: the script says nothing of it."""
        wanted = _plain(number)
        for name in (wanted, ""):
            for callee in self.callees:
                if _plain(callee.number) == name:
                    return callee.steps
        return None


STEPS: Final[Mapping[str, str]] = {
    "ring [TIME]": "rings, 1 s if nothing is said; of a caller: lets it ring",
    "answer [human | machine [TIME]]": "answers, a machine with a message of 5 s; of a caller: waits for the answer",
    "busy": "is busy",
    "reject": "declines",
    "no answer": "lets it ring",
    "fail": "cannot be reached",
    "digits KEYS": "presses 0-9 * # A-D when they are wanted and the prompt is over; w waits half a second",
    "digits! KEYS": "the same, not waiting for the end of the prompt",
    "speech 'TEXT' [confidence 0.8]": "says it when somebody listens and the prompt is over",
    "speech! 'TEXT' [confidence 0.8]": "the same, not waiting for the end of the prompt",
    "say nothing": "lets the next question go by",
    "hear": "hears a prompt out",
    "wait TIME": "lets 2s, 1.5s, 500ms pass; a number alone is seconds",
    "hangup": "hangs up",
}
"""Every step as it is written, and what the party does."""

_MEANT: Final[Mapping[str, str]] = {
    "bye": "hangup",
    "cancel": "hangup",
    "decline": "reject",
    "disconnect": "hangup",
    "dtmf": "digits",
    "hang": "hangup",
    "keys": "digits",
    "listen": "hear",
    "noanswer": "no answer",
    "pause": "wait",
    "pickup": "answer",
    "press": "digits",
    "silence": "say nothing",
    "sleep": "wait",
    "speak": "speech",
    "unreachable": "fail",
}
"""Words of others, and ours."""

_TOKEN: Final = re.compile(r"""\s*(?:(?P<mark>[,;:])|'(?P<one>[^']*)'|"(?P<two>[^"]*)"|(?P<word>[^\s,;:'"]+)|(?P<odd>['"])|$)""")
_TIME: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s)?")
_KEYS: Final = re.compile(r"[0-9*#A-Dw]+")
_PUNCTUATION: Final = str.maketrans("", "", " +-().")


def parse_script(text: str) -> Script:
    """Reads a script. Raises ScriptError (an InvalidInput) with the character where it goes wrong and what was expected there."""
    if len(text) > LONGEST:
        raise ScriptError(LONGEST + 1, f"a script has {LONGEST:,} characters at most")
    return _Reader(text).script()


def check_caller(script: Script) -> None:
    """Raises ScriptError if the first part holds what only a callee can do: for a call that comes in."""
    for step in script.steps:
        if isinstance(step, Refuse):
            raise ScriptError(step.at, f"a caller cannot {step.how!r}: this is for a callee")


def _plain(number: str) -> str:
    """`+1 300 555-0100` and `13005550100` are one number."""
    return number.translate(_PUNCTUATION).casefold()


class _Token(Struct, frozen=True):
    kind: Literal["mark", "text", "word", "end"]
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        assert match is not None
        kind, at = match.lastgroup, match.end()
        if kind is None:
            return [*found, _Token("end", "", len(text) + 1)]
        begin = match.start(kind) + 1
        if kind == "odd":
            raise ScriptError(begin, f"a text that begins with {match[kind]} and does not end")
        if kind in ("one", "two"):
            found.append(_Token("text", match[kind], begin - 1))
        else:
            found.append(_Token("mark" if kind == "mark" else "word", match[kind], begin))


class _Reader:
    """Reads token after token."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def script(self) -> Script:
        steps: tuple[Step, ...] = ()
        if not self._is("end") and not self._is("mark", ";") and not self._begins_callee():
            steps = self._steps()
        callees: dict[str, Callee] = {}
        while not self._is("end"):
            if callees or steps or self._is("mark", ";"):
                self._take("mark", ";", expected="',' and a step, ';' and a callee, or the end")
            token = self._now
            callee = self._callee()
            if _plain(callee.number) in callees:
                raise ScriptError(token.at, f"a second part for {callee.number or 'any other number'}")
            callees[_plain(callee.number)] = callee
        return Script(steps, tuple(callees.values()))

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _is(self, kind: str, text: str | None = None) -> bool:
        return self._now.kind == kind and (text is None or self._now.text.casefold() == text)

    def _accepts(self, kind: str, text: str | None = None) -> _Token | None:
        if not self._is(kind, text):
            return None
        token = self._now
        self._at += 1
        return token

    def _take(self, kind: str, text: str | None = None, *, expected: str) -> _Token:
        return self._accepts(kind, text) or self._fail(expected)

    def _fail(self, expected: str, hint: str = "") -> NoReturn:
        raise ScriptError(self._now.at, f"expected {expected}, found {self._now}{hint}")

    def _begins_callee(self) -> bool:
        return self._is("word", "callee")

    def _callee(self) -> Callee:
        self._take("word", "callee", expected="'callee', perhaps a number, and ':'")
        number = self._accepts("word") or self._accepts("text")
        self._take("mark", ":", expected="':' after the callee" if number else "a number or ':' after 'callee'")
        return Callee(number.text if number else "", self._steps())

    def _steps(self) -> tuple[Step, ...]:
        steps = [self._step()]
        while self._accepts("mark", ","):
            token = self._now
            step = self._step()
            if isinstance(steps[-1], Refuse | Leave):
                raise ScriptError(token.at, "nothing can follow a step that ends the call")
            if isinstance(step, Ring | PickUp | Refuse) and any(isinstance(before, PickUp) for before in steps):
                raise ScriptError(token.at, f"{token} cannot come after 'answer'")
            steps.append(step)
        return tuple(steps)

    def _step(self) -> Step:
        token = self._now
        read = _WORDS.get(token.text.casefold()) if token.kind == "word" else None
        if read is None:
            self._fail("a step", _hint(token))
        self._at += 1
        return read(self, token.at)

    # One for each step: the word was read
    def _ring(self, at: int) -> Step:
        return Ring(self._time() if self._is("word") else None, at=at)

    def _answer(self, at: int) -> Step:
        if self._accepts("word", "machine"):
            return PickUp("machine", self._time(), at=at) if self._is("word") else PickUp("machine", at=at)
        self._accepts("word", "human")
        return PickUp(at=at)

    def _no(self, at: int) -> Step:
        self._take("word", "answer", expected="'answer' after 'no'")
        return Refuse("no answer", at=at)

    def _digits(self, at: int, over: bool = False) -> Step:
        if not self._is("word") or _KEYS.fullmatch(self._now.text) is None:
            self._fail("keys (0-9 * # A-D, w waits half a second)")
        keys = self._take("word", expected="keys").text
        if not keys.strip("w"):
            raise ScriptError(at, "no key among the waits: 'wait' lets time pass")
        return Press(keys, over, at=at)

    def _speech(self, at: int, over: bool = False) -> Step:
        text = self._take("text", expected="what is said, in quotes").text
        if not text.strip():
            raise ScriptError(at, "nothing is said: 'say nothing' lets a question go by")
        if not self._accepts("word", "confidence"):
            return Speak(text, over=over, at=at)
        number = self._now
        if number.kind != "word" or re.fullmatch(r"(0(\.\d{1,6})?|1(\.0{1,6})?)", number.text) is None:
            self._fail("a confidence from 0 to 1")
        self._at += 1
        return Speak(text, float(number.text), over, at=at)

    def _say(self, at: int) -> Step:
        self._take("word", "nothing", expected="'nothing' after 'say' (what is said is: speech 'TEXT')")
        return SayNothing(at=at)

    def _wait(self, at: int) -> Step:
        return Wait(self._time(), at=at)

    def _time(self) -> float:
        match = _TIME.fullmatch(self._now.text.casefold()) if self._now.kind == "word" else None
        if match is None:
            self._fail("a time such as 2s, 1.5s or 500ms")
        seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
        if seconds > LONGEST_WAIT_S:
            self._fail("a day at most")
        self._at += 1
        return seconds


_WORDS: Final[Mapping[str, Callable[[_Reader, int], Step]]] = {
    "ring": _Reader._ring,
    "answer": _Reader._answer,
    "busy": lambda _, at: Refuse("busy", at=at),
    "reject": lambda _, at: Refuse("reject", at=at),
    "no": _Reader._no,
    "fail": lambda _, at: Refuse("fail", at=at),
    "digits": _Reader._digits,
    "digits!": lambda reader, at: reader._digits(at, over=True),
    "speech": _Reader._speech,
    "speech!": lambda reader, at: reader._speech(at, over=True),
    "say": _Reader._say,
    "hear": lambda _, at: Hear(at=at),
    "wait": _Reader._wait,
    "hangup": lambda _, at: Leave(at=at),
}


def _hint(token: _Token) -> str:
    """What was probably meant, or all there is."""
    if token.kind == "word":
        word = token.text.casefold()
        near = _MEANT.get(word.rstrip("!")) or next(iter(get_close_matches(word, _WORDS, 1, 0.7)), None)
        if near:
            return f"; did you mean {'say nothing' if near == 'say' else 'no answer' if near == 'no' else near!r}?"
    return f" (there are: {', '.join(STEPS)})"
