"""Use cases of the accounts, one function a verb."""
