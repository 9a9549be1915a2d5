"""The only part of the kernel that knows HTTP."""
