"""Results as JUnit XML, for whatever collects the results of builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring


@dataclass(frozen=True, slots=True)
class Case:
    """One executed test; `errors` are those that kept a file from being run at all."""

    name: str
    failures: Sequence[str] = ()
    errors: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one file, and when they ran as `2006-01-02T15:04:05`."""

    file: str
    cases: Sequence[Case]
    timestamp: str


def to_xml(suites: Sequence[Suite]) -> str:
    """One line without a declaration, as upstream writes it."""
    root = Element("testsuites")
    for suite in suites:
        node = SubElement(
            root,
            "testsuite",
            name=suite.file,
            tests=str(len(suite.cases)),
            failures=str(sum(len(case.failures) for case in suite.cases)),
            errors=str(sum(len(case.errors) for case in suite.cases)),
            skipped="0",
            timestamp=suite.timestamp,
        )
        for case in suite.cases:
            child = SubElement(node, "testcase", name=case.name)
            for text in case.failures:
                SubElement(child, "failure").text = text
            for text in case.errors:
                SubElement(child, "error").text = text
    return tostring(root, encoding="unicode", short_empty_elements=False)
