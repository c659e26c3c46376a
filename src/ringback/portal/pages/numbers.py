"""Numbers: the list, the page of one, what is made and changed of them, and the properties that they belong to."""

from typing import Any, Final
from urllib.parse import quote

from litestar import Response, get, post

from ringback.portal.asking import Refused
from ringback.portal.nav import Group
from ringback.portal.number_form import BLANK, BLANK_VOICE, LOCAL, body_of, field_of, sentence_of
from ringback.portal.visit import Visit, Visitor

PAGE: Final = 50
MOST_PROPERTIES: Final = 1_000


@get("/portal/{account:str}/numbers")
async def numbers(visit: Visitor) -> Response[Any]:
    """All registered numbers, and the properties."""
    return await _list(visit)


@get("/portal/{account:str}/numbers/new")
async def new_number(visit: Visitor) -> Response[Any]:
    """The form for a new number."""
    return await _form(visit, BLANK, "New number")


@post("/portal/{account:str}/numbers")
async def make_number(visit: Visitor) -> Response[Any]:
    """Registers it."""
    body = body_of(await visit.form(), is_new=True)
    try:
        made = await visit.api.post("/v1/numbers", body)
    except Refused as refused:
        return await _form(visit, dict(BLANK) | body, "New number", refused=refused)
    return visit.go(path_of(made["number"]))


@get("/portal/{account:str}/numbers/at/{number:str}")
async def number(visit: Visitor, number: str) -> Response[Any]:
    """One number: what is sent for it, and who is asked about its calls."""
    found = await registered(visit, number)
    properties = await _properties(visit)
    twin = f"/v1/numbers/{quote(number, safe='')}"
    return visit.page(
        "number.html", called(found) or number, twin=twin, number=found, property=_name_of(found, properties), path_of=path_of
    )


@get("/portal/{account:str}/numbers/at/{number:str}/edit")
async def edit_number(visit: Visitor, number: str) -> Response[Any]:
    """The form with the number as it is."""
    return await _form(visit, await registered(visit, number), "Change number", number=number)


@post("/portal/{account:str}/numbers/at/{number:str}/edit")
async def change_number(visit: Visitor, number: str) -> Response[Any]:
    """Changes it."""
    body = body_of(await visit.form(), is_new=False)
    try:
        await visit.api.patch(f"/v1/numbers/{quote(number, safe='')}", body)
    except Refused as refused:
        found = await registered(visit, number)
        return await _form(visit, found | body, "Change number", number=number, refused=refused)
    return visit.go(path_of(number))


@post("/portal/{account:str}/numbers/at/{number:str}/delete")
async def drop_number(visit: Visitor, number: str) -> Response[Any]:
    """Lets it go."""
    await visit.api.delete(f"/v1/numbers/{quote(number, safe='')}")
    return visit.go("/numbers")


@post("/portal/{account:str}/properties")
async def make_property(visit: Visitor) -> Response[Any]:
    """A new site or campaign."""
    name = str((await visit.form()).get("name", "")).strip()
    try:
        await visit.api.post("/v1/properties", {"name": name})
    except Refused as refused:
        if refused.status != 422:
            raise
        return await _list(visit, status=422, wrong=str(refused), name=name)
    return visit.go("/numbers#properties-title")


@post("/portal/{account:str}/properties/{property_id:str}/delete")
async def drop_property(visit: Visitor, property_id: str) -> Response[Any]:
    """Deletes one that no number belongs to."""
    try:
        await visit.api.delete(f"/v1/properties/{property_id}")
    except Refused as refused:
        if refused.status != 409:
            raise
        return await _list(visit, status=409, wrong=f"It stays: {refused}.")
    return visit.go("/numbers#properties-title")


def path_of(number: str) -> str:
    """Below the account's pages."""
    return f"/numbers/at/{quote(number, safe='')}"


def called(number: Any) -> str:
    """The name that a person has given it; empty: none."""
    return "" if number["name"] == str(number["number"]).removeprefix("+") else str(number["name"])


async def registered(visit: Visit, number: str) -> Any:
    """A number of the account's own. Raises Refused for one that is not registered: it has no page."""
    found = await visit.api.get(f"/v1/numbers/{quote(number, safe='')}")
    assert visit.account is not None
    if visit.engine.book.owner(number) != visit.account.id:
        raise Refused(404, "there is no such number here")
    return found


async def _properties(visit: Visit) -> list[Any]:
    return list((await visit.api.get("/v1/properties", limit=MOST_PROPERTIES))["items"])


def _name_of(number: Any, properties: list[Any]) -> str:
    return next((one["name"] for one in properties if one["id"] == number["property"]), str(number["property"]))


async def _list(visit: Visit, *, status: int = 200, wrong: str = "", name: str = "") -> Response[Any]:
    found = await visit.api.get("/v1/numbers", limit=PAGE, cursor=visit.request.query_params.get("cursor"))
    properties = await _properties(visit)
    return visit.page(
        "numbers.html",
        "Numbers",
        status=status,
        twin="/v1/numbers",
        found=found,
        properties=properties,
        property_of={one["number"]: _name_of(one, properties) for one in found["items"]},
        path_of=path_of,
        called=called,
        wrong=wrong,
        name=name,
    )


async def _form(visit: Visit, values: Any, title: str, *, number: str = "", refused: Refused | None = None) -> Response[Any]:
    if refused is not None and refused.status not in (409, 422):
        raise refused
    return visit.page(
        "number_form.html",
        title,
        status=200 if refused is None else refused.status,
        values=values,
        number=number,
        properties=await _properties(visit),
        locals=LOCAL,
        blank_voice=BLANK_VOICE,
        path_of=path_of,
        wrong="" if refused is None else sentence_of(values, refused.field, str(refused)),
        wrong_field="" if refused is None else field_of(refused.field or ("number" if refused.status == 409 else "")),
    )


GROUP: Final = Group(
    (
        numbers,
        new_number,
        make_number,
        number,
        edit_number,
        change_number,
        drop_number,
        make_property,
        drop_property,
    ),
    title="Numbers",
    icon="numbers",
    path="/numbers",
)
