"""Use cases of the tracker, one function a verb."""
