"""The short ways of reading a page give what the scanner gives."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.exposition.negotiate import Format
from termprom.scrape.layout import TextLayout
from termprom.scrape.page import Page, read_page, scan_page
from tests.shared_folder import shared

TEXT_PAGE = b"""# HELP up Whether.
# TYPE up gauge
up 1
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_sum 2.5
h_count 2
# TYPE s summary
s{quantile="0.5"} NaN
s_sum 1e+06
s_count 3
plain{a="b c",d="}"} -0
plain{a="x\\"y"} 0.1
stamped{a="1"} 5 1700000000000
stamped{a="2"} 6 1700000000001
inf +Inf
"""
OM_PAGE = b"""# HELP up Whether.
# TYPE up gauge
up 1
# TYPE h histogram
h_bucket{le="1"} 1 # {trace="a,b"} 0.5 1700000000.123
h_bucket{le="+Inf"} 2
h_sum 2.5
h_count 2
# TYPE c counter
c_total{a="b c"} 4 1700000000.5
c_total{a="d"} 5
# EOF
"""


def same(one: Page, other: Page) -> None:
    assert str(one.error) == str(other.error)
    assert tuple(one.layout.pairs()) == tuple(other.layout.pairs())
    assert one.readings.values.tobytes() == other.readings.values.tobytes()
    assert one.readings.stamped.tolist() == other.readings.stamped.tolist()
    assert one.readings.times_ms.tolist() == other.readings.times_ms.tolist()
    assert list(one.readings.exemplars) == list(other.readings.exemplars)
    assert one.layout.skeleton == other.layout.skeleton
    assert one.layout.bounds.tolist() == other.layout.bounds.tolist()


@pytest.mark.parametrize(
    ("page", "kind"), [(TEXT_PAGE, Format.TEXT), (OM_PAGE, Format.OPENMETRICS)]
)
def test_a_known_layout_is_used_again(page: bytes, kind: Format) -> None:
    first = scan_page(page, kind)
    again = read_page(page.replace(b" 2.5", b" 123.75"), kind, first.layout)
    assert again.layout is first.layout
    assert 123.75 in again.readings.values.tolist()


@pytest.mark.parametrize(
    ("page", "kind"), [(TEXT_PAGE, Format.TEXT), (OM_PAGE, Format.OPENMETRICS)]
)
def test_forgotten_labels_are_read_again(page: bytes, kind: Format) -> None:
    layout = scan_page(page, kind).layout
    before = tuple(layout.pairs())
    layout.forget_pairs()
    assert tuple(layout.pairs()) == before


def test_a_line_that_comes_costs_that_line() -> None:
    first = scan_page(TEXT_PAGE, Format.TEXT)
    page = read_page(TEXT_PAGE + b'new{a="b"} 3\n', Format.TEXT, first.layout)
    assert page.derived_from is first.layout
    assert page.kept is not None
    assert [number for number in page.kept.tolist() if number < 0] == [-1] * 3  # two are stamped


@pytest.mark.parametrize(
    "line", [b"# TYPE h\thistogram", b"# TYPE\th histogram", b"#\tTYPE h histogram"]
)
def test_a_type_line_with_a_tab_counts(line: bytes) -> None:
    """It changes how `le` is read in lines that are known already."""
    plain = b'h_bucket{le="1"} 1\nh_bucket{le="2"} 2\nh_sum 3\n'
    first = scan_page(b"# a comment\n" + plain, Format.TEXT)
    retyped = line + b"\n" + plain
    page = read_page(retyped, Format.TEXT, first.layout)
    same(page, scan_page(retyped, Format.TEXT))
    assert page.layout.pairs()[0] == (("__name__", "h_bucket"), ("le", "1.0"))


EDITS = (
    "swap", "drop", "repeat", "retype", "insert", "value", "tail", "cut", "byte", "newline",
)  # fmt: skip
VALUES = (
    b"1", b"0", b"-0", b"1e3", b"NaN", b"+Inf", b"-inf", b"1.", b"+1", b"007", b"1e400", b"x", b"",
    b"1 5", b"1 1700000000000", b"1.5 1.5", b"1 -5", b"2 # {a=\"b\"} 1", b"1,2", b"1 ", b" 1",
    b"1e-0", b"-0.0", b"-0e3", b"+", b"-", b".", b"1e", b"0x10", b"1_0", b"1 \t5", b"1 5\t",
    b"1 5\r", b"1 \t-5", b"1 true", b"1 [5", b"1 6]", b"1 null", b'1 "5"', b"1 5,6", b"1 1e3",
    b"1 007",
    b"1\t5", b"1 -0", b"1 99999999999999999999", b"1 1e300", b"1 NaN", b"true", b"null", b"[1]",
    b"{", b"1{",
    b"1 # {} 1", b"1 5 # {} 1e3 7", b"\x00", b"\xc2\xa01", b"18446744073709551616", b"1e-400",
)  # fmt: skip
LINES = (
    b"# TYPE h gauge", b"# TYPE up histogram", b"# TYPE s\tsummary", b"# EOF", b"", b"  ", b"\0",
    b"#", b"# HELP up again", b'h_bucket{le="2"} 7', b'x{a="b\nc"} 1', b"  lead 1", b'{"q.q"} 1',
    b'x{a="1",a="2"} 1', b"bad line here", b"nolabel{}1", b" # TYPE up summary",
    b"   ", b"\t", b" \t ", b"# ", b" # x", b"# TYPE ", b" # HELP up  ", b"# TYPE up ", b" up 1",
    b"{", b"# HELP h le", b"#  TYPE h histogram", b"{}", b"up{", b'x{a="1"}2', b'x{a="1"} # 2',
    b"up",
)  # fmt: skip


def edit(page: bytes, choose: random.Random) -> bytes:
    lines = page.split(b"\n")
    place, other = choose.randrange(len(lines)), choose.randrange(len(lines))
    match choose.choice(EDITS):
        case "swap":
            lines[place], lines[other] = lines[other], lines[place]
        case "drop":
            del lines[place]
        case "repeat":
            lines.insert(other, lines[place])
        case "insert" | "retype":
            lines.insert(place, choose.choice(LINES))
        case "value":
            lines[place] = lines[place].rpartition(b" ")[0] + b" " + choose.choice(VALUES)
        case "tail":
            lines[place] += choose.choice((b"", b" ")) + choose.choice(VALUES)
        case "cut":
            return page[: choose.randrange(len(page) + 1)]
        case "byte":
            at = choose.randrange(len(page) + 1)
            return page[:at] + bytes([choose.choice(b'\n "{}\\#,=0a\xff')]) + page[at:]
        case "newline":
            return page.rstrip(b"\n")
    return b"\n".join(lines)


@settings(max_examples=max(300, settings().max_examples))
@given(st.integers(0, 2**32), st.integers(1, 6), st.sampled_from(list(Format)[:2]))
def test_a_page_reads_the_same_however_it_is_read(seed: int, edits: int, kind: Format) -> None:
    choose = random.Random(seed)
    page = TEXT_PAGE if kind is Format.TEXT else OM_PAGE
    own = scan_page(page, kind).layout
    for _ in range(edits):
        page = edit(page, choose)
        read = read_page(page, kind, own)
        scanned = scan_page(page if page.endswith(b"\n") or not page else page + b"\n", kind)
        same(read, scanned)
        same(read_page(page, kind), scanned)
        if read.error is None:
            own = read.layout


def real_page() -> bytes:
    """Some families of a node exporter, with their comments."""
    lines = shared("data", "node_exporter.txt").read_bytes().split(b"\n")
    start = random.Random(3).randrange(len(lines) // 2)
    return b"\n".join(lines[start : start + 200]) + b"\n"


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_random_edits_of_a_real_page(seed: int, edits: int) -> None:
    choose = random.Random(seed)
    page = real_page()
    own = scan_page(page, Format.TEXT).layout
    for _ in range(edits):
        for _ in range(choose.randint(1, 4)):
            page = edit(page, choose)
        read = read_page(page, Format.TEXT, own)
        scanned = scan_page(page if page.endswith(b"\n") or not page else page + b"\n", Format.TEXT)
        same(read, scanned)
        if read.error is None:
            own = read.layout


def test_the_original_s_openmetrics_pages_are_read_again_by_their_layouts() -> None:
    for page in sorted(shared("conformance", "exposition").iterdir()):
        kind = Format.OPENMETRICS if page.name.endswith(".om.txt") else Format.TEXT
        body = page.read_bytes()
        first = read_page(body, kind)
        assert first.error is None
        again = read_page(
            body, kind, first.layout if isinstance(first.layout, TextLayout) else None
        )
        assert again.layout is first.layout
        same(again, scan_page(body if body.endswith(b"\n") else body + b"\n", kind))
