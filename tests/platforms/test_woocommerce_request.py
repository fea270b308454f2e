"""Verification of WooCommerce's requests: real deliveries, odd headers, odd secrets, the ping."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import SignatureRefused
from adapter.platforms.webhook import Ignored, WebhookRequest
from adapter.platforms.woocommerce import WOOCOMMERCE
from adapter.platforms.woocommerce.request import decode_entities

LIVE = Path(__file__).parents[1] / "samples" / "woocommerce-live"
PINGS = ("01-ping-order-created", "02-ping-order-updated")
SIGNED = sorted(folder.name for folder in LIVE.iterdir() if folder.is_dir() and folder.name not in PINGS)
ENTITY_SECRET = next(name for name in SIGNED if name.startswith("56-"))


def facts_of(folder: str) -> dict[str, Any]:
    """Return what was noted when the delivery was captured."""
    facts: dict[str, Any] = json.loads((LIVE / folder / "headers.json").read_text())
    return facts


def request_of(folder: str) -> WebhookRequest:
    """Return the captured delivery as the web process hands it on."""
    headers = {name.lower(): value for name, value in facts_of(folder)["headers"]}
    return WebhookRequest(headers, (LIVE / folder / "body.bin").read_bytes())


def signed(body: bytes, key: str) -> WebhookRequest:
    """Return a delivery signed with this key, whatever secret the shop shows."""
    signature = base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
    return WebhookRequest({"x-wc-webhook-signature": signature}, body)


def test_there_are_live_deliveries() -> None:
    """The parametrised tests below run over 28 captured deliveries."""
    assert len(SIGNED) == 28


@pytest.mark.parametrize("folder", SIGNED)
def test_live_delivery_verifies_with_the_secret_of_its_shop(folder: str) -> None:
    """Every captured delivery is accepted with the secret as the shop stores it, among others."""
    WOOCOMMERCE.verify(request_of(folder), ["", "another-secret", facts_of(folder)["secret_stored"]])


@pytest.mark.parametrize("folder", SIGNED)
def test_live_delivery_is_refused_with_one_byte_changed(folder: str) -> None:
    """A captured delivery is refused when one byte of its body differs, wherever it is."""
    request = request_of(folder)
    for place in (0, len(request.body) // 2, len(request.body) - 1):
        changed = bytearray(request.body)
        changed[place] ^= 1
        with pytest.raises(SignatureRefused):
            WOOCOMMERCE.verify(WebhookRequest(request.headers, bytes(changed)), [facts_of(folder)["secret_stored"]])


@pytest.mark.parametrize("which", ["secret_stored", "secret_used_as_hmac_key"])
def test_entity_secret_is_accepted_in_both_forms(which: str) -> None:
    """A secret with HTML entities is accepted as stored and as the shop's page shows it."""
    WOOCOMMERCE.verify(request_of(ENTITY_SECRET), [facts_of(ENTITY_SECRET)[which]])


@pytest.mark.parametrize(
    ("configured", "key"),
    [
        ("tom&jerry", "tom&amp;jerry"),
        ("a<b>\"c\"'d'", "a&lt;b&gt;&quot;c&quot;&#039;d&#039;"),
        (">Zx&|~<x`s&7", ">Zx&|~&lt;x`s&amp;7"),
        ("1<2<b>3", "1&lt;2<b>3"),
    ],
)
def test_old_shop_signs_with_the_encoded_secret(configured: str, key: str) -> None:
    """Before 3.6 a shop signed with the stored form: encoded whole, or only from a lone bracket on."""
    WOOCOMMERCE.verify(signed(b"{}", key), [configured])


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        ("&amp;&lt;&gt;&quot;", '&<>"'),
        ("&#39;&#039;&#0039;&#x27;&#X027;", "'''''"),
        ("&#34;&#034;&#x22;", '"""'),
        ("&#38;&#x26;&#60;&#0062;", "&&<>"),
        ("&amp;lt;", "&lt;"),
        ("&#x3c;&#x3e;", "&#x3c;&#x3e;"),
        ("&AMP;&LT;&apos;&copy;&nbsp;", "&AMP;&LT;&apos;&copy;&nbsp;"),
        ("&amp &lt &#39 &#x27", "&amp &lt &#39 &#x27"),
        ("plain", "plain"),
    ],
)
def test_entities_are_decoded_as_wordpress_does(encoded: str, decoded: str) -> None:
    """wp_specialchars_decode with ENT_QUOTES knows these forms only, once, with their semicolon."""
    assert decoded == decode_entities(encoded)


