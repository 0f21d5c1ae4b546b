"""One module per engine kind; its name is what `engine.kind` says. See `voxtrald/engines/base.py`."""
