"""HTTP in: thin, one blueprint a file."""
