"""Products: what the team ships, sorted and searched however many there are."""
