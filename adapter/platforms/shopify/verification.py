"""Whether a delivery was signed with a secret of this shop."""

from __future__ import annotations

from collections.abc import Sequence

from adapter.errors import SignatureRefused
from adapter.platforms.signature import is_signed_by_any, sign
from adapter.platforms.webhook import WebhookRequest

SECRET_IS_FOUND_AT = (
    "Shopify admin: Settings › Notifications › Webhooks, the line under the list: "  # noqa: S105  # Not the secret.
    "“Your webhooks will be signed with …”. The webhooks of an app are signed with the app's client secret instead"
)

# The prefix-less family belongs to "Events" (shopify.dev/docs/apps/build/events/verify-deliveries). Shopify's own
# libraries accept either name, so a shop that moves over keeps working.
_HEADERS = ("x-shopify-hmac-sha256", "shopify-hmac-sha256")


def verify(request: WebhookRequest, secrets: Sequence[str]) -> None:
    """Return when one of the secrets signed the raw body; raise `SignatureRefused` otherwise.

    Source: shopify.dev/docs/apps/build/webhooks/verify-deliveries.
    """
    signatures = [request.headers[name] for name in _HEADERS if request.headers.get(name)]
    if not signatures:
        raise SignatureRefused(
            "the header X-Shopify-Hmac-Sha256 is missing",
            "send the webhook from Shopify (Settings › Notifications › Webhooks › Send test notification), and check"
            " that no proxy in front removes headers; any other sender has to sign the raw body in the same way",
        )
    if not any(_matches(request.body, signature, secrets) for signature in signatures):
        raise SignatureRefused(
            "the signature in X-Shopify-Hmac-Sha256 doesn't belong to this body and secret",
            f"the webhook secret of this shop doesn't match the one that Shopify signs with. {SECRET_IS_FOUND_AT}."
            " If the secret is right, something in front of the adapter changes the body",
        )


def signed(body: bytes, secret: str) -> WebhookRequest:
    """Return the body as Shopify delivers it."""
    return WebhookRequest({"content-type": "application/json", _HEADERS[0]: sign(body, secret).decode()}, body)


def _matches(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    # Base64 is ASCII; anything else can't match, and lone surrogates could not even be encoded. An empty secret would
    # let everyone sign.
    return signature.isascii() and is_signed_by_any(body, signature, [secret for secret in secrets if secret])
