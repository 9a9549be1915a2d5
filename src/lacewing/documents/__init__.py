"""Documents: uploaded, processed, searched, and never lost."""
