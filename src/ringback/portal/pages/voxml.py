"""VoXML in the browser: a number is tried, a document checked and run. Nobody is called and nobody is charged."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict

from ringback.portal.asking import Refused
from ringback.portal.excerpts import excerpts
from ringback.portal.nav import Group
from ringback.portal.pages.numbers import called, path_of, registered
from ringback.portal.visit import Visit, Visitor

SCRIPT: Final = "ring, answer, digits 1, wait 2s, hangup"
EXAMPLE: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Answer/>
  <Gather numDigits="1" output="menu">
    <Say>For sales press 1.</Say>
  </Gather>
  <Say>Thank you.</Say>
  <Hangup/>
</Response>
"""


@get("/portal/{account:str}/numbers/at/{number:str}/try")
async def try_number(visit: Visitor, number: str) -> Response[Any]:
    """The form."""
    return await _tried(visit, number, {"script": SCRIPT, "expect": "", "from": ""})


@post("/portal/{account:str}/numbers/at/{number:str}/try", status_code=200)
async def run_number(visit: Visitor, number: str) -> Response[Any]:
    """A simulated call to the number's application."""
    return await _tried(visit, number, _values(await visit.form()), asks=True)


@get("/portal/{account:str}/numbers/voxml")
async def checker(visit: Visitor) -> Response[Any]:
    """The form, with a document to begin with."""
    return await _checked(visit, {"document": EXAMPLE, "script": SCRIPT, "expect": "", "from": ""})


@post("/portal/{account:str}/numbers/voxml", status_code=200)
async def check(visit: Visitor) -> Response[Any]:
    """What is wrong with the document; and what happens on a call with it, if that is asked for."""
    form = await visit.form()
    values = _values(form) | {"document": str(form.get("document", "")).replace("\r\n", "\n")}
    return await _checked(visit, values, asks=form.get("do", "check"))


def _values(form: FormMultiDict) -> dict[str, str]:
    return {name: str(form.get(name, "")).strip() for name in ("script", "expect", "from")}


async def _run(visit: Visit, values: dict[str, str], **what: str) -> tuple[Any, str]:
    """The simulated call, or why there was none."""
    body: dict[str, Any] = {"script": values["script"], **what}
    body["expect"] = [line.strip() for line in values["expect"].splitlines() if line.strip()]
    if values["from"]:
        body["from"] = values["from"]
    try:
        return await visit.api.post("/v1/voxml/run", body), ""
    except Refused as refused:
        if refused.status not in (409, 422, 429):
            raise
        return None, str(refused)


async def _tried(visit: Visit, number: str, values: dict[str, str], *, asks: bool = False) -> Response[Any]:
    visit.check_may_change()
    found = await registered(visit, number)
    told, wrong = await _run(visit, values, number=number) if asks else (None, "")
    return visit.page(
        "number_try.html",
        f"Try {called(found) or number}",
        number=found,
        url=path_of(number),
        values=values,
        told=told,
        wrong=wrong,
    )


async def _checked(visit: Visit, values: dict[str, str], *, asks: str = "") -> Response[Any]:
    visit.check_may_change()
    document, found, told, wrong = values["document"], None, None, ""
    if asks:
        try:
            found = await visit.api.post("/v1/voxml/check", {"document": document})
        except Refused as refused:
            if refused.status not in (413, 422):
                raise
            wrong = str(refused)
    if asks == "run" and not wrong:
        told, wrong = await _run(visit, values, document=document)
    return visit.page(
        "voxml.html",
        "Check VoXML",
        values=values,
        found=found,
        problems=excerpts(document, found["problems"]) if found else [],
        told=told,
        wrong=wrong,
    )


GROUP: Final = Group((try_number, run_number, checker, check))
"""Below the entry of the numbers."""
