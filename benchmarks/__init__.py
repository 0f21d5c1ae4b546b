"""Measurements of the installed program against a stand-in for the API; see README.md here."""
