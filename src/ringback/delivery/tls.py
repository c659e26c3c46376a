"""TLS: whom we trust, and what a failed handshake means."""

import re
import ssl
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Final

from ringback.errors import InvalidInput
from ringback.webhooks.model import ErrorClass

MOST_PEM: Final = 65_536
"""Bytes of an endpoint's own certificates."""
_MOST_PRIVATE: Final = 256
"""Contexts of endpoints' own certificates that are kept."""
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


class Trusts:
    """Whom we trust: the system's certificates and the operator's beside them, or only those that an endpoint names. A context is
    built when the first handshake needs it (27 ms with the system's) and then kept. There is none that trusts everybody."""

    def __init__(self, ca_file: str | None = None) -> None:
        """`ca_file`: the operator's PEM certificates, trusted beside the system's."""
        self._ca_file = ca_file
        self._common: ssl.SSLContext | None = None
        self._private: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    def context(self, ca_pem: str | None = None) -> ssl.SSLContext:
        """TLS 1.2 or newer, host names checked. `ca_pem`: the certificates that are trusted instead of the system's. Raises OSError
        (SSLError included) if certificates cannot be read."""
        if ca_pem is not None:
            return self._own(ca_pem)
        if self._common is None:
            context = ssl.create_default_context()
            _set_up(context)
            if self._ca_file is not None:
                context.load_verify_locations(self._ca_file)
            self._common = context
        return self._common

    def _own(self, ca_pem: str) -> ssl.SSLContext:
        context = self._private.get(ca_pem)
        if context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            _set_up(context)
            # A private CA's intermediate, or a receiver's self-signed certificate, may be all that there is to trust.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=ca_pem)
            self._private[ca_pem] = context
            if len(self._private) > _MOST_PRIVATE:
                self._private.popitem(last=False)
        self._private.move_to_end(ca_pem)
        return context


def _set_up(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])


def check_ca_pem(text: str, now: datetime | None = None) -> None:
    """Are these certificates that a receiver can be checked against? Raises InvalidInput (field `ca_pem`) for what is no PEM
    certificate, for one that has expired at `now` (None: now), and for a private key, which has no business here."""
    from cryptography import x509

    if len(text.encode("utf-8", "replace")) > MOST_PEM:
        raise InvalidInput(f"is larger than {MOST_PEM} bytes", "ca_pem")
    kinds = _BLOCK.findall(text)
    if any("PRIVATE KEY" in kind for kind in kinds):
        raise InvalidInput("has a private key in it: send certificates alone, and consider that key known", "ca_pem")
    if not kinds or set(kinds) != {"CERTIFICATE"}:
        raise InvalidInput("must be PEM certificates (-----BEGIN CERTIFICATE-----) and nothing else", "ca_pem")
    try:
        found = x509.load_pem_x509_certificates(text.encode())
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ValueError, ssl.SSLError, UnicodeError):
        raise InvalidInput("a certificate in it cannot be read", "ca_pem") from None
    if all(certificate.not_valid_after_utc < (now or datetime.now(UTC)) for certificate in found):
        raise InvalidInput("its certificates have expired", "ca_pem")


def classify(error: BaseException) -> tuple[ErrorClass, str]:
    """The error class of a failed handshake, and one line: `certificate` for one that is expired, of another name or of an unknown
    issuer; `tls` for all else."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate", f"the certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "tls", f"the TLS handshake failed: {error.reason or 'broken off'}"
    return "tls", "the connection was closed in the TLS handshake"
