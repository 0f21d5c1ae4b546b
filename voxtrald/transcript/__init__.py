"""The pure middle: plans, merged transcripts and their rendering. No I/O, no clock, no threads."""
