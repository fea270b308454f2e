"""The thinking: what an order is, which orders count, and which event they become. Pure: no I/O, no framework."""
