"""What characters mean where: types and texts of tokens, byte offsets, and the first mistake."""

from __future__ import annotations

import pytest

from termprom.promql.syntax.lexer import tokenize
from termprom.promql.syntax.literals import number_value, string_value
from termprom.promql.syntax.tokens import END, ERROR, Token, describe


def _types(source: str) -> str:
    return " ".join(token.type for token in tokenize(source)[:-1])


@pytest.mark.parametrize(
    ("source", "types"),
    [
        ("SUM(a:b)", "AGGREGATOR LEFT_PAREN METRIC_IDENTIFIER RIGHT_PAREN"),
        ("fill + fill (1)", "IDENTIFIER ADD FILL LEFT_PAREN NUMBER RIGHT_PAREN"),
        ("a </ 1 >/ nan", "IDENTIFIER TRIM_UPPER NUMBER TRIM_LOWER NUMBER"),
        ('{on!~"x"}', "LEFT_BRACE IDENTIFIER NEQ_REGEX STRING RIGHT_BRACE"),
        (
            "a[5m:step()]",
            "IDENTIFIER LEFT_BRACKET DURATION COLON STEP LEFT_PAREN RIGHT_PAREN RIGHT_BRACKET",
        ),
        ("a # b\n+ .5", "IDENTIFIER ADD NUMBER"),
    ],
)
def test_types(source: str, types: str) -> None:
    assert _types(source) == types
    assert tokenize(source)[-1].type == END


@pytest.mark.parametrize(
    ("source", "start", "message"),
    [
        ("5mm", 0, 'bad number or duration syntax: "5mm"'),
        ("0b1", 0, 'bad number or duration syntax: "0"'),
        ("((", 2, "unclosed left parenthesis"),
        ("foo)", 4, "unexpected right parenthesis ')'"),
        ("a =~ b", 2, "unexpected character after '=': '~'"),
        ('foo{a="b"', 9, "unexpected end of input inside braces"),
        ("foo[step():1m]", 11, "unexpected colon before duration in duration expression"),
        ("foo[a]", 4, "unexpected character in duration expression: 'a'"),
        ("foo[5m a]", 7, "unexpected character: 'a', expected ':'"),
        ('"\\q"', 0, "unknown escape sequence U+0071 'q'"),
        ('"\\ud800"', 0, "escape sequence is an invalid Unicode code point"),
        ("'a\n'", 0, "unterminated quoted string"),
        ("\udc80", 0, "unexpected character: '\ufffd'"),
    ],
)
def test_mistakes_are_the_last_token(source: str, start: int, message: str) -> None:
    last = tokenize(source)[-1]
    assert (last.type, last.text, last.start) == (ERROR, message, start)


def test_offsets_count_bytes() -> None:
    tokens = tokenize('{a="é"} + b')
    assert (tokens[-2].text, tokens[-2].start, tokens[-2].end) == ("b", 11, 12)


@pytest.mark.parametrize(
    ("text", "value"),
    [("017", 15.0), ("0_17", 15.0), ("08", 8.0), ("0X_1", 1.0), ("1_000.5", 1000.5), ("1.", 1.0)],
)
def test_numbers_read_as_go_reads_them(text: str, value: float) -> None:
    assert number_value(text) == value


@pytest.mark.parametrize("text", ["1e400", "0xffffffffffffffff"])
def test_numbers_out_of_range(text: str) -> None:
    with pytest.raises(ValueError, match="error parsing number"):
        number_value(text)


def test_strings() -> None:
    assert string_value(r'"a\x41\u00e9\n\""') == 'aAé\n"'
    assert string_value(r"`\n`") == r"\n"


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (Token("BY", "By", 0, 2), "<By>"),
        (Token("EQLC", "==", 0, 2), "<op:==>"),
        (Token("AGGREGATOR", "sum", 0, 3), "<aggr:sum>"),
        (Token("STRING", '"abc"', 0, 5), 'string "\\"abc\\""'),
        (Token("NUMBER", "12345678901", 0, 11), 'number "1234567890"...'),
        (Token("RIGHT_PAREN", ")", 0, 1), '")"'),
    ],
)
def test_tokens_in_messages(token: Token, text: str) -> None:
    assert describe(token) == text
