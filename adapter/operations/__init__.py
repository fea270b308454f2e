"""What an operator asks for: check, preview, the ledger, the demo."""
