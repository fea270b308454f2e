"""A small Shopify: pages under a strict policy, carts, and a checkout whose custom pixel lives in a sandboxed frame.

Written from Shopify's documentation: the cart's token is another one at each look until something lies in it, the
order has the token without its `?key=`, and a custom pixel's frame has the origin null and asks its page for cookies.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from html import escape
from typing import Any

from flask import Flask, Response, make_response, request

PAGE = """<!doctype html><html><head><title>A shop</title>{head}</head><body><h1>{title}</h1>
<a id="product" href="/products/fern">Fern</a> <a id="checkout" href="/checkout">Check out</a></body></html>"""

# What the theme and Shopify bring along. customerPrivacy comes when it is asked for, as with a slow network.
SHOP_JS = """
window.errors = [];
window.addEventListener("error", function (event) { window.errors.push(event.message); });
window.Shopify = window.Shopify || {};
window.Shopify.routes = { root: "/" };
window.addToCart = function () {
  return fetch("/cart/add.js", { method: "POST", body: "{}" });
};
"""

CONSENT_JS = """
(function () {
  function cookie() {
    return (/(?:^|; )visitor_consent=(\\w+)/.exec(document.cookie) || [])[1] || "";
  }
  window.Shopify.loadFeatures = function (features, done) {
    setTimeout(function () {
      window.Shopify.customerPrivacy = {
        currentVisitorConsent: function () {
          return { marketing: cookie(), analytics: cookie(), preferences: cookie(), sale_of_data: "" };
        },
        marketingAllowed: function () { return cookie() === "yes"; }
      };
      done();
    }, 50);
  };
  window.answerBanner = function (allowed) {
    document.cookie = "visitor_consent=" + (allowed ? "yes" : "no") + "; path=/";
    document.dispatchEvent(new CustomEvent("visitorConsentCollected", {
      detail: { marketingAllowed: allowed, saleOfDataAllowed: allowed, analyticsAllowed: allowed }
    }));
  };
})();
"""

# The page's half of the pixel's runtime: it answers the frame's questions about cookies.
CHECKOUT_JS = """
window.addEventListener("message", function (event) {
  var found = document.cookie.split("; ").find(function (pair) { return pair.indexOf(event.data.name + "=") === 0; });
  event.source.postMessage({ id: event.data.id, value: found ? found.slice(event.data.name.length + 1) : "" }, "*");
});
"""

FRAME = """<!doctype html><script>
var waiting = {}, subscribers = {};
window.addEventListener("message", function (event) { waiting[event.data.id](event.data.value); });
var browser = { cookie: { get: function (name) {
  return new Promise(function (resolve) {
    var id = String(Math.random());
    waiting[id] = resolve;
    parent.postMessage({ id: id, name: name }, "*");
  });
} } };
var analytics = { subscribe: function (name, work) { subscribers[name] = work; } };
var init = { customerPrivacy: __PRIVACY__ };
var api = { customerPrivacy: { subscribe: function (name, work) { subscribers[name] = work; } } };
</script><script>
__PIXEL__
</script><script>
if (__LATE__) { subscribers.visitorConsentCollected({ customerPrivacy: __LATE__ }); }
subscribers.checkout_completed({ name: "checkout_completed", data: { checkout: __CHECKOUT__ } });
</script>"""


@dataclass
class Cart:
    """One browser's cart."""

    token: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    items: int = 0

    def shown(self) -> dict[str, Any]:
        """Return what /cart.js gives."""
        token = self.token if self.items else secrets.token_hex(16)
        return {"token": token, "attributes": self.attributes, "item_count": self.items, "items": []}


@dataclass
class FakeShopify:
    """The shop. `tag` stands in the head of every page, `pixel` is the custom pixel's code."""

    tag: str = ""
    pixel: str = ""
    policy: str = ""
    has_consent_api: bool = False
    privacy: dict[str, bool] | None = None
    late_privacy: dict[str, bool] | None = None
    has_cart: bool = True
    carts: dict[str, Cart] = field(default_factory=dict)
    updates: list[dict[str, str]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)

    def cart(self) -> Cart:
        """Return the asking browser's cart."""
        return self.carts.setdefault(request.cookies.get("cart", ""), Cart())

    def page(self, title: str, head: str = "", tag: str | None = None) -> Response:
        """Return a page of the theme."""
        consent = '<script src="/consent.js"></script>' if self.has_consent_api else ""
        scripts = f'<script src="/shop.js"></script>{consent}{self.tag if tag is None else tag}{head}'
        answer = make_response(PAGE.format(head=scripts, title=escape(title)))
        if "cart" not in request.cookies:
            answer.set_cookie("cart", secrets.token_hex(8), secure=True)
        if self.policy:
            answer.headers["Content-Security-Policy"] = self.policy
        return answer

    def check_out(self) -> Response:
        """Make an order of the cart and show the thank-you page with the pixel's frame: no script of the theme's."""
        cart = self.cart()
        order = {
            "id": 5839102700000 + len(self.orders),
            "checkout_token": secrets.token_hex(16),
            "cart_token": cart.token.partition("?")[0] if cart.items else None,
            "note_attributes": [{"name": name, "value": value} for name, value in cart.attributes.items()],
        }
        self.orders.append(order)
        frame = (
            '<script src="/checkout.js"></script></head><body><iframe sandbox="allow-scripts" src="/frame"></iframe>'
        )
        return make_response(f"<!doctype html><html><head>{frame}</body></html>")

    def frame(self) -> str:
        """Return the document in the pixel's frame."""
        order = self.orders[-1]
        attributes = [{"key": entry["name"], "value": entry["value"]} for entry in order["note_attributes"]]
        checkout = {"token": order["checkout_token"], "order": {"id": str(order["id"])}, "attributes": attributes}
        page = FRAME.replace("__PRIVACY__", json.dumps(self.privacy)).replace(
            "__LATE__", json.dumps(self.late_privacy)
        )
        return page.replace("__CHECKOUT__", json.dumps(checkout)).replace("__PIXEL__", self.pixel)

    def application(self) -> Flask:
        """Return the shop as a WSGI application."""
        app = Flask("fake_shopify")

        def script(text: str) -> Response:
            return Response(text, content_type="text/javascript")

        def add() -> dict[str, Any]:
            cart = self.cart()
            cart.items += 1
            cart.token = cart.token or f"hWN{secrets.token_urlsafe(12)}?key={secrets.token_hex(8)}"
            return cart.shown()

        def update() -> dict[str, Any]:
            changed: dict[str, str] = request.get_json()["attributes"]
            self.updates.append(changed)
            cart = self.cart()
            cart.attributes = {name: text for name, text in {**cart.attributes, **changed}.items() if text}
            return cart.shown()

        app.add_url_rule("/", "home", lambda: self.page("Home"))
        app.add_url_rule("/products/fern", "product", lambda: self.page("Fern"))
        app.add_url_rule("/cart.js", "cart", lambda: self.cart().shown() if self.has_cart else ("no cart here", 404))
        app.add_url_rule("/cart/add.js", "add", add, methods=["POST"])
        app.add_url_rule("/cart/update.js", "update", update, methods=["POST"])
        app.add_url_rule("/checkout", "checkout", self.check_out)
        app.add_url_rule("/frame", "frame", self.frame)
        app.add_url_rule("/shop.js", "shop_js", lambda: script(SHOP_JS))
        app.add_url_rule("/consent.js", "consent_js", lambda: script(CONSENT_JS))
        app.add_url_rule("/checkout.js", "checkout_js", lambda: script(CHECKOUT_JS))
        app.add_url_rule("/favicon.ico", "icon", lambda: Response(status=204))
        return app
