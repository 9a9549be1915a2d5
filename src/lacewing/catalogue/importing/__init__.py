"""Other catalogues' products: read, told apart, and kept as they were (UX-2)."""
