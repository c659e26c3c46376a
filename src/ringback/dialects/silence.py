"""Why a platform has no word for an event: the sentences that more than one of them says (`Dialect.why_not`)."""

from typing import Final

LATE: Final = "It came late: the leg had reached or passed that status, or it had been told before."
NO_PHONE_NUMBER: Final = "It is about a leg to an extension or a device: only roots and legs to phone numbers are told."


def no_event_for(platform: str, kind: str) -> str:
    """The platform has no event of this kind at all."""
    return f"{platform} has no event for {kind}."


def of_a_leg(platform: str, kind: str) -> str:
    """The platform tells of conversations, and this is about one leg of it."""
    return f"This {kind} is a single leg's: {platform} tells of the conversation as a whole."
