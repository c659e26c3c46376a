"""`POST /v1/voxml/check`: everything that is wrong with a VoXML document. Nothing is kept of it."""

from typing import Final

import msgspec
from litestar import post
from litestar.exceptions import ClientException
from msgspec import Struct

from ringback.api.common import AnyRequest, TheEngine, Who
from ringback.errors import InvalidInput, WrongMedia
from ringback.voxml.parse import check
from ringback.voxml.problem import Problem
from ringback.voxml.read_xml import MOST_BYTES

XML: Final = ("application/xml", "text/xml")
MOST_BODY: Final = 8 * MOST_BYTES
"""In JSON a character may take six bytes. A larger document than is read at all is still told to be too large, up to here."""


class VoxmlDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """A VoXML document in JSON."""

    document: str


class VoxmlProblemView(Problem, frozen=True):
    """One thing that is wrong. `line`, `column`: where, from 1. `severity`: an `error`, or a `warning` of what runs and is surely
    not meant. `code`: one word for it, as docs/voxml.md lists them. `hint`: what was probably meant; perhaps empty."""


class VoxmlCheckView(Struct, frozen=True):
    """`ok`: there are no errors; warnings there may be. `problems` stand in the document's order."""

    ok: bool
    problems: list[VoxmlProblemView]


@post("/v1/voxml/check", status_code=200, tags=["voxml"], request_max_body_size=MOST_BODY)
async def check_voxml(request: AnyRequest, engine: TheEngine, identity: Who) -> VoxmlCheckView:
    """Says what is wrong with a VoXML document, at which line and column: what stops a call, and what is surely not meant."""
    document = _document(request.headers.get("content-type", ""), await request.body())
    problems = await engine.in_thread(lambda: check(document))
    shown = [VoxmlProblemView(**msgspec.structs.asdict(one)) for one in problems]
    return VoxmlCheckView(all(one.severity != "error" for one in problems), shown)


def _document(content_type: str, body: bytes) -> bytes | str:
    """Raises InvalidInput, WrongMedia, and what the framework answers 400 for."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in XML:
        return body
    if media_type != "application/json":
        raise WrongMedia(f'send the document as {", ".join(XML)}, or in JSON as {{"document": "…"}}')
    try:
        return msgspec.json.decode(body, type=VoxmlDocument).document
    except msgspec.ValidationError as error:
        raise InvalidInput(f"a JSON object with the document is expected: {error}", "document") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ClientException from None
