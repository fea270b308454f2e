"""Alerts to a webhook: `{"text": …}`, as Slack, Mattermost, Discord (its /slack address) and others take it.

With a secret the body is signed: X-Order-Adapter-Signature is "sha256=" and the HMAC-SHA256 in hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import hmac
import json

import requests
from urllib3.exceptions import HTTPError

from adapter.alerts.channels import Hook
from adapter.alerts.message import Message
from adapter.axon.transport import PunctualSession, ending_within

SECONDS = 10.0
"""What a try may take, whatever comes."""

SIGNATURE_HEADER = "X-Order-Adapter-Signature"

_FIRST_REFUSAL = 300


class NotTold(Exception):
    """A channel didn't take a message; the words say why, and hold no address, since that is a secret."""


def post(hook: Hook, message: Message, seconds: float = SECONDS) -> None:
    """Post a message; raise `NotTold`."""
    body = json.dumps({"text": message.text}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "order-adapter"}
    if hook.secret is not None:
        headers[SIGNATURE_HEADER] = f"sha256={hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()}"
    try:
        with (
            ending_within(seconds),
            PunctualSession(1) as session,
            session.post(
                hook.url, data=body, headers=headers, timeout=seconds, allow_redirects=False, stream=True
            ) as answer,
        ):
            status = answer.status_code
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise NotTold(f"the webhook wasn't reached ({type(error).__name__})") from None
    if not 200 <= status < _FIRST_REFUSAL:  # noqa: PLR2004  # A status class.
        raise NotTold(f"the webhook answered {status}")
