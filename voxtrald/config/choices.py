"""What there is to choose from where each choice is a file of the program: engine kinds and output formats.

The folders are only looked into. Importing what lies there would load every engine's libraries, and would climb from
the ground to the rooms above it.
"""

from __future__ import annotations

import pkgutil
from pathlib import Path

from voxtrald.config.shape import OneOf

PACKAGE = Path(__file__).parent.parent


def engine_kinds() -> tuple[str, ...]:
    """Name the engine kinds: one module of `voxtrald/engines/kinds` each."""
    return module_names(PACKAGE / "engines" / "kinds")


def output_formats() -> tuple[str, ...]:
    """Name the output formats: one module of `voxtrald/transcript/rendering/formats` each."""
    return module_names(PACKAGE / "transcript" / "rendering" / "formats")


def module_names(folder: Path) -> tuple[str, ...]:
    """Name the modules in a folder in their order, without those that begin with `_`; nothing is imported."""
    found = pkgutil.iter_modules([str(folder)])
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


EngineKind = OneOf(engine_kinds())
OutputFormat = OneOf(output_formats())
