"""Where ffmpeg runs: a hole in a decoder must gain nothing. See docs/security.md.

The daemon has one warden, a small program that starts ffmpeg for it. Between fork and exec a program with threads may
do next to nothing safely; the warden has a single thread, so that every limit is in place before ffmpeg's first
instruction.
"""
