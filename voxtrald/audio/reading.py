"""Reads samples straight from a recording that stores them as they are: no decoder is needed, and no process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxtrald.audio.riff import Samples
from voxtrald.errors import RecordingChanged
from voxtrald.storage import storage_trouble
from voxtrald.transcript.model import Span


def read_mono(path: Path, samples: Samples, *, span: Span) -> npt.NDArray[np.int16]:
    """Read a span as the mean of its channels, at the recording's own rate; less where the recording ends.

    Raises:
        RecordingChanged: the file vanished.
        StorageUnavailable: it cannot be read now.
    """
    start, end = samples.nearest(span.start_ms), samples.nearest(span.end_ms)
    mono = np.empty(end - start, dtype=np.int16)
    filled = 0
    try:
        with path.open("rb") as file:
            file.seek(samples.byte_of(start))
            # By the second: in whole, the channels and what is made of them would take many times what is asked for.
            while content := file.read(samples.sample_bytes * min(samples.sample_rate_hz, len(mono) - filled)):
                whole = len(content) // samples.sample_bytes * samples.sample_bytes
                channels = np.frombuffer(content[:whole], dtype="<i2").reshape(-1, samples.sample_bytes // 2)
                mono[filled : filled + len(channels)] = channels.mean(axis=1)
                filled += len(channels)
    except FileNotFoundError as error:
        raise RecordingChanged(f"{path.name} is no longer there") from error
    except OSError as error:
        raise storage_trouble(error, path=path) from error
    return mono[:filled]
