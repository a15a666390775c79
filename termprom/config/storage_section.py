"""The `storage` section: retention and what the head takes."""

from __future__ import annotations

from typing import Final

from termprom.config import scalars
from termprom.config.fields import Document, Section, Table, read_section, section_of
from termprom.config.schema import StorageConfig
from termprom.config.sizes import format_size
from termprom.config.yaml_tree import Node
from termprom.model.floats import format_float

_TABLE: Final[Table] = {
    "tsdb": section_of(
        {
            "out_of_order_time_window": scalars.duration,
            # Upstream's own dump writes this key; reading it back must work and means nothing.
            "outofordertimewindow": scalars.integer,
            "stale_series_compaction_threshold": scalars.floating,
            "chunk_encoding": section_of({"floats": scalars.text}, "config.ChunkEncodingConfig"),
            "retention": section_of(
                {
                    "time": scalars.duration,
                    "size": scalars.size,
                    "percentage": scalars.floating,
                },
                "config.plain",
            ),
        },
        "config.plain",
    ),
    "exemplars": section_of({"max_exemplars": scalars.integer64}, "config.ExemplarsConfig"),
}


def read_storage(node: Node, document: Document) -> StorageConfig:
    section = read_section(node, document, _TABLE, "config.StorageConfig")
    tsdb: Section = section.get("tsdb") or Section(node, document)
    retention: Section | None = tsdb.get("retention")
    exemplars: Section = section.get("exemplars") or Section(node, document)
    encoding: Section = tsdb.get("chunk_encoding") or Section(node, document)
    floats = encoding.get("floats", "")
    if floats not in ("", "xor", "xor2"):
        encoding.fail(
            "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be "
            f'omitted entirely, got "{floats}"',
            "floats",
        )
    time, size, percentage = _retention(retention)
    for key, value in (
        ("chunk_encoding", floats),
        ("stale_series_compaction_threshold", tsdb.get("stale_series_compaction_threshold")),
        ("retention.percentage", percentage),
    ):
        if value:
            document.warnings.append(f"storage.tsdb.{key} has no effect in this store")
    return StorageConfig(
        retention_time=time,
        retention_size=size,
        retention_percentage=percentage,
        out_of_order_time_window=tsdb.get("out_of_order_time_window", 0),
        max_exemplars=exemplars.get("max_exemplars", 100_000),
        stale_series_compaction_threshold=tsdb.get("stale_series_compaction_threshold", 0.0),
        chunk_encoding_floats=floats,
    )


def _retention(section: Section | None) -> tuple[int | None, int | None, float | None]:
    """Time, size and percentage. All None without the section: then the flags decide; a section
    that leaves one out turns that one off.
    """
    if section is None:
        return None, None, None
    time, size = section.get("time", 0), section.get("size", 0)
    percentage = section.get("percentage", 0.0)
    if size < 0:
        section.fail(
            "'storage.tsdb.retention.size' must be greater than or equal to 0, got "
            f"{format_size(size)}",
            "size",
        )
    if not 0 <= percentage <= 100:
        section.fail(
            "'storage.tsdb.retention.percentage' must be in the range [0, 100], got "
            f"{format_float(percentage)}",
            "percentage",
        )
    return time, size, percentage
