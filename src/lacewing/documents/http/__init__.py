"""Routes of the documents."""
