"""Sending: over HTTP to other servers, and never to an address that is not theirs to have."""
