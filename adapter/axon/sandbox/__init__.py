"""A local Conversion API that behaves as the API's page says, and misbehaves when it is told to.

It is written from the page alone and shares no rule with our own sender, so that the two can prove each other.
It is a tool for tests, the demo and the reliability campaigns: it listens on 127.0.0.1 only and keeps all it gets.
"""

from adapter.axon.sandbox.misbehaviour import MisbehaviourRefused
from adapter.axon.sandbox.reading import event_sha256
from adapter.axon.sandbox.running import Sandbox, SandboxNotRunning, serve

__all__ = ["MisbehaviourRefused", "Sandbox", "SandboxNotRunning", "event_sha256", "serve"]
