"""What a recogniser runs with, given what there is: cores, devices, a folder or a name, an environment. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

_CORES_PER_WORKER = 4  # CTranslate2 gains little from more threads for one file, and much from a second file

# What a recogniser may need to find its libraries, its cache and the way out. Everything else stays with the daemon:
# the child needs no key, no credential and no socket of the service manager.
_PASSED_ON = frozenset({"PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH"})
_PASSED_ON_BY_BEGINNING = (
    *("LC_", "XDG_CACHE_", "PYTHON"),
    *("CUDA_", "NVIDIA_", "ROCM_", "HIP_", "HSA_", "CT2_", "MKL_", "KMP_", "OMP_", "ONEDNN_"),
    *("HF_", "SSL_CERT_", "REQUESTS_CA_", "CURL_CA_"),
)
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})
_SECRETS = ("TOKEN", "KEY", "SECRET", "PASSWORD")

# onnxruntime, which finds the speech in a file, writes a device id and calls home on Linux unless told not to
# (its own docs/Privacy.md); huggingface_hub counts downloads.
_QUIET: Mapping[str, str] = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many files at once, and how many threads for each."""

    workers: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a model computes, and with which numbers, in the words of CTranslate2."""

    name: str
    compute_type: str


def choose_pace(*, cores: int) -> Pace:
    """Use every core once: one file per four of them."""
    workers = max(1, cores // _CORES_PER_WORKER)
    return Pace(workers=workers, threads=max(1, cores // workers))


def choose_devices(*, cuda: Collection[str], cpu: Collection[str]) -> tuple[Device, ...]:
    """List the devices worth a try, the best first.

    Args:
        cuda: compute types of the graphics card; empty where there is none that CTranslate2 can use.
        cpu: compute types of the processor.
    """
    on_cuda = next((kind for kind in ("float16", "int8_float16", "int8") if kind in cuda), "default")
    on_cpu = "int8" if "int8" in cpu else "default"
    cards = (Device(name="cuda", compute_type=on_cuda),) if cuda else ()
    return (*cards, Device(name="cpu", compute_type=on_cpu))


def child_environment(environ: Mapping[str, str], *, is_folder: bool, threads: int) -> dict[str, str]:
    """Choose what a recogniser may know of the daemon's environment.

    A model in a folder needs nothing from outside, so the library that downloads models is told to stay offline.
    """
    kept = {name: value for name, value in environ.items() if _is_passed_on(name)}
    offline = {"HF_HUB_OFFLINE": "1"} if is_folder else {}
    return {**kept, **_QUIET, **offline, "OMP_NUM_THREADS": str(threads)}


def _is_passed_on(name: str) -> bool:
    if any(secret in name.upper() for secret in _SECRETS):
        return False
    is_known = name in _PASSED_ON or name.lower() in _PROXIES
    return is_known or name.startswith(_PASSED_ON_BY_BEGINNING)
