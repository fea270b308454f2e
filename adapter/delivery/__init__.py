"""Use case: due rows → events → batches → outcomes → settled rows."""
