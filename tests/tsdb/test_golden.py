"""The data folder of version 1, as it was written once: every later version has to read it.

To write it anew, which a change of format needs and nothing else:
`python -m tests.tsdb.test_golden`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import STALE_BITS
from termprom.storage import Exemplar, HistogramSample
from termprom.tsdb.db import Options
from tests.tsdb.histogram_models import histogram, read_histograms
from tests.tsdb.models import EVERYTHING, FAR_MS, open_store, read_all, values_of

FOLDER = Path(__file__).parent / "golden" / "v1"
OPTIONS = Options(fsync_seconds=0, block_ms=1000, out_of_order_window_ms=900)
CELLS = [0, 1 << 63, STALE_BITS, 0x7FF8000000000001, 0xFFF8000000000123, 1, 0x7FF << 52]


def shown(folder: Path) -> object:
    """All that the folder holds, as JSON has it."""
    store = open_store(folder, OPTIONS)
    try:
        assert store.verify() == []
        floats = {
            str(labels): sorted([time, f"{cell:016x}"] for time, cell in samples.items())
            for labels, samples in read_all(store).items()
        }
        histograms = {
            str(labels): sorted([time, repr(one)] for time, one in samples.items())
            for labels, samples in read_histograms(store).items()
        }
        exemplars = [
            [str(labels), [repr(one) for one in found]]
            for labels, found in store.exemplars([EVERYTHING], 0, FAR_MS)
        ]
        metadata = [repr(one) for one in store.metadata()]
        found = {
            "floats": floats,
            "histograms": histograms,
            "exemplars": exemplars,
            "metadata": metadata,
        }
        return json.loads(json.dumps(found))
    finally:
        store.close()


def test_version_1_is_read(tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(FOLDER / "data", copy)
    wanted = json.loads((FOLDER / "shown.json").read_text())
    assert len(list((copy / "blocks").glob("*/meta.json"))) == 2
    assert len(list((copy / "wal").iterdir())) >= 1
    assert shown(copy) == wanted
    store = open_store(copy, OPTIONS)
    store.clean_tombstones()
    store.maintain()
    store.close()
    assert shown(copy) == wanted


def write() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    store = open_store(FOLDER / "data", OPTIONS)
    group = store.group(Labels.of(job="golden"))
    series = [Labels.of(__name__=f"m{n % 2}", n=str(n), unit="°C") for n in range(4)]
    columns = group.columns([*series, Labels.of(__name__="latency"), Labels.of(__name__="own")])
    group.set_metadata({"m0": Metadata(MetricType.GAUGE, "Heat, in degrees.", "celsius")})
    for step in range(36):
        time_ms = 1000 + step * 100
        cells = values_of([CELLS[(step + n) % len(CELLS)] for n in range(4)])
        width = 4 if step % 5 else 2
        group.append(
            time_ms,
            columns[:width],
            cells[:width],
            histograms=[HistogramSample(int(columns[4]), histogram(step % 4), 900)],
        )
        if step % 3 == 0:
            own = np.array([time_ms + 7], dtype=np.int64)
            group.append_loose(own, columns[5:], np.array([step / 4]))
        if step % 9 == 8:
            late = np.array([time_ms - 650], dtype=np.int64)
            group.append_loose(late, columns[:1], np.array([step / 8]))
    group.append_exemplars([(0, Exemplar(Labels.of(trace_id="abc"), 1.5, 4500))])
    store.maintain()
    store.delete([*EVERYTHING], 1200, 1300)
    store.close()
    (FOLDER / "shown.json").write_text(json.dumps(shown(FOLDER / "data"), indent=1))


if __name__ == "__main__":
    write()
