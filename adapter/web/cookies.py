"""Cookies of the shop's own domain, which keep a click's identifiers for a year; Safari cuts a script's to seven days.

The API's page recommends that the server sets `_axeid` (the aleid) and mirrors the pixel's `_axwrt` as `axwrt`, both
for a year. The pixel reads them, so they aren't HttpOnly. What is set is what was posted just now, and the answer
depends on nothing that is stored: it tells nobody what another one's key holds. So where consent is required each post
has to say that it was given; an earlier post's word under the same key sets no cookie.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

from adapter.shops.shop import Shop

COOKIES: Mapping[str, str] = {
    "aleid": "_axeid",
    "axwrt": "axwrt",
    "alart": "alart",
    "client_id": "order_adapter_id",
    "consent": "order_adapter_consent",
}
"""By what is posted the name of its cookie. Axon's own begin with `_ax` or `ax`, so ours don't.

That of the consent holds "granted" or isn't there: it tells the WooCommerce plugin what a banner told the script."""

ONE_YEAR = 365 * 24 * 60 * 60
"""Seconds; browsers keep none for more than 400 days."""


def may_set(shop: Shop, host: str, origin: str | None) -> bool:
    """Whether the answer to a page of the shop, asking under this host, can set cookies for the shop's domain."""
    domain = shop.cookie_domain
    name = host.partition(":")[0].lower().rstrip(".")
    return domain is not None and origin in shop.origins and (name == domain or name.endswith(f".{domain}"))


def set_cookies(response: Response, shop: Shop, posted: Mapping[str, str]) -> None:
    """Set what was posted; delete all after a refusal; set nothing without the consent that the shop requires."""
    consent = posted.get("consent")
    if consent == "denied":
        for cookie in COOKIES.values():
            _set(response, shop, cookie, "", 0)
    elif consent == "granted" or not shop.rules.policy.consent_required:
        for name, cookie in COOKIES.items():
            if name in posted:
                _set(response, shop, cookie, posted[name], ONE_YEAR)


def _set(response: Response, shop: Shop, cookie: str, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie,
        value,
        max_age=seconds,
        expires=0 if seconds == 0 else None,  # Else it is worked out from the seconds.
        domain=shop.cookie_domain,
        secure=True,
        samesite="Lax",
    )
