"""Turns threads, locks and sockets into gevent's, where they wait for each other without a thread of the system each.

Imported by the web process alone, as the first thing of all: what was imported before keeps the plain ones
(https://www.gevent.org/api/gevent.monkey.html). The worker and the commands stay as Python made them.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()
