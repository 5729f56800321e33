"""Helpers for the tests that are written in Python; the demo uses the hosts too. Standard library only, but capture."""
