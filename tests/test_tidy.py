"""Style that a program can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from termprom.discovery.registry import KINDS

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "termprom").rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "termprom").rglob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_in_documents_resolve(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if (text := path.read_text(encoding="utf-8")).strip()
        and not text.lstrip().startswith(('"""', 'r"""', "# Generated"))
        and not path.name.endswith("_pb2.py")
    ]
    assert silent == []


def _imported(path: Path) -> set[str]:
    """Every module or name that a file imports, dotted, and every string that looks like one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.partition(":")[0])
    return found


def test_no_module_is_an_orphan() -> None:
    """Each module is imported by another one, or is an entry that is loaded by its name."""
    imported = set().union(*map(_imported, SOURCES))
    # Loaded by name: the subcommands and the panes; or made for tests and development only.
    entries = ("termprom.cli.", "termprom.testing.", "termprom.tui.panes.")
    alone = {"termprom.promql.syntax.build_tables"}
    alone |= {f"termprom.discovery.{module}" for module, _ in KINDS.values()}
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in SOURCES
        if path.name != "__init__.py"
    }
    orphans = {name for name in modules - imported - alone if not name.startswith(entries)}
    assert orphans == set()


def test_every_codec_is_in_the_format_document() -> None:
    from termprom.tsdb.codecs.registry import CODECS

    document = (ROOT / "termprom" / "tsdb" / "FORMAT.md").read_text(encoding="utf-8")
    for number in CODECS:
        assert re.search(rf"^\|\s*{number}\s*\|", document, re.M), f"codec {number} in FORMAT.md"


def test_no_machine_path_stands_in_the_project() -> None:
    pattern = re.compile(r"(^|[^A-Za-z0-9_])/(work|root|farm)/")
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in [*SOURCES, *DOCUMENTS, *(ROOT / "tests").rglob("*.py")]
        if path != Path(__file__)
        for line in path.read_text(encoding="utf-8").splitlines()
        if pattern.search(line)
    ]
    assert found == []
