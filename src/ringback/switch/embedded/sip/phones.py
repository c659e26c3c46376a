"""REGISTER: a phone says where it is (RFC 3261 §10.3)."""

import re
from typing import Any

from sippy.SipHeader import SipHeader

from ringback.switch.embedded.sip.messages import NAME, refusal
from ringback.switch.embedded.sip.registrar import SHORTEST_S, Contact, Registrar, granted_s
from ringback.switch.embedded.sip.settings import Phone
from ringback.switch.embedded.sip.wire import words_of

_ANGLES = re.compile(r"<([^<>]*)>")


def registered(req: Any, phone: Phone, registrar: Registrar, now: float) -> Any:
    """The answer to a REGISTER of a phone that gave its password."""
    if words_of(req.getHFBody("to").getUrl().username) != phone.user:
        return refusal(req, 403)
    (host, port), transport = req.getSource(ver=2)
    general = next((str(header.body.body) for header in req.headers if header.name == "expires"), None)
    asked: list[tuple[str | None, int]] = []
    for contact in (header.getBody() for header in req.getHFs("contact")):
        seconds = granted_s(general if contact.asterisk else contact.getUri().getParam("expires") or general)
        if seconds is None or (contact.asterisk and seconds):
            status = 423 if seconds is None else 400
            return refusal(req, status, SipHeader(name="min-expires", bodys=str(SHORTEST_S)))
        asked.append((None if contact.asterisk else uri_in(str(contact.body)), seconds))
    for uri, seconds in asked:
        if uri is None or not seconds:
            registrar.remove(phone.user, uri)
        else:
            registrar.add(phone.user, Contact(uri=uri, source=(host, port), transport=transport, until=now + seconds))
    response = req.genResponse(200, "OK", server=NAME)
    for known in registrar.contacts(phone.user, now):
        response.appendHeader(SipHeader(name="contact", bodys=f"<{known.uri}>;expires={max(1, round(known.until - now))}"))
    return response


def uri_in(address: str) -> str:
    """The URI of an address header as its sender wrote it; sippy may have put the packet's source into its parsed form."""
    found = _ANGLES.search(address)
    return found[1] if found else address.split(";", maxsplit=1)[0].strip()
