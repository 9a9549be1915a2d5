"""Processing: what is found in a document, by processors that can be exchanged (DOC-9)."""
