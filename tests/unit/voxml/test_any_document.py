"""No document, however wrong, and no order of events runs for ever, crashes, or leaves a call without its end."""

from any_document import DOCUMENTS, FACTS, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringback.voxml.document import Document
from ringback.voxml.state import CallFacts


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(FACTS, st.lists(DOCUMENTS, min_size=1, max_size=3), st.integers(0, 60), st.integers())
def test_any_call_comes_to_its_end(facts: CallFacts, documents: list[Document], events: int, seed: int) -> None:
    world = World(facts, documents, seed)
    for _ in range(events):
        world.act()
    world.hang_up_and_drain()
