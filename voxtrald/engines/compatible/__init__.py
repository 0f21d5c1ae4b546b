"""Servers that speak OpenAI's transcription interface: how they differ, and what follows from that."""
