"""The docs inside are what the code sends."""

from collections.abc import Mapping
from importlib import import_module

import pytest

from ringback.dialects import load_dialects
from ringback.portal.manual import LANGUAGES, PROOFS, manual_of
from ringback.portal.words import DIALECTS


@pytest.mark.parametrize("name", DIALECTS)
def test_a_page_has_every_event_every_fact_and_every_language(name: str) -> None:
    dialect = load_dialects()[name]
    manual = manual_of(dialect)
    assert tuple(manual.samples) == dialect.events
    assert all(len(samples) == len(dialect.methods) for samples in manual.samples.values())
    facts = import_module(type(dialect).__module__).FACTS
    assert sorted(fact.topic for _, some in manual.facts for fact in some) == sorted(fact.topic for fact in facts)
    assert [one.language for one in manual.snippets] == list(LANGUAGES.values())
    assert name in PROOFS


@pytest.mark.parametrize(("name", "table"), [("voc", "PARAMETERS"), ("voxtelesys", "PARAMETERS"), ("fonedynamics", "FIELDS")])
def test_every_parameter_of_a_dialects_table_is_told(name: str, table: str) -> None:
    dialect = load_dialects()[name]
    found = getattr(import_module(type(dialect).__module__), table)
    wanted = {one for names in found.values() for one in names} if isinstance(found, Mapping) else {one.name for one in found}
    assert wanted <= {one.name for one in manual_of(dialect).parameters}


def test_a_parameter_says_in_which_events_it_is() -> None:
    told = {one.name: one for one in manual_of(load_dialects()["voc"]).parameters}
    assert told["callid"].events == ()
    assert told["ivrOption"].events == ("ivrOption",)
    assert told["duration"].example == "88"


def test_bodies_of_json_are_indented_and_others_stay() -> None:
    dialects = load_dialects()
    (standard,) = manual_of(dialects["standard"]).samples["call.completed"]
    assert standard.is_indented
    assert standard.body.startswith('{\n  "type"')
    form = manual_of(dialects["fonedynamics"]).samples["Call.Initiate"][0]
    assert (form.is_indented, form.body[:7]) == (False, "Action=")
    (voc,) = manual_of(dialects["voc"]).samples["ivrOption"]
    assert (voc.is_indented, voc.body) == (False, "")
