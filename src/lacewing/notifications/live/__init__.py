"""Telling those who are there: one hub a process, one connection a socket or stream."""
