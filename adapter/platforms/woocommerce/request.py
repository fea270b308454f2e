"""The request around the body: whether a secret of the shop signed it, or it is the set-up ping."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from adapter.errors import SignatureRefused
from adapter.platforms.signature import is_signed_by_any, sign
from adapter.platforms.webhook import WebhookRequest

SECRET_IS_FOUND_AT = "WooCommerce › Settings › Advanced › Webhooks › the webhook › Secret"  # noqa: S105  # A place.

_SIGNATURE = "x-wc-webhook-signature"
_PING_BODY = re.compile(rb"webhook_id=[0-9]{1,20}")

_MISSING_HINT = (
    "WooCommerce signs every delivery but its set-up ping: either this didn't come from a webhook of the shop, "
    "or a proxy or firewall in front of the adapter removes X-WC-* headers"
)
_WRONG_HINT = (
    f"the secret that is set here isn't the one at {SECRET_IS_FOUND_AT}. Type a secret of letters and digits only "
    "into that field, save, and set the same one here: WooCommerce may change a generated secret each time its "
    "page is saved, and each webhook has a secret of its own"
)


def verify(request: WebhookRequest, secrets: Sequence[str]) -> None:
    """Return when one of the secrets, in any form WooCommerce may have signed with, gives the signature.

    Raises `SignatureRefused` in every other case, however odd the headers are. Empty secrets never match.
    """
    signature = request.headers.get(_SIGNATURE, "").strip()
    if not signature:
        raise SignatureRefused("the header X-WC-Webhook-Signature is missing", _MISSING_HINT)
    # Base64 is ASCII; other text is refused here because not all of it can be encoded for the comparison.
    if signature.isascii() and is_signed_by_any(request.body, signature, _signing_keys(secrets)):
        return
    raise SignatureRefused("X-WC-Webhook-Signature isn't the signature of this body", _WRONG_HINT)


def signed(body: bytes, secret: str) -> WebhookRequest:
    """Return the body as WooCommerce delivers it; since 3.6 it signs with the decoded secret."""
    signature = sign(body, decode_entities(secret)).decode()
    return WebhookRequest({"content-type": "application/json", _SIGNATURE: signature}, body)


def is_ping(request: WebhookRequest) -> bool:
    """Whether this is the set-up ping: an unsigned form with the webhook's number and nothing else.

    Source: WC_Webhook::deliver_ping of WooCommerce 11.0.1.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_form = content_type == "application/x-www-form-urlencoded"
    return is_form and _SIGNATURE not in request.headers and _PING_BODY.fullmatch(request.body) is not None


def _signing_keys(secrets: Iterable[str]) -> tuple[str, ...]:
    """Each secret as given, entity-decoded (WooCommerce since 3.6), and entity-encoded (before)."""
    given = [secret for secret in secrets if secret]
    forms = (_as_given, decode_entities, _encode_entities, _encode_lone_brackets)
    return tuple(dict.fromkeys(form(secret) for secret in given for form in forms))


def _as_given(secret: str) -> str:
    return secret


# https://developer.wordpress.org/reference/functions/wp_specialchars_decode/ with ENT_QUOTES: WooCommerce signs with
# the decoded secret. Only these forms count, the semicolon is needed, hexadecimal < and > are not among them, and
# what a replacement yields isn't looked at again. `html.unescape` would decode much more.
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|#0*(?:34|38|39|60|62)|#[xX]0*2[267]);")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}


def decode_entities(text: str) -> str:
    """Decode as WordPress' `wp_specialchars_decode(…, ENT_QUOTES)` does.

    >>> decode_entities("tom&amp;jerry &lt;3 &copy; &amp;lt;")
    'tom&jerry <3 &copy; &lt;'
    """
    return _ENTITY.sub(lambda match: _decode_entity(match[0][1:-1]), text) if "&" in text else text


def _decode_entity(name: str) -> str:
    if name in _NAMED:
        return _NAMED[name]
    digits = name[1:]
    return chr(int(digits[1:], 16) if digits[0] in "xX" else int(digits))


_ENCODED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;"})
_LONE_BRACKET = re.compile(r"<[^<>]*(?=<|\Z)")


# https://github.com/woocommerce/woocommerce/issues/22500 and /21693: shops before 3.6 stored the secret encoded,
# showed it decoded, and signed with what was stored.
def _encode_entities(text: str) -> str:
    return text.translate(_ENCODED)


# https://developer.wordpress.org/reference/functions/wp_pre_kses_less_than/: the form's sanitiser encodes only from
# a "<" that closes nowhere, up to the next one.
def _encode_lone_brackets(text: str) -> str:
    return _LONE_BRACKET.sub(lambda match: match[0].translate(_ENCODED), text)
