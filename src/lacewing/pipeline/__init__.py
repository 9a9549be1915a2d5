"""What happened, for machines: the event log as integrations read it."""
