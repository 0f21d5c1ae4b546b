"""The local engine with a real recogniser: what it hears, what it costs, and that nothing leaves the machine."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil
import pytest

from tests.sound.speech import write_wav
from tests.speech import sample, word_error_rate
from tests.speech.weights import NEEDS, model_folder
from voxtrald.config import EngineSettings
from voxtrald.engines.base import AudioChunk, Surroundings
from voxtrald.engines.finding import build_engine
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.errors import ApiDenied, ApiRefused, StopRequested, StorageUnavailable
from voxtrald.stopping import Stop

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_WRONG = 0.2
WEIGHTS = model_folder()
LIBRARY = importlib.util.find_spec("faster_whisper")
DAEMON_MAY_GROW_BY_BYTES = 8 << 20  # the model has 75 MB on disk, and takes 250 MB in memory

real = pytest.mark.skipif(not (WEIGHTS and LIBRARY), reason=NEEDS)


@dataclass(slots=True)
class Workplace:
    """Engines, and where they work."""

    folder: Path
    stop: Stop = field(default_factory=Stop)
    engines: list = field(default_factory=list)

    def engine(self, *, environ=None, cores=2, **settings):
        """Make an engine; it is closed in the end."""
        engine = build_engine(
            EngineSettings(kind="local", **{"model": str(WEIGHTS), **settings}),
            Surroundings(
                api_key=None,
                environ=os.environ if environ is None else environ,
                journal=None,
                remote_prefix="",
                slots=RequestSlots(1, stop=self.stop),
                in_use=CopiesInUse(stop=self.stop),
                state=self.folder,
                cores=cores,
                stop=self.stop,
            ),
        )
        self.engines.append(engine)
        return engine

    def close(self):
        """Close all engines; nothing of them may be left."""
        for engine in self.engines:
            engine.close()


@pytest.fixture
def place(tmp_path):
    """Give a workplace that leaves no process behind."""
    before = set(psutil.Process().children())
    workplace = Workplace(tmp_path)
    yield workplace
    workplace.close()
    assert set(psutil.Process().children()) <= before


def chunk_of(path):
    """Describe a file as a chunk."""
    size_bytes = path.stat().st_size
    return AudioChunk(key="k", path=path, extension=path.suffix[1:], size_bytes=size_bytes, duration_ms=60_000)


def hear(engine, path=None):
    """Transcribe a file, or the sample."""
    delivery = engine.deliver(chunk_of(path or sample()[0]))
    try:
        return delivery.attempt()
    finally:
        delivery.close()


def convert(target, *options):
    """Convert the sample with ffmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(sample()[0])]
    subprocess.run([*command, *options, str(target)], check=True)
    return target


# --- what it hears ------------------------------------------------------------------------------------------


@real
def test_speech_becomes_text_with_times(place):
    """The sample's text is right but for few words; its phrases follow one another within its length."""
    answer = hear(place.engine())

    edges_ms = [edge for segment in answer.segments for edge in (segment.start_ms, segment.end_ms)]
    assert word_error_rate(sample()[1], answer.text) < MOST_WRONG
    assert edges_ms == sorted(edges_ms)
    assert 0 <= edges_ms[0] < edges_ms[-1] <= 62_000
    assert len(answer.segments) > 8
    assert " ".join(segment.text for segment in answer.segments).split() == answer.text.split()
    assert (answer.language, answer.billed_s, answer.dropped) == ("en", 0.0, ())


@real
def test_words_can_be_timed(place, tmp_path):
    """Timed by words, each segment is one word, and all words together are the text."""
    answer = hear(place.engine(timestamps="word"), convert(tmp_path / "short.wav", "-t", "10"))

    assert len(answer.segments) > 10
    assert [segment.text for segment in answer.segments] == answer.text.split()
    assert all(segment.start_ms <= segment.end_ms for segment in answer.segments)


@real
def test_times_can_be_left_out(place, tmp_path):
    """Timed by nothing, there is text and no segment."""
    answer = hear(place.engine(timestamps="none"), convert(tmp_path / "short.wav", "-t", "10"))

    assert answer.text
    assert answer.segments == ()


@real
def test_a_vocabulary_changes_spelling_and_loses_nothing(place):
    """Names from the vocabulary are spelt as they are there, and as much is heard as without one."""
    answer = hear(place.engine(context_bias=("Parish Council", "Old Playground", "Library")))

    assert "Parish Council" in answer.text
    assert "Old Playground" in answer.text
    assert word_error_rate(sample()[1], answer.text) < MOST_WRONG


@real
def test_silence_has_no_words(place, tmp_path):
    """Where nobody speaks, nothing is made up: no text, no language, no segment."""
    quiet = write_wav(tmp_path / "quiet.wav", np.zeros(60 * 16_000, np.int16), 16_000)

    answer = hear(place.engine(), quiet)

    assert (answer.text, answer.language, answer.segments) == ("", None, ())


