"""Lacewing, the engineering tracker that a team runs for itself."""

__version__ = "0.1.0"
