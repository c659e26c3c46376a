"""Markup of strangers, as espeak-ng may have it and as plain words."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.speech.ssml import TAGS, for_espeak, spoken, words_of

MOST = 1_000

BUILT = [
    ("plain words", "Hello &amp; goodbye", "Hello &amp; goodbye", "Hello & goodbye"),
    ("a pause", 'a<break time="500ms"/>b', 'a<break time="500ms"></break>b', "a b"),
    ("a long pause is cut", '<break time="900s"/>', '<break time="10000ms"></break>', ""),
    ("a pause of no length", '<break time="soon"/>', "<break></break>", ""),
    ("digits", '<say-as interpret-as="digits">42</say-as>', '<say-as interpret-as="tts:digits">42</say-as>', "42"),
    ("spelt", '<say-as interpret-as="spell-out">ab</say-as>', '<say-as interpret-as="characters">ab</say-as>', "ab"),
    ("a date is not understood", '<say-as interpret-as="date">1</say-as>', "<say-as>1</say-as>", "1"),
    ("another language", '<lang xml:lang="fr-FR">oui</lang>', '<voice xml:lang="fr-FR">oui</voice>', "oui"),
    ("an alias", '<sub alias="for example">e.g.</sub>!', "for example!", "for example!"),
    ("no alias", "<sub>e.g.</sub>", "e.g.", "e.g."),
    ("speed", '<prosody rate="slow" pitch="../x">a</prosody>', '<prosody rate="slow">a</prosody>', "a"),
    ("a vendor's own", '<amazon:effect name="whispered">a</amazon:effect>', "a", "a"),
    ("a voice's name", '<voice name="../../x" gender="male">a</voice>', '<voice gender="male">a</voice>', "a"),
    ("a file is never opened", '<audio src="/etc/passwd">a<p>b</p></audio>c', "c", "c"),
    ("sentences", "<p><s>One.</s><s>Two.</s></p>", "<p><s>One.</s><s>Two.</s></p>", "One. Two."),
    ("not well-formed", "a <b c", "a &lt;b c", "a <b c"),
    ("a document type", "<!DOCTYPE x>a", "a", "a"),
    ("an entity that nobody declared", "a &x; b", "a &amp;x; b", "a &x; b"),
]


@pytest.mark.parametrize(("given_", "built", "words"), [row[1:] for row in BUILT], ids=[row[0] for row in BUILT])
def test_what_is_handed_on(given_: str, built: str, words: str) -> None:
    assert for_espeak(given_, MOST) == (f"<speak>{built}</speak>", False)
    assert words_of(given_, MOST) == (words, False)


def test_a_long_text_is_cut_and_its_tags_are_closed() -> None:
    assert for_espeak("<p>" + "a" * 20 + "</p>", 10) == ("<speak><p>aaaaaaaaaa</p></speak>", True)
    assert words_of("<b" + "a" * 20, 10) == ("<baaaaaaaa", True)


@given(st.text())
def test_anything_becomes_a_document_of_known_tags(text: str) -> None:
    built, _ = for_espeak(text, MOST)
    names = {tag for tag, _ in TAGS.values()} | {"speak"}
    assert {element.tag for element in ElementTree.fromstring(built).iter()} <= names


@given(st.text())
def test_nothing_that_is_spoken_is_a_command(text: str) -> None:
    said = spoken(text)
    said.encode()
    assert "[[" not in said
    assert not any(ord(c) < 32 and c not in "\t\n" for c in said)
    assert spoken(said) == said