@real
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "m4a"])
def test_every_format_it_claims_is_heard(place, tmp_path, suffix):
    """Each container in its capabilities is decoded."""
    engine = place.engine()
    recording = convert(tmp_path / f"short.{suffix}", "-t", "5")

    answer = hear(engine, recording)

    assert suffix in engine.capabilities.formats
    assert "good evening" in answer.text.lower()


@real
def test_damage_in_the_middle_costs_only_the_middle(place, tmp_path):
    """What comes after a packet that cannot be decoded is heard all the same."""
    recording = convert(tmp_path / "damaged.mp3")
    content = bytearray(recording.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4_000] = bytes(4_000)
    recording.write_bytes(content)

    text = hear(place.engine(), recording).text.lower()

    assert "good evening" in text
    assert "good night" in text


# --- what it refuses --------------------------------------------------------------------------------------------


@real
@pytest.mark.parametrize("content", [b"ID3" + bytes(5_000), b"RIFF", b"", os.urandom(4_000)])
def test_what_cannot_be_decoded_is_refused(place, tmp_path, content):
    """A file without sound in it is refused, and the recogniser goes on."""
    path = tmp_path / "rubbish.wav"
    path.write_bytes(content)
    engine = place.engine()

    with pytest.raises(ApiRefused):
        hear(engine, path)


@real
@pytest.mark.parametrize(
    "playlist",
    ["ffconcat version 1.0\nfile {name}\n", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:5,\n{path}\n#EXT-X-ENDLIST\n"],
)
def test_a_playlist_opens_no_other_file(place, tmp_path, playlist):
    """A text that names a recording is no recording, whatever its name."""
    recording = convert(tmp_path / "secret.wav", "-t", "5")
    path = tmp_path / "list.mp3"
    path.write_text(playlist.format(name=recording.name, path=recording), "utf-8")

    with pytest.raises(ApiRefused):
        hear(place.engine(), path)


@real
def test_a_language_the_model_does_not_know_holds(place):
    """An English model asked for Latvian would make up English: recordings wait instead, and are told why."""
    with pytest.raises(ApiDenied, match="language lv") as caught:
        hear(place.engine(language="lv"))

    assert "engine.language" in caught.value.hint


def test_a_chunk_that_cannot_be_read_is_our_disks_trouble(place, tmp_path):
    """A prepared chunk that is gone is no fault of the recording, and starts nothing."""
    chunk = chunk_of(convert(tmp_path / "short.wav", "-t", "1"))
    chunk.path.unlink()

    with pytest.raises(StorageUnavailable):
        place.engine().deliver(chunk).attempt()


# --- models that cannot be used -------------------------------------------------------------------------------------


@pytest.fixture
def without_library(tmp_path):
    """Give an environment in which faster-whisper is not installed."""
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "faster_whisper.py").write_text("raise ModuleNotFoundError('no', name='faster_whisper')\n", "utf-8")
    return {"PYTHONPATH": str(hiding)}


def test_a_missing_library_holds_recordings_and_says_what_to_install(place, without_library):
    """Without faster-whisper, `check` and every attempt are denied, with the command that helps."""
    engine = place.engine(environ=without_library, model="/nowhere")

    with pytest.raises(ApiDenied, match="is not installed") as checked:
        engine.check()
    with pytest.raises(ApiDenied, match="is not installed") as tried:
        hear(engine)

    assert "pip install 'voxtrald[local]'" in checked.value.hint
    assert tried.value.hint == checked.value.hint


@real
@pytest.mark.parametrize("damage", ["absent", "empty", "no_tokenizer", "cut", "rubbish"])
def test_a_broken_model_holds_recordings(place, tmp_path, damage):
    """A folder that is not there, holds no model or a damaged one is named."""
    folder = tmp_path / "model"
    if damage != "absent":
        folder.mkdir()
    if damage in {"no_tokenizer", "cut", "rubbish"}:
        for name in ("config.json", "vocabulary.txt", "model.bin", "tokenizer.json"):
            shutil.copyfile(WEIGHTS / name, folder / name)
    if damage == "no_tokenizer":
        (folder / "tokenizer.json").unlink()
    if damage == "cut":
        with (folder / "model.bin").open("r+b") as file:
            file.truncate(1 << 20)
    if damage == "rubbish":
        (folder / "tokenizer.json").write_text("{}", "utf-8")

    with pytest.raises(ApiDenied) as caught:
        hear(place.engine(model=str(folder)))

    assert str(folder) in caught.value.message or damage == "rubbish"
    assert "engine.model" in caught.value.hint


@real
def test_a_name_that_nobody_knows_holds_recordings(place):
    """A model that is neither a folder nor one of faster-whisper's is named."""
    with pytest.raises(ApiDenied, match="knows no model enormous"):
        hear(place.engine(model="enormous"))


