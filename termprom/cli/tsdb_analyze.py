"""`termprom tsdb analyze DIR [BLOCK]`: cardinality, churn and bytes per sample of one block."""

from __future__ import annotations

from pathlib import Path

from termprom.clock import SystemClock
from termprom.errors import StorageError
from termprom.model.durations import format_duration
from termprom.tsdb.analysis import Analysis, Counted
from termprom.tsdb.db import Database
from termprom.views import BlockView


def analyze(folder: Path, block: str, limit: int) -> None:
    """Print what the block, or the newest one, is made of. Raises StorageError."""
    store = Database.open_read_only(folder, clock=SystemClock())
    blocks = store.view().blocks
    if not blocks:
        raise StorageError(f"{folder}: no blocks yet; the engine cuts one every two hours")
    chosen = next((one for one in blocks if one.id == block), None) if block else blocks[-1]
    if chosen is None:
        raise StorageError(f"{folder}: no block {block}")
    _print(chosen, store.analyse(chosen.id, limit), limit)


def _print(block: BlockView, found: Analysis, limit: int) -> None:
    print(f"Block ID: {block.id}")
    print(f"Duration: {format_duration(block.end_ms - block.start_ms)}")
    print(f"Total Series: {found.series}")
    if found.components:
        print(f"Columns of native histograms: {found.components}")
    print(f"Label names: {found.label_names}")
    print(f"Postings (unique label pairs): {found.pairs}")
    print(f"Postings entries (total label pairs): {found.pair_entries}")
    print(f"Samples: {block.samples}, {block.size_bytes / max(block.samples, 1):.3f} bytes each")
    for title, counted in (
        ("Label pairs most involved in churning:", found.churn_by_pair),
        ("Label names most involved in churning:", found.churn_by_name),
        ("Most common label pairs:", found.by_pair),
        ("Label names with highest cumulative label value length:", found.value_bytes_by_name),
        ("Highest cardinality labels:", found.values_by_name),
        ("Highest cardinality metric names:", found.by_metric),
    ):
        _section(title, counted)
    print("\nMost expensive metric names (bytes of pages, bytes per sample, samples, series):")
    for one in found.costs[:limit]:
        each = one.page_bytes / max(one.samples, 1)
        print(f"{one.page_bytes:.0f} {each:.3f} {one.samples} {one.series} {one.metric}")


def _section(title: str, counted: Counted) -> None:
    print(f"\n{title}")
    for key, number in counted:
        print(f"{number} {key}")
