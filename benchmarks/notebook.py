"""The usual notebook's way to transcribe a long recording, as a script to measure against.

pydub reads the whole file, it is cut at fixed marks of 14 minutes, each piece is encoded twice (to disk and to memory),
and the pieces go one after another: upload, signed address, transcription by that address. Nothing is deleted, nothing
is tried again. Two things differ from such a notebook, for the sake of what it runs against: a bearer key, and a
model that is still in service.

pydub asks ffprobe about a file unless it is told the codec; there is none here, so it is told.

    python -m benchmarks.notebook talk.mp3 --base-url http://127.0.0.1:8000 --out chunks

Prints the marks of the run as one line of JSON; times are on the monotonic clock.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import requests

from benchmarks.far_side import KEY

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a system ffmpeg; its own regexes are not raw strings
    from pydub import AudioSegment

MODEL = "voxtral-mini-2602"
CHUNK_MS = 14 * 60 * 1000
CODECS = {
    ".mp3": "mp3",
    ".m4a": "aac",
    ".mp4": "aac",
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".opus": "opus",
}
HEADERS = {"Authorization": f"Bearer {KEY}"}


def transcribe(path: Path, *, base_url: str | None, out: Path) -> dict[str, Any]:
    """Do as the notebook does; give when what happened. Without an address the pieces are made and not sent."""
    marks: dict[str, Any] = {"began_s": time.monotonic()}
    out.mkdir(parents=True, exist_ok=True)
    AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
    audio = AudioSegment.from_file(str(path), codec=CODECS[path.suffix])
    marks["decoded_s"] = time.monotonic()
    total = math.ceil(len(audio) / CHUNK_MS)
    for index in range(total):
        chunk = audio[index * CHUNK_MS : min((index + 1) * CHUNK_MS, len(audio))]
        name = f"part_{index + 1:02d}"
        chunk.export(str(out / f"{name}.mp3"), format="mp3").close()
        buffer = BytesIO()
        chunk.export(buffer, format="mp3")
        marks.setdefault("first_s", time.monotonic())
        marks["uploaded_bytes"] = marks.get("uploaded_bytes", 0) + buffer.tell()
        buffer.seek(0)
        if base_url is None:
            continue
        answer = send(buffer, name=f"{name}.mp3", base_url=base_url)
        (out / f"{name}.json").write_text(json.dumps(answer, ensure_ascii=False, indent=2), encoding="utf-8")
    return marks | {"ended_s": time.monotonic(), "cpu_s": sum(os.times()[:4]), "chunks": total}


def send(buffer: BytesIO, *, name: str, base_url: str) -> Any:
    """Upload, get the signed address, transcribe by it."""
    files: dict[str, Any] = {"purpose": (None, "audio"), "file": (name, buffer, "audio/mpeg")}
    stored = requests.post(f"{base_url}/v1/files", headers=HEADERS, files=files, timeout=130)
    stored.raise_for_status()
    signed = requests.get(
        f"{base_url}/v1/files/{stored.json()['id']}/url", params={"expiry": 24}, headers=HEADERS, timeout=130
    )
    fields = {
        "file_url": (None, signed.json()["url"]),
        "model": (None, MODEL),
        "language": (None, "en"),
        "timestamp_granularities": (None, "segment"),
    }
    answer = requests.post(f"{base_url}/v1/audio/transcriptions", headers=HEADERS, files=fields, timeout=130)
    answer.raise_for_status()
    return answer.json()


def read_words(out: Path) -> list[str]:
    """Join the texts of the pieces, as the notebook's reader would."""
    parts = sorted(out.glob("part_*.json"))
    return " ".join(json.loads(part.read_text(encoding="utf-8"))["text"] for part in parts).split()


def main() -> None:
    """Transcribe one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--base-url", help="where to send the pieces; without it they are only made")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    json.dump(transcribe(chosen.recording, base_url=chosen.base_url, out=chosen.out), sys.stdout)


if __name__ == "__main__":
    main()