@pytest.mark.parametrize("headers", [{}, {"x-wc-webhook-signature": ""}, {"x-wc-webhook-signature": " \t"}])
def test_missing_signature_is_named(headers: dict[str, str]) -> None:
    """Without a signature the error names the header that is missing, and says why it may be."""
    with pytest.raises(SignatureRefused, match="the header X-WC-Webhook-Signature is missing") as refused:
        WOOCOMMERCE.verify(WebhookRequest(headers, b"{}"), ["secret"])
    assert "proxy" in refused.value.hint


def test_wrong_secret_is_explained_without_the_expected_value() -> None:
    """The hint says where the secret stands and why it may have changed, and never shows a signature."""
    request = signed(b"{}", "right")
    expected = signed(b"{}", "wrong").headers["x-wc-webhook-signature"]
    with pytest.raises(SignatureRefused) as refused:
        WOOCOMMERCE.verify(request, ["wrong"])
    text = f"{refused.value} {refused.value.hint}"
    assert WOOCOMMERCE.secret_is_found_at in text
    assert "letters and digits only" in text
    assert expected not in text
    assert "wrong" not in text


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_empty_secret_never_matches(secrets: list[str]) -> None:
    """A signature made with an empty key is refused, however often it is configured."""
    with pytest.raises(SignatureRefused):
        WOOCOMMERCE.verify(signed(b"{}", ""), secrets)


@pytest.mark.parametrize("signature", ["é", chr(0xD800), chr(0xDCFF), "\x00", "a" * 100_000, "==", "ﬁ", "😀"])
def test_odd_signature_is_refused_and_nothing_else(signature: str) -> None:
    """A signature that is no base64, no ASCII or not even text is refused like a wrong one."""
    with pytest.raises(SignatureRefused):
        WOOCOMMERCE.verify(WebhookRequest({"x-wc-webhook-signature": signature}, b"{}"), ["secret"])


@given(signature=st.text(), body=st.binary(max_size=50), secret=st.text(alphabet=st.characters(codec="utf-8")))
def test_no_header_raises_anything_else(signature: str, body: bytes, secret: str) -> None:
    """Whatever the header, the body and the secret are, only SignatureRefused is raised."""
    with pytest.raises(SignatureRefused):
        WOOCOMMERCE.verify(WebhookRequest({"x-wc-webhook-signature": signature}, body), [secret])


@pytest.mark.parametrize("folder", PINGS)
def test_live_ping_is_a_ping(folder: str) -> None:
    """The captured set-up pings are recognised."""
    assert WOOCOMMERCE.is_ping(request_of(folder))


@pytest.mark.parametrize("folder", SIGNED)
def test_live_delivery_is_no_ping(folder: str) -> None:
    """No captured delivery is taken for a ping."""
    assert not WOOCOMMERCE.is_ping(request_of(folder))


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"content-type": FORM}, b"webhook_id=7", True),
        ({"content-type": f"{FORM.upper()} ; charset=UTF-8"}, b"webhook_id=7", True),
        ({"content-type": FORM}, b"webhook_id=" + b"9" * 20, True),
        ({"content-type": FORM}, b"webhook_id=" + b"9" * 21, False),
        ({"content-type": FORM}, b"webhook_id=", False),
        ({"content-type": FORM}, b"webhook_id=7\n", False),
        ({"content-type": FORM}, b"webhook_id=7&a=b", False),
        ({"content-type": FORM}, b" webhook_id=7", False),
        ({"content-type": FORM}, "webhook_id=\N{ARABIC-INDIC DIGIT SEVEN}".encode(), False),
        ({"content-type": FORM, "x-wc-webhook-signature": ""}, b"webhook_id=7", False),
        ({"content-type": "application/json"}, b"webhook_id=7", False),
        ({}, b"webhook_id=7", False),
    ],
)
def test_only_the_exact_form_is_a_ping(headers: dict[str, str], body: bytes, expected: bool) -> None:
    """A ping is an unsigned form with the webhook's number and nothing else."""
    assert expected is WOOCOMMERCE.is_ping(WebhookRequest(headers, body))


@pytest.mark.parametrize("secret", ["letters0and1digits", "tom&jerry <3", "tom&amp;jerry &lt;3"])
def test_a_probe(secret: str) -> None:
    """A probe is signed with its secret alone, in whatever form, isn't the ping, and is ignored: it leaves no row."""
    probe = WOOCOMMERCE.probe(secret)
    WOOCOMMERCE.verify(probe, [secret])
    with pytest.raises(SignatureRefused):
        WOOCOMMERCE.verify(probe, ["another0secret1of2tests"])
    assert not WOOCOMMERCE.is_ping(probe)
    assert isinstance(WOOCOMMERCE.glance(probe.body), Ignored)
