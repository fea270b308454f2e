"""Telling an operator what is wrong: once per cause and again when it is over; to the log, a webhook, by e-mail."""
