"""A Whisper model in a program of its own: what is said to it, who owns it, and what it is made of."""