@real
def test_a_named_model_that_is_not_here_is_no_fault_of_a_check(place, tmp_path):
    """A check says that a named model is still to be downloaded, and downloads nothing."""
    home = tmp_path / "home"
    home.mkdir()
    engine = place.engine(model="small", environ={"HOME": str(home), "HF_HUB_OFFLINE": "1"})

    told = engine.check()

    assert "small is downloaded at its first use" in told
    with pytest.raises(ApiDenied, match="not on this machine and cannot be fetched"):
        hear(engine)
    assert not list(home.rglob("model.bin"))


# --- the machine --------------------------------------------------------------------------------------------------


@real
def test_a_check_says_what_is_there(place):
    """A check names library, model, device and pace."""
    told = place.engine().check()

    assert "faster-whisper 1." in told
    assert WEIGHTS.name in told
    assert "one file at a time with 2 threads" in told


@real
def test_engines_with_one_model_share_it(place, tmp_path):
    """Rules that differ in timestamps only are served by one process; another model has its own."""
    other = tmp_path / "other"
    shutil.copytree(WEIGHTS, other)
    short = convert(tmp_path / "short.wav", "-t", "3")
    engines = [place.engine(), place.engine(timestamps="word"), place.engine(model=str(other))]

    for engine in engines:
        hear(engine, short)

    pids = [engine._keeper.pid for engine in engines]
    assert pids[0] == pids[1]
    assert pids[2] != pids[0]


def test_the_answers_key_follows_the_weights(place, tmp_path):
    """The same weights in another folder of that name give the same key, other weights another one."""
    keys = []
    for parent, weights in (("one", b"a"), ("two", b"a"), ("three", b"b")):
        folder = tmp_path / parent / "tiny"
        folder.mkdir(parents=True)
        (folder / "model.bin").write_bytes(weights)
        keys.append(place.engine(model=str(folder)).parameters)

    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_what_cannot_be_had_is_told_and_costs_nothing(place):
    """A wish for speakers is no capability; a minute costs nothing; a file at a time for each four cores."""
    engine = place.engine(diarize=True, cores=8)

    can = engine.capabilities
    assert (can.diarize, can.vocabulary, can.price_per_minute, can.parallel) == (False, True, 0.0, 2)
    assert engine._dropped() == ("diarize",)


@real
def test_stop_ends_a_real_recogniser(place, tmp_path, wait_until):
    """Asked to stop in the middle of a file, the attempt ends and the process is gone."""
    engine = place.engine()
    recording = convert(tmp_path / "long.wav", "-filter_complex", "aloop=loop=20:size=3000000")
    engine.check()
    pid = engine._keeper.pid
    busy = psutil.Process(pid)
    idle_cpu_s = sum(busy.cpu_times()[:2])
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(hear, engine, recording)
        wait_until(lambda: sum(busy.cpu_times()[:2]) > idle_cpu_s + 0.5, what="work", timeout_s=30)

        place.stop.set()

        with pytest.raises(StopRequested):
            asked.result(timeout=30)
    engine.close()
    assert not psutil.pid_exists(pid)


ALONE = """
import json, os, sys
from pathlib import Path
import psutil
from tests.integration.test_local_engine import Workplace, hear
place = Workplace(Path(os.environ["HOME"]))
engine = place.engine()
me = psutil.Process()
before = me.memory_info().rss
answer = hear(engine)
child = psutil.Process(engine._keeper.pid)
told = {
    "text": answer.text,
    "grown": me.memory_info().rss - before,
    "child": child.memory_info().rss,
    "inet": len(child.net_connections("inet")),
    "modules": sorted({"faster_whisper", "ctranslate2", "av", "onnxruntime"} & sys.modules.keys()),
}
place.close()
told["left"] = child.is_running()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Run a daemon's worth of engine without any network, in a home of its own; give what it tells."""
    unshare = ["unshare", "--map-root-user", "--net", "--"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare (util-linux) and the right to make network namespaces")
    home = tmp_path_factory.mktemp("home")
    environ = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "VOXTRALD_TEST_MODEL": str(WEIGHTS)}
    environ.pop("XDG_CACHE_HOME", None)
    command = [*unshare, sys.executable, "-c", ALONE]
    ended = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=True)
    told = json.loads(ended.stdout.splitlines()[-1])
    return {**told, "files": [str(path) for path in home.rglob("*")]}


@real
@pytest.mark.xdist_group("local_alone")
def test_it_works_without_any_network(alone):
    """In a network namespace with nothing in it, the sample is heard as ever, and the recogniser holds no socket."""
    assert word_error_rate(sample()[1], alone["text"]) < MOST_WRONG
    assert alone["inet"] == 0


@real
@pytest.mark.xdist_group("local_alone")
def test_nothing_is_written_at_home(alone):
    """No library leaves a cache, a device id or a token in the home folder."""
    assert alone["files"] == []


@real
@pytest.mark.xdist_group("local_alone")
def test_the_daemon_stays_small(alone):
    """The model's memory is the child's; the daemon never imports the libraries and gets it all back in the end."""
    assert alone["modules"] == []
    assert alone["grown"] < DAEMON_MAY_GROW_BY_BYTES < alone["child"]
    assert alone["left"] is False
