"""Backups: one sealed archive of rows, files and keys; its format, and when one was made last."""
