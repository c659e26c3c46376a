"""What the tables of VoXML's words are made of, and the attributes that many words have. The tables: `words`, `words_of_pay`."""

from typing import Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import fields

from ringback.voxml import document as values
from ringback.voxml.kinds import Kind, Name, OneOf, SomeOf, Url, Whole
from ringback.webhooks.model import Method

Source = Literal["documented", "inferred", "ours"]
"""`documented`: the vendor's own pages say so (`developer.voxtelesys.com/voxml/voice`). `inferred`: from its SDK, its demo, its
samples. `ours`: nothing public was found, or it is a limit that we set."""

HOUR_S: Final = 3_600


class Attribute(Struct, frozen=True, kw_only=True):
    """One attribute.

    `field`: where its value goes in the element's value, if that is not the name in snake case. `unset`: what holds without it, in
    words, if its default says nothing. `needed`: it must be there. `beside`: it means something only beside one of these. `note`:
    what is not documented about it, or differs from what one might think.
    """

    name: str
    kind: Kind
    about: str
    source: Source = "documented"
    field: str = ""
    unset: str = ""
    needed: bool = False
    beside: tuple[str, ...] = ()
    note: str = ""


class Body(Struct, frozen=True, kw_only=True):
    """An element's text. `needed`: it, or what stands in its place, must be there."""

    kind: Kind
    about: str
    field: str
    needed: bool = False


class Note(Struct, frozen=True):
    """One rule, and who says so."""

    source: Source
    text: str


class Word(Struct, frozen=True, kw_only=True):
    """An element. `makes`: its value, or the one that it is part of. `children`: the elements that may be in it, `*`: all verbs.
    `example`: of the examples, the one that shows it."""

    name: str
    about: str
    makes: type[Struct] | None = None
    attributes: tuple[Attribute, ...] = ()
    children: tuple[str, ...] = ()
    body: Body | None = None
    source: Source = "documented"
    notes: tuple[Note, ...] = ()
    example: str = ""


def words_of(kind: object) -> tuple[str, ...]:
    """The words of a Literal."""
    return get_args(kind)


def choices(makes: type[Struct], field: str) -> OneOf:
    """The words that a field of a value may have."""
    return OneOf(next(words_of(one.type) for one in fields(makes) if one.name == field))


METHODS: Final = OneOf(tuple(reversed(words_of(Method))))
SECONDS: Final = Whole(1, HOUR_S, "seconds", ours=True)
LOOPS: Final = Whole(1, 1_000, ours=True)
LANGUAGE: Final = "The language, by its tag."
HISTORY: Final = Attribute(
    name="history",
    kind=OneOf(words_of(values.History)),
    about="Whether, and how fully, the step is written to the history in the call's record.",
)


def action(why: str) -> tuple[Attribute, ...]:
    """`action` and its method."""
    return (
        Attribute(name="action", kind=Url(), about=why, unset="none: the document goes on"),
        Attribute(name="method", kind=METHODS, about="How `action` is asked.", beside=("action",)),
    )


def output(about: str) -> Attribute:
    """The variable that a verb sets."""
    return Attribute(
        name="output", kind=Name(), about=about, unset="none", note="ours: `_` and digits anywhere, 50 characters as in Set"
    )


def recording(*beside: str) -> tuple[Attribute, ...]:
    """Who is told of a recording."""
    url = "recordingStatusCallback"
    return (
        Attribute(
            name=url,
            kind=Url(),
            about="Who is told of the recording's states.",
            field="callback.url",
            unset="nobody",
            beside=beside,
        ),
        Attribute(name=f"{url}Method", kind=METHODS, about="How it is told.", field="callback.method", beside=(url,)),
        Attribute(
            name=f"{url}Event",
            kind=SomeOf(words_of(values.RecordingEvent)),
            about="Which states are told.",
            field="callback.events",
            beside=(url,),
            note="inferred: several, with blanks between",
        ),
    )
