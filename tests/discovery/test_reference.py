"""The labels of the cases are those of the reference: none is missing, none is our own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.discovery.cases import CASES
from tests.shared_folder import shared

_KINDS = sorted({case.kind for case in CASES})
# Written for several labels at once.
_SHORT = {
    "*_rdns": ["private_ipv4_rdns", "public_ipv4_rdns", "public_ipv6_rdns"],
}
# Of apps in the host's network: test_marathon.py has those.
_ELSEWHERE = {"marathon_port_definition_label_<k>"}


def _row(kind: str) -> str:
    """The labels of a mechanism as the table of the compact mechanisms says them."""
    text = shared("reference", "service_discovery.md").read_text(encoding="utf-8")
    table = text.partition("## 10.")[2].partition("## 11.")[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("| "))]
        if cells[0] == kind:
            return cells[-1]
    raise AssertionError(f"the reference has no row for {kind}")


def _names(row: str) -> Iterator[str]:
    """`__meta_x_`: a b_{c d} e(note)  ->  x_a x_b_c x_b_d x_e"""
    row = re.sub(r"<raw tag>=true", "<k>", row)
    row = re.sub(r"\([^)]*\)", "", row.partition("; also sets")[0])
    for prefix, words in re.findall(r"`__meta_(\w+)`:([^`]*)", row):
        plain = re.sub(
            r"(\w+_)\{([^}]*)\}",
            lambda found: " ".join(found[1] + word for word in found[2].split()),
            words,
        )
        for word in re.findall(r"[\w<>*]+(?!\w*:)", plain):
            for name in _SHORT.get(word, [word]):
                yield prefix + name


@pytest.mark.parametrize("kind", _KINDS)
def test_every_label_of_the_reference_is_in_a_case_and_no_other(kind: str) -> None:
    wanted = set(_names(_row(kind))) - {"droplet", "db", "dedicated"}
    patterns = {name: re.compile(re.sub(r"<\w+>", ".+", name)) for name in wanted}
    special = ("__address__", "__scheme__", "__metrics_path__", "instance")
    found = {
        f"{kind}_{label}"
        for case in CASES
        if case.kind == kind
        for target in case.targets
        for label in target
        if label not in special
    }
    strange = {
        label for label in found if not any(one.fullmatch(label) for one in patterns.values())
    }
    missing = {
        name
        for name, pattern in patterns.items()
        if not any(pattern.fullmatch(label) for label in found)
    }
    assert strange == set()
    assert missing - _ELSEWHERE == set()
