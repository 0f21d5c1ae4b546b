"""One recording, from claim to outcome. `recording.py` reads like the list of steps; its neighbours are the steps."""
