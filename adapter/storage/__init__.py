"""The only folder that knows SQL: orders and clicks at rest, sealed, on SQLite or PostgreSQL."""
