"""The pages, by group: the table that an entry of the navigation, and all routes of a group, come from. In the order shown."""

from typing import Final

from ringback.portal.nav import Group
from ringback.portal.pages import (
    calls,
    docs,
    door,
    endpoint_changes,
    endpoint_tests,
    endpoints,
    feed,
    home,
    log,
    numbers,
    operator_accounts,
    operator_audit,
    operator_keys,
    operator_node,
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
    calls.GROUP,
    numbers.GROUP,
    voxml.GROUP,
    docs.GROUP,
    resends.GROUP,
    start.GROUP,
    operator_accounts.GROUP,
    operator_keys.GROUP,
    operator_node.NODE,
    operator_node.NOTES,
    operator_audit.GROUP,
    door.SESSIONS,
    feed.GROUP,
)
