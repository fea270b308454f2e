"""GET /healthz and /readyz."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from structlog.testing import capture_logs


def test_the_process_is_up(web_on_sqlite: Any) -> None:
    """/healthz needs nothing but the process."""
    web_on_sqlite.engine.dispose()
    answer = web_on_sqlite.client.get("/healthz")
    assert (200, {"status": "up"}) == (answer.status_code, answer.json)


def test_ready(web: Any) -> None:
    """/readyz is 200 while an order could be stored, and writes nothing."""
    answer = web.client.get("/readyz")
    assert (200, {"status": "ready"}) == (answer.status_code, answer.json)
    assert {} == web.rows()


def test_not_ready(web: Any) -> None:
    """/readyz is 503 while none could; what the database said stands in the log, not in the answer."""
    with web.engine.begin() as connection:
        connection.execute(text("DROP TABLE awaited_clicks"))
        connection.execute(text("DROP TABLE purchases"))
    with capture_logs() as logs:
        answer = web.client.get("/readyz")
    assert (503, "10") == (answer.status_code, answer.headers["Retry-After"])
    assert "the database takes no orders right now" == answer.json["error"]
    assert "purchases" not in answer.text
    assert [("not ready", True)] == [(line["event"], "purchases" in line["problem"]) for line in logs]
