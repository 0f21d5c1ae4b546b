"""What a recogniser's fault means: whose it is, and what to do about it. Pure."""

from __future__ import annotations

from voxtrald.engines.whisper.protocol import Fault
from voxtrald.errors import ApiBusy, ApiDenied, ApiError, ApiGarbled, ApiRefused

_HINTS = {
    Fault.NO_LIBRARY: "pip install 'voxtrald[local]'",
    Fault.NO_MODEL: "engine.model must be a folder with a model that was converted for CTranslate2",
    Fault.UNKNOWN_MODEL: "engine.model must be a name that faster-whisper knows, such as small, or a folder",
    Fault.NOT_FETCHED: "connect this machine for the first start, or name a folder in engine.model",
    Fault.BROKEN_MODEL: "fetch or convert the model again, or choose another engine.model",
    Fault.NO_MEMORY: "choose a smaller engine.model, or give the service more memory",
    Fault.LANGUAGE: "change engine.language or engine.model",
}


def error_for(fault: Fault, message: str) -> ApiError:
    """Turn a fault into the error that says how far it reaches.

    What no recording can get past (no library, no model) is a denial: it holds the engine's recordings and touches
    none of them. A file that cannot be decoded is refused; any other trouble with one file is tried again.
    """
    match fault:
        case Fault.UNDECODABLE:
            return ApiRefused(message)
        case Fault.FAILED:
            return ApiGarbled(message)
        case _:
            return ApiDenied(message, hint=_HINTS[fault])


def error_during(fault: Fault, message: str) -> ApiError:
    """Turn a fault with one request, the model being loaded, into our error: memory may be free again in a moment."""
    return ApiBusy(message) if fault is Fault.NO_MEMORY else error_for(fault, message)
