"""A search that would look at too many rows answers with what it has, says how far back it has looked, and goes on from there."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from harness import Api, Server
from hasty_searches import FITTING, NUMBER, hasty
from portal_harness import Visitor


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Api, str]]:
    with hasty(tmp_path_factory.mktemp("hasty")) as made:
        yield made


def pages(api: Api, path: str, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every page of a list."""
    cursor = None
    while True:
        page: dict[str, Any] = api.get(f"{path}?{urlencode(asked | ({'cursor': cursor} if cursor else {}))}")
        yield page
        cursor = page["next_cursor"]
        if cursor is None:
            return


def test_page_by_page_a_search_finds_what_there_is(hurried: tuple[Server, Api, str]) -> None:
    _, api, endpoint = hurried
    found = list(pages(api, "/v1/deliveries", endpoint=endpoint, number=NUMBER))
    assert [row["call_id"] for page in found for row in page["items"]] == ["h-2", "h-1", "h-0"]
    assert len(found) >= 3
    first, *_, last = found
    assert first["items"] == []
    told = [page["looked_back_to"] for page in found[:-1]]
    assert told == sorted(told, reverse=True)
    assert "looked_back_to" not in last


def test_a_search_that_is_full_in_time_is_as_ever(hurried: tuple[Server, Api, str]) -> None:
    _, api, endpoint = hurried
    page = api.get(f"/v1/deliveries?endpoint={endpoint}&limit=5")
    assert len(page["items"]) == 5
    assert page["next_cursor"] is not None
    assert "looked_back_to" not in page


def test_so_does_a_search_of_calls(hurried: tuple[Server, Api, str]) -> None:
    _, api, _ = hurried
    found = list(pages(api, "/v1/calls", status="ringing", number=NUMBER))
    assert [row["id"] for page in found for row in page["items"]] == ["h-2", "h-1", "h-0"]
    assert "looked_back_to" in found[0]


def test_the_table_has_all_of_it(hurried: tuple[Server, Api, str]) -> None:
    _, api, endpoint = hurried
    for path in (
        f"/v1/deliveries.csv?{urlencode({'endpoint': endpoint, 'number': NUMBER})}",
        f"/v1/calls.csv?{urlencode({'status': 'ringing', 'number': NUMBER})}",
    ):
        status, _, body = api.raw("GET", path)
        assert status == 200
        rows = list(csv.DictReader(io.StringIO(body.decode())))
        assert len(rows) == FITTING


def test_the_page_says_how_far_it_has_looked_and_has_the_way_on(hurried: tuple[Server, Api, str]) -> None:
    server, api, endpoint = hurried
    somebody = Visitor(server)
    somebody.use(server.operator.post(f"/v1/accounts/{api.account}/portal-links", {})["url"])
    page = somebody.get(f"/portal/{api.account}/log?{urlencode({'endpoint': endpoint, 'number': NUMBER})}")
    assert "Looked back to" in page.text
    assert "Nothing yet" in page.text
    assert "data-tail" not in page.text
