"""Reading the audit log; it is written by ``kernel.audit``."""
