"""How pages are made: the templates, what they may call, the files that they load, and the answer that a page is.

Everything that is not markup of ours is escaped: Jinja's autoescape is on for every template, and `Markup` is made in `charts` and
here alone. Files are served under a digest of all of them, so that a browser may keep them for ever.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

import jinja2
from litestar import Response, get
from litestar.exceptions import NotFoundException

from ringback.portal.charts import Bars, bars
from ringback.portal.words import DIALECTS, FAULTS, FILTER_KEYS, ORDERS, STATES, Said
from ringback.webhooks.health import SWITCHED_OFF

_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOLDER: Final = resources.files(__package__) / "static"
_FILES: Final = {file.name: file.read_bytes() for file in sorted(_FOLDER.iterdir(), key=lambda file: file.name)}
DIGEST: Final = sha256(b"\0".join(name.encode() + b"\0" + data for name, data in _FILES.items())).hexdigest()[:16]
FOR_EVER: Final = "public, max-age=31536000, immutable"


def asset(name: str) -> str:
    """The URL of a file of ours."""
    return f"/portal/static/{DIGEST}/{name}"


@get("/portal/static/{digest:str}/{name:str}")
async def static_file(digest: str, name: str) -> Response[bytes]:
    """A style sheet, a script, an icon. Whoever has a page of an older version gets the file as it is now, and may not keep it."""
    if name not in _FILES:
        raise NotFoundException
    kept = FOR_EVER if digest == DIGEST else "no-cache"
    return Response(_FILES[name], media_type=_KINDS[name.rpartition(".")[2]], headers={"Cache-Control": kept})


# What templates may call


def day_and_time(at: str | None) -> str:
    """`20 Nov 12:00:03`: a time of the API, in UTC, for people."""
    if not at:
        return ""
    moment = datetime.fromisoformat(at).astimezone(UTC)
    return moment.strftime("%-d %b %H:%M:%S" if moment.year == datetime.now(UTC).year else "%-d %b %Y %H:%M:%S")


def clock(at: str | None) -> str:
    """`12:00`: the same, on one of the last days."""
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%H:%M") if at else ""


def grouped(number: float) -> str:
    """`1 234 567`, with thin spaces."""
    return f"{number:,}".replace(",", "\u202f")


def host_of(url: str) -> str:
    """The part of a URL by which a person knows it."""
    return urlsplit(url).hostname or url


def condition(endpoint: Mapping[str, Any]) -> str:
    """How an endpoint fares: its health's condition, or `off` if a person has switched it off."""
    health = endpoint["health"]
    if endpoint["enabled"]:
        return str(health["condition"])
    return "off" if health["reason"] in (None, "", SWITCHED_OFF) else "disabled"


def said(state: str) -> Said:
    """A state's word and tone."""
    return STATES.get(state, Said(state, "idle"))


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("ringback.portal"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"day_and_time": day_and_time, "clock": clock, "grouped": grouped, "host": host_of}
    made.globals |= {
        "asset": asset,
        "bars": bars,
        "Bars": Bars,
        "said": said,
        "condition": condition,
        "faults": FAULTS,
        "dialect_words": DIALECTS,
        "order_words": ORDERS,
        "filter_words": FILTER_KEYS,
    }
    return made


_ENVIRONMENT: Final = _environment()


def rendered(template: str, **values: Any) -> str:
    """A template with its values."""
    return _ENVIRONMENT.get_template(template).render(values)


def page_answer(text: str, status: int = 200) -> Response[str]:
    """An answer that is a page."""
    return Response(text, status_code=status, media_type="text/html")
