"""Nothing that a target sends makes a parser break, or take longer than in step with its length."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.errors import ExpositionError
from termprom.exposition.families import parse_families
from termprom.exposition.negotiate import Format, body_format
from termprom.exposition.protobuf import HistogramForms
from termprom.scrape.layouts import Layouts
from termprom.scrape.reader import PageReader, Reading

PIECES = (
    b"a", b"foo", b"_bucket", b"{", b"}", b'"', b'le="1"', b"=", b",", b" ", b"  ", b"\t", b"\n",
    b"\r", b"\0", b"\\", b'\\"', b"\\n", b"#", b"# TYPE foo histogram\n", b"# TYPE foo summary\n",
    b"# HELP foo x\n", b"# UNIT foo s\n", b"# EOF", b"# EOF\n", b"1", b"-0", b"1e9", b"NaN",
    b"+Inf",
    b"1700000000000", b"1.5", b"# {", b"\xff", b"\xc3\xa9", b"foo 1\n", b'foo{a="b"} 2\n',
    b'foo_bucket{le="+Inf"} 3\n', b"foo_created 5\n", b"9" * 30, b"[", b"]", b"true",
    b"\xef\xbb\xbf",
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
)
READINGS = st.builds(
    Reading,
    st.builds(HistogramForms, st.booleans(), st.booleans(), st.booleans()),
    starts=st.booleans(),
)
LONG = 30_000
ENDLESS = (
    b"a{" * LONG, b'a{b="' + b"\\" * LONG, b'a{b="' + b'\\"' * LONG,
    b'a{b="' + b'\\"' * LONG + b'"} 1\n',
    b"a{" + b'b="c",' * LONG + b"} 1\n", b"a{" + b'b="c\n",' * LONG + b"} 1\n", b"a{" + b"," * LONG,
    b"a " + b"1" * LONG + b"\n", b"a 1 " + b"9" * LONG + b"\n", b"a 1e" + b"9" * LONG + b"\n",
    b" " * LONG + b"a 1\n", b"a" + b"\t" * LONG + b"1\n", b"a" * LONG, b"#" * LONG, b"\n" * LONG,
    b'# TYPE "' + b"\\" * LONG, b"# HELP a " + b"\\n" * LONG, b"# EOF\n" * LONG,
    b"a 1 # {" + b'a="b",' * LONG + b"} 1\n# EOF\n", b"\x0a\xff\xff\xff\xff\x0f" * LONG,
    b"\x0b" * LONG,
)  # fmt: skip


@given(st.lists(BODIES, min_size=1, max_size=3), st.sampled_from(list(Format)), READINGS)
def test_whatever_comes_is_a_page_or_a_mistake(
    bodies: list[bytes], kind: Format, how: Reading
) -> None:
    """One after the other, so that each is read by the layout of the last."""
    reader = PageReader(Layouts())
    for body in bodies:
        page = reader.read(body, kind, how)
        assert len(page.layout.pairs()) == page.layout.count == len(page.readings.values)
        if page.error is None:
            reader.keep(page)
            reader.families()


@given(BODIES)
def test_whatever_is_pushed_is_families_or_a_mistake(body: bytes) -> None:
    with contextlib.suppress(ExpositionError):
        parse_families(body)


@given(st.text(max_size=40))
def test_any_content_type_names_a_format_or_none(text: str) -> None:
    with contextlib.suppress(ExpositionError):
        body_format(text)


@pytest.mark.parametrize("number", range(len(ENDLESS)))
def test_endless_lines_take_no_more_than_their_length(number: int) -> None:
    """Each takes milliseconds; a parser that goes back for every byte would take hours."""
    body = ENDLESS[number]
    for kind in Format:
        reader = PageReader(Layouts())
        reader.read(body, kind, Reading(HistogramForms(True, True, True), starts=True))
    with contextlib.suppress(ExpositionError):
        parse_families(body)


def test_damaged_pages_are_read_by_what_was_whole() -> None:
    whole = (
        b'# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n'
        b'# TYPE c counter\nc_total{a="b"} 1 1700000000000\nd{x="\\"y"} NaN\n'
    )
    choose = random.Random(11)
    how = Reading(HistogramForms(convert=True, keep_classic=True))
    reader = PageReader(Layouts())
    for _ in range(2_000):
        body = bytearray(whole)
        for _ in range(choose.randint(0, 3)):
            at = choose.randrange(len(body))
            match choose.randrange(3):
                case 0:
                    body[at] = choose.randrange(256)
                case 1:
                    del body[at : at + choose.randint(1, 20)]
                case _:
                    body[at:at] = choose.choice(PIECES)
        page = reader.read(bytes(body), Format.TEXT, how)
        if page.error is None:
            reader.keep(page)
