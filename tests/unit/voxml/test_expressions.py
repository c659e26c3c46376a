"""The conditions of If and Do."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import InvalidInput
from ringback.voxml import expressions
from ringback.voxml.expressions import MAX_EXPRESSION, MAX_PATTERN, check, compile, evaluate

KNOWN = {"a": "1", "b": "two words", "menu.digits": "12", "_x.speech": "Sales, please", "empty": "", "do.n": "0", "re": "^1+$"}

TRUE = [
    # comparisons
    "1==1",
    "'1'==\"1\"",
    "${a}==1",
    "1==${a}",
    "${a} == '1'",
    "${a}!=2",
    "${b}=='two words'",
    "${menu.digits}=='12'",
    "${_x.speech}!=''",
    "${do.n}=='0'",
    "sales-team.1==sales-team.1",
    "-1.5==-1.5",
    "1!='01'",
    "'it\\'s'==\"it's\"",
    "'a\\b'=='a\\b'",
    "'a || b'=='a || b'",
    "Ä=='Ä'",
    # a variable that is not set is the empty text
    "${unset}==''",
    "${unset}==${empty}",
    "${unset}!=1",
    # patterns
    "${menu.digits}=~'(1|2)'",
    "${menu.digits}=~(1|2)",
    "${menu.digits}=~^1[2|&)]$",
    "${menu.digits}!~'^(1|2)$'",
    "${menu.digits}=~'^\\d{2}$'",
    "${menu.digits}=~^\\d{2}$",
    "${_x.speech}=~(?i)sales",
    "${_x.speech}!~sales",
    "${a}=~${re}",
    "${a}=~'${re}'",
    "${menu.digits}!~${re}",
    "${unset}=~'^$'",
    "${unset}!~1",
    "a=~(a||b)",
    "x=~\\x78",
    # && binds closer than ||
    "1==1 && 2==2",
    "1==2||1==1",
    "1==1||1==2&&1==3",
    "1==2&&1==3||1==1",
    "(1==1||1==2)&&1==1",
    "( ( ${a} == 1 ) )",
    "(a=~b)||(a=~(a|b))",
    "a=~a&&b=~b||c=~d",
    # one text alone
    "yes",
    "${a}",
    "'0.0'",
    "${a}&&yes",
    "",
    "  ",
    # variables inside quotes
    "'${a}'==1",
    "'${a}-${b}'=='1-two words'",
    "'<${unset}>'=='<>'",
    "'$a {a} $'!=1",
]
FALSE = [
    "1==2",
    "1!=1",
    "1==01",
    "1==1.0",
    "A==a",
    "${a}==''",
    "${menu.digits}!~'(1|2)'",
    "${menu.digits}=~'^(1|2)$'",
    "1==1&&1==2",
    "(1==1||1==2)&&1==2",
    "1==2||1==3",
    "${unset}",
    "''",
    "0",
    "false",
    "False",
    "${a}&&${unset}",
]
WRONG = [
    ("=", "a text or a variable is missing (character 1)"),
    ("1=1", "`=` is not expected here (character 2)"),
    ("1==", "a text or a variable is missing (character 4)"),
    ("==1", "a text or a variable is missing (character 1)"),
    ("1==1&1==1", "`&` is not expected here (character 5)"),
    ("1==1 &&", "a text or a variable is missing (character 8)"),
    ("1==1 || || 2", "a text or a variable is missing (character 9)"),
    ("1==2 3==3", "`3` is not expected here (character 6)"),
    ("1==2==3", "`=` is not expected here (character 5)"),
    ("1 < 2", "`<` is not expected here (character 3)"),
    ("!${a}", "a text or a variable is missing (character 1)"),
    ("${a", "a variable is written ${name} (character 1)"),
    ("$a==1", "a variable is written ${name} (character 1)"),
    ("${}==1", "a variable is written ${name} (character 1)"),
    ("${a b}==1", "a variable is written ${name} (character 1)"),
    ("'a==1", "the text that begins here has no closing ' (character 1)"),
    ('1=="a', 'the text that begins here has no closing " (character 4)'),
    ("'a\\'==1", "the text that begins here has no closing ' (character 1)"),
    ("(1==1", "`)` is missing (character 6)"),
    ("1==1)", "`)` is not expected here (character 5)"),
    ("1==(1)", "a text or a variable is missing (character 4)"),
    ("()", "a text or a variable is missing (character 2)"),
    ("1=~", "a pattern is missing (character 4)"),
    ("1=~ && 1", "a pattern is missing (character 5)"),
    ("1=~'('", "not a pattern: missing ): ( (character 4)"),
    ("1=~[a", "not a pattern: missing ]: [a (character 4)"),
    ("1=~'(?=a)'", "not a pattern: invalid perl operator: (?= (character 4)"),
    ("1=~'(a)\\1'", "not a pattern: invalid escape sequence: \\1 (character 4)"),
    ("1=~a(b && 1", "not a pattern: missing ): a(b (character 4)"),
    (f"1=~'{'a' * (MAX_PATTERN + 1)}'", "not a pattern: a pattern has at most 200 characters (character 4)"),
    ("1=~'\ud800'", "not a pattern: not valid Unicode (character 4)"),
    ("(" * 21 + "1" + ")" * 21, "parentheses are nested too deeply (character 22)"),
    ("a" * (MAX_EXPRESSION + 1), "an expression has at most 1,000 characters"),
]


@pytest.mark.parametrize(("text", "holds"), [(text, True) for text in TRUE] + [(text, False) for text in FALSE])
def test_expressions(text: str, holds: bool) -> None:
    broken: list[str] = []
    check(text)
    assert evaluate(compile(text), KNOWN, broken) is holds
    assert broken == []


@pytest.mark.parametrize(("text", "why"), WRONG)
def test_wrong_expressions_are_refused_with_the_place(text: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(text)
    assert str(refused.value) == why


@pytest.mark.parametrize("operator", ["=~", "!~"])
@pytest.mark.parametrize("value", ["(7", "[7", "7" * 300, "7**", "(?=7)", "\ud800"])
def test_a_pattern_that_a_variable_holds_may_be_none(operator: str, value: str) -> None:
    broken: list[str] = []
    assert evaluate(compile(f"x{operator}${{p}}"), {"p": value}, broken) is False
    assert len(broken) == 1
    assert broken[0].startswith("a pattern that came out of a variable is none: ")
    assert value not in broken[0].removeprefix("a pattern that came out of a variable is none: ")
    assert evaluate(compile(f"x{operator}${{p}}"), {"p": value}) is False


def test_a_text_without_sense_matches_nothing() -> None:
    assert evaluate(compile("${t}=~x"), {"t": "\ud800"}) is False


def test_patterns_do_not_run_away() -> None:
    started = time.perf_counter()
    for pattern in ("(a+)+b", "(a|a)*b", "(.*)*b", "((a*)*)*b", "(a?){60}a{60}"):
        evaluate(compile(f"${{t}}=~'{pattern}'"), {"t": "a" * 5_000})
    assert time.perf_counter() - started < 2


@given(st.text(alphabet="a1 '\"${}.()[]|&=!~\\^*+?<", max_size=40), st.dictionaries(st.sampled_from(["a", "1"]), st.text()))
def test_any_text_is_an_expression_or_refused(text: str, variables: dict[str, str]) -> None:
    try:
        expression = compile(text)
    except InvalidInput:
        return
    assert evaluate(expression, variables) in (True, False)


@given(st.text(min_size=1).filter(lambda text: "${" not in text and "\\" not in text), st.sampled_from("'\""))
def test_any_text_can_be_quoted(text: str, quote: str) -> None:
    quoted = quote + text.replace(quote, "\\" + quote) + quote
    assert evaluate(compile(f"{quoted}==${{t}}"), {"t": text})
    assert expressions.compile(f"{quoted}==${{t}}") is compile(f"{quoted}==${{t}}")
