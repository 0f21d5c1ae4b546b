"""Transcription engines, one file each. Nothing above this room knows how an engine is reached."""
