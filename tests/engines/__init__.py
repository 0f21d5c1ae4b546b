"""What every engine promises, tried on each of them; `python -m tests.engines.table` prints the outcome.

`lookalike.py` plays servers with OpenAI's interface, `flavours.py` says how they differ, and `open_asr.py` starts a
real one.
"""
