"""The command line ``lacewing`` (UX-1)."""

from lacewing.cli.app import main

__all__ = ["main"]
