"""Numbers through pcodec, which finds decimal steps, common factors and deltas by itself.

    body := a standalone pcodec frame

Floats go in as floats: pcodec keeps their bits, NaN payloads and the sign of zero included (a
property test holds it to that). Unsigned integers go in as int64, whose order of bits is the same.
Example, the int64 [1, 2, 4], first four bytes (pcodec's own magic):  70 63 6f 21
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pcodec import ChunkConfig, standalone

from termprom.model.values import AnyArray


@dataclass(frozen=True, slots=True)
class Pco:
    """The general codec; `level` trades encoding time for size and is not stored."""

    level: int = 8

    id: ClassVar[int] = 3  # On disk for ever: never renumber, only append.

    def encode(self, numbers: AnyArray) -> bytes | None:
        if numbers.size < 2:
            return None
        source = numbers if numbers.dtype.kind == "f" else numbers.view(np.int64)
        body: bytes = standalone.simple_compress(source, ChunkConfig(compression_level=self.level))
        return body

    def decode(self, body: memoryview, count: int, dtype: np.dtype[np.generic]) -> AnyArray:
        numbers = np.empty(count, dtype=np.float64 if dtype.kind == "f" else np.int64)
        done = standalone.simple_decompress_into(bytes(body), numbers)
        if done.n_processed != count or not done.finished:
            raise ValueError(f"{done.n_processed} numbers instead of {count}")
        return numbers.view(dtype)

    def is_exact_size(self, body_bytes: int, count: int) -> bool:
        return body_bytes > 0
