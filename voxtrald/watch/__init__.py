"""The way in: which files in the inbox are recordings, and when they are whole."""
