"""Signatures were computed with `openssl dgst -sha256 -hmac SECRET -binary BODY | base64`, never by the adapter."""

from __future__ import annotations

import pytest

from adapter.errors import SignatureRefused
from adapter.platforms.shopify import SHOPIFY
from adapter.platforms.webhook import Ignored, WebhookRequest

BODY = '{"id":5839102746581,"note":"Grüße ☕","price":"19.90"}'.encode()
PAGE_SECRET = "7f3b2c9d1e8a4f60b5c7d9e2a1f4068395ab7c1d2e3f405162738495a6b7c8d9"
PAGE_SIGNATURE = "00o+9DBKtA9XoMnkaD07se8zQyad596jqygUnIvtgys="
PAGE_SIGNATURE_HEX = "d34a3ef4304ab40f57a0c9e4683d3bb1ef3343269de7dea3ab28149c8bed832b"
APP_SECRET = "shpss_5d2f1c7be90a4368"
APP_SIGNATURE = "Mro11ASAYPPsTJA4OPswTx0TKYqEY8AC8mEYAFHAItg="
APP_SIGNATURE_OF_NOTHING = "QAm2Pitjt28tgGidc3n0T86tqWRGUxROxJsbKElBV70="
EMPTY_SECRET_SIGNATURE = "KMZ2Png5dJVryCySEarmLS93MEfp+/Fqp38bQtKWRaU="

HEADER = "x-shopify-hmac-sha256"
BARE_HEADER = "shopify-hmac-sha256"


def request(headers: dict[str, str], body: bytes = BODY) -> WebhookRequest:
    """Build a delivery as it came in."""
    return WebhookRequest(headers, body)


@pytest.mark.parametrize(
    ("secret", "signature"), [(PAGE_SECRET, PAGE_SIGNATURE), (APP_SECRET, APP_SIGNATURE)], ids=["page", "app"]
)
def test_the_key_is_the_secret_as_it_is_written(secret: str, signature: str) -> None:
    """A secret of 64 hex digits and one with a prefix are both used as literal text."""
    SHOPIFY.verify(request({HEADER: signature}), [secret])


def test_an_empty_body_can_be_signed() -> None:
    """No body is a body of no bytes."""
    SHOPIFY.verify(request({HEADER: APP_SIGNATURE_OF_NOTHING}, b""), [APP_SECRET])


@pytest.mark.parametrize("secrets", [[PAGE_SECRET, APP_SECRET], [APP_SECRET, PAGE_SECRET]])
def test_one_of_several_secrets_is_enough(secrets: list[str]) -> None:
    """While a secret rotates, the old and the new one both count, in any order."""
    SHOPIFY.verify(request({HEADER: APP_SIGNATURE}), secrets)


@pytest.mark.parametrize(
    "headers",
    [
        {BARE_HEADER: PAGE_SIGNATURE},
        {HEADER: "", BARE_HEADER: PAGE_SIGNATURE},
        {HEADER: PAGE_SIGNATURE, BARE_HEADER: "wrong"},
        {HEADER: "wrong", BARE_HEADER: PAGE_SIGNATURE},
    ],
)
def test_the_header_without_prefix_counts_too(headers: dict[str, str]) -> None:
    """Either header family may carry the matching signature."""
    SHOPIFY.verify(request(headers), [PAGE_SECRET])


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {"x-wc-webhook-signature": PAGE_SIGNATURE}])
def test_a_missing_header_is_named(headers: dict[str, str]) -> None:
    """The message names the header, and the hint where a signed delivery comes from."""
    with pytest.raises(SignatureRefused) as refused:
        SHOPIFY.verify(request(headers), [PAGE_SECRET])
    assert str(refused.value) == "the header X-Shopify-Hmac-Sha256 is missing"
    assert "Send test notification" in refused.value.hint


@pytest.mark.parametrize(
    "signature",
    [
        PAGE_SIGNATURE_HEX,
        PAGE_SIGNATURE[:-1],
        PAGE_SIGNATURE + "\n",
        " " + PAGE_SIGNATURE,
        PAGE_SIGNATURE.replace("+", "-"),
        PAGE_SIGNATURE.lower(),
        f"{PAGE_SIGNATURE}, {PAGE_SIGNATURE}",
        "=",
        "☕" * 44,
        "\x00" * 44,
        "\ud800" * 44,
        "\udcff",
        "ß",
        "A" * 1_000_000,
    ],
    ids=range(14),
)
def test_anything_but_the_exact_signature_is_refused(signature: str) -> None:
    """However odd the header, it is refused, and nothing else happens."""
    with pytest.raises(SignatureRefused):
        SHOPIFY.verify(request({HEADER: signature}), [PAGE_SECRET, APP_SECRET])


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b'"id":5', b'"id": 5'), BODY[:-1], b""])
def test_every_byte_of_the_body_is_signed(body: bytes) -> None:
    """A body that was written anew, with other blanks, doesn't match."""
    with pytest.raises(SignatureRefused):
        SHOPIFY.verify(request({HEADER: PAGE_SIGNATURE}, body), [PAGE_SECRET])


@pytest.mark.parametrize("secrets", [[], [""], ["", PAGE_SECRET]])
def test_an_empty_secret_signs_nothing(secrets: list[str]) -> None:
    """The signature made with the empty secret is refused, though HMAC would allow it."""
    with pytest.raises(SignatureRefused):
        SHOPIFY.verify(request({HEADER: EMPTY_SECRET_SIGNATURE}), secrets)


def test_the_hint_tells_where_the_secret_is_and_never_the_signature() -> None:
    """A wrong secret is the usual mistake, so the way to the right one is in the hint."""
    with pytest.raises(SignatureRefused) as refused:
        SHOPIFY.verify(request({HEADER: APP_SIGNATURE}), [PAGE_SECRET])
    assert "Settings › Notifications › Webhooks" in refused.value.hint
    assert "client secret" in refused.value.hint
    said = f"{refused.value} {refused.value.hint}"
    assert not [secret for secret in (PAGE_SIGNATURE, APP_SIGNATURE, PAGE_SECRET) if secret in said]


def test_shopify_never_pings() -> None:
    """An unsigned ping is WooCommerce's; Shopify signs everything."""
    assert SHOPIFY.is_ping(request({})) is False
    assert SHOPIFY.is_ping(request({"x-shopify-topic": "ping"}, b"webhook_id=1")) is False


def test_the_platform_says_its_name_and_where_its_secret_is() -> None:
    """The registry and `adapter check` use both."""
    assert SHOPIFY.name == "shopify"
    assert "Your webhooks will be signed with" in SHOPIFY.secret_is_found_at


def test_a_probe() -> None:
    """A probe is signed with its secret alone, and is ignored: it leaves no row."""
    probe = SHOPIFY.probe("shpss_4f8a1c0e9b7d2a63")
    SHOPIFY.verify(probe, ["shpss_4f8a1c0e9b7d2a63"])
    with pytest.raises(SignatureRefused):
        SHOPIFY.verify(probe, ["shpss_another_secret_0001"])
    assert isinstance(SHOPIFY.glance(probe.body), Ignored)
