"""The stacks that are compared, each started as its users start it."""
