"""The pages, by group: the table that an entry of the navigation, and all routes of a group, come from. In the order shown."""

from typing import Final

from ringback.portal.nav import Group
from ringback.portal.pages import (
    door,
    endpoint_changes,
    endpoint_tests,
    endpoints,
    feed,
    home,
    log,
    numbers,
    resends,
    start,
    voxml,
)

GROUPS: Final[tuple[Group, ...]] = (
    home.GROUP,
    endpoints.GROUP,
    endpoint_changes.GROUP,
    endpoint_tests.GROUP,
    log.GROUP,
    numbers.GROUP,
    voxml.GROUP,
    resends.GROUP,
    start.GROUP,
    door.SESSIONS,
    feed.GROUP,
)
