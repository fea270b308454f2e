"""What an operator asks for: check, schema, preview, diff, the ledger, the demo."""
