"""docs/reference/sip.md has every field of the embedded switch's file, with its default."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.sip.settings import Phone, Trunk

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "sip.md").read_text("utf-8")
WORDS = {"none": (None, ()), "everywhere": (("0.0.0.0/0", "::/0"),)}


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(EmbeddedSettings)])
def test_every_field_is_there_with_its_default(field: str) -> None:
    found = re.search(rf"^\| `{field}` \| (.*?) \|", PAGE, re.MULTILINE)
    assert found is not None
    said, default = found[1], getattr(EmbeddedSettings(), field)
    if said in WORDS:
        assert default in WORDS[said]
    else:
        plain = said.strip("`")
        assert plain == (default if isinstance(default, str) else json.dumps(default))


@pytest.mark.parametrize("kind", [Trunk, Phone])
def test_every_field_of_trunks_and_phones_is_there(kind: type[msgspec.Struct]) -> None:
    section = PAGE.partition(f"## A {kind.__name__.lower()}")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    assert {field.name for field in msgspec.structs.fields(kind)} <= named
