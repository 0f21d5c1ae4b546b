"""Fuzzers for what reads the bytes of strangers.

    make fuzz                 # both, ten minutes each; MINUTES=1 for less
    python -m tests.fuzz.guided --minutes 10      # the pure readers, guided by coverage (needs the extra `fuzz`)
    python -m tests.fuzz.mutating --minutes 10    # real small files, damaged, through the real ffmpeg

`corpus/` holds the inputs that reach the most code, one in a file; `make test` runs each of them once.
"""
