"""The floor: a Flask route that does nothing, for `gunicorn bare:app`."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.post("/webhooks/<shop>")
def receive(shop: str) -> tuple[str, int]:
    """Answer, and look at nothing."""
    del shop
    return "", 200
