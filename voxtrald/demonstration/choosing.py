"""Which model a demonstration asks, and what that costs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from voxtrald.config import EngineSettings
from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.scene import SAMPLE_S
from voxtrald.demonstration.telling import cost_text
from voxtrald.demonstration.trouble import DemoFailed
from voxtrald.demonstration.weights import TINY_EN, cache_folder, obtain
from voxtrald.engines.voxtral.models import rules_for

KEY: Final = "MISTRAL_API_KEY"
WEIGHTS_FILE: Final = "model.bin"


def local_model(
    named: str | None, *, environ: Mapping[str, str], patience: Patience, say: Callable[[str], None]
) -> str:
    """Give the model for the recogniser on this machine: the named one, or one that is fetched.

    Raises:
        DemoEnded: a signal came.
        DemoFailed: there is no recogniser, or no model.
    """
    if importlib.util.find_spec("faster_whisper") is None:
        raise DemoFailed(
            "the recogniser for this machine is not installed",
            hint="pip install 'voxtrald[local]' brings it; Mistral's service does without it: --engine mistral",
        )
    if named is None:
        return str(obtain(TINY_EN, cache=cache_folder(environ), patience=patience, say=say))
    folder = Path(named).expanduser()
    if (folder / WEIGHTS_FILE).is_file():
        return str(folder.absolute())
    if folder.is_dir() or named.startswith((".", "/", "~")):
        raise DemoFailed(f"{named} is not a folder with a model for faster-whisper: there is no {WEIGHTS_FILE} in it")
    return named


def require_key(environ: Mapping[str, str]) -> None:
    """See that Mistral's service can be asked.

    Raises:
        DemoFailed: there is no key to ask with.
    """
    if not environ.get(KEY):
        raise DemoFailed(f"Mistral's service needs a key in the environment variable {KEY}")


def usual_model() -> str:
    """Give the id of the model that is asked at Mistral where nobody names one."""
    return str(EngineSettings().model)


def price_text(model: str) -> str:
    """Say what Mistral's service will take for the sample."""
    price = rules_for(model).price
    return cost_text(model=model, seconds=SAMPLE_S, price_per_minute=price.per_minute if price else None)
