"""Documents in a folder: their URLs, what they stand for, and what no URL leads to."""

from pathlib import Path
from urllib.parse import urljoin

import pytest

from ringback.errors import InvalidInput, NotFound
from ringback.live.folder import BASE, Folder, is_file_url, page_of


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "outside.xml").write_text("outside")
    inside = tmp_path / "inside"
    (inside / "v").mkdir(parents=True)
    (inside / "menu 1.xml").write_text("menu")
    (inside / "v" / "sales.xml").write_text("sales")
    (inside / "plain").write_text("plain")
    (inside / "link.xml").symlink_to(tmp_path / "outside.xml")
    return Folder(inside)


@pytest.mark.parametrize(
    ("relative", "text"),
    [
        ("v/sales", "sales"),
        ("/v/sales", "sales"),
        ("./v/sales.xml", "sales"),
        ("v/sales?from=menu", "sales"),
        ("plain", "plain"),
        ("menu%201.xml", "menu"),
    ],
)
def test_a_relative_url_is_a_file_beside_the_first(folder: Folder, tmp_path: Path, relative: str, text: str) -> None:
    first = folder.url_of(tmp_path / "inside" / "menu 1.xml")
    assert first == f"{BASE}menu%201.xml"
    assert is_file_url(first)
    assert folder.read(urljoin(first, relative)) == text.encode()


@pytest.mark.parametrize(
    "path",
    ["", "v", "../outside.xml", "%2e%2e/outside.xml", "..%2foutside.xml", "link.xml", "missing", "%00", "/etc/passwd", "a" * 5_000],
)
def test_nothing_leads_out_of_the_folder(folder: Folder, path: str) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        folder.read(BASE + path)


def test_the_first_document_must_be_there(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no file"):
        folder.url_of(tmp_path / "inside" / "missing.xml")
    with pytest.raises(InvalidInput, match="is not in"):
        folder.url_of(tmp_path / "outside.xml")


def test_pages_are_short() -> None:
    assert page_of(f"{BASE}v/sales.xml") == "v/sales.xml"
    assert page_of("https://a.example/v") == "https://a.example/v"
    assert not is_file_url("https://a.example/v")
