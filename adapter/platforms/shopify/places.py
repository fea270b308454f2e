"""Where a Shopify order says what our cleaned names say, and what each skip rule looked at: for explanations alone.

Source of the fields: shopify.dev/docs/api/admin-rest/latest/resources/order.
"""

from __future__ import annotations

from adapter.purchase.whence import Places


def _money(name: str) -> tuple[str, ...]:
    sides = (f"order.{name}_set.{side}_money.amount" for side in ("presentment", "shop"))
    return (*sides, f"order.{name}")


_EMAILS = ("order.email", "order.contact_email", "order.customer.email")
_PHONES = (
    "order.phone",
    "order.shipping_address.phone",
    "order.billing_address.phone",
    "order.customer.phone",
    "order.customer.default_address.phone",
)

PLACES: Places = {
    "purchase.id": ("order.id",),
    "purchase.placed_at": ("order.processed_at", "order.created_at", "order.updated_at"),
    "purchase.currency": ("order.presentment_currency", "order.currency"),
    "purchase.tax": _money("total_tax"),
    "purchase.shipping": (
        "order.total_shipping_price_set.presentment_money.amount",
        "order.total_shipping_price_set.shop_money.amount",
        "order.shipping_lines[0].price",
    ),
    "purchase.total": _money("total_price"),
    "purchase.email": _EMAILS,
    "purchase.email_plain": _EMAILS,
    "purchase.phone": _PHONES,
    "purchase.phone_plain": _PHONES,
    "purchase.user_id": ("order.customer.id",),
    "purchase.customer_id": ("order.customer.id",),
    "purchase.zip": ("order.billing_address.zip", "order.shipping_address.zip"),
    "purchase.country_code": ("order.billing_address.country_code", "order.shipping_address.country_code"),
    "purchase.ip": ("order.client_details.browser_ip", "order.browser_ip"),
    "purchase.user_agent": ("order.client_details.user_agent",),
    "item.id": ("line.product_id", "line.sku", "line.title", "line.name"),
    "item.variant_id": ("line.variant_id",),
    "item.title": ("line.title", "line.name"),
    "item.quantity": ("line.quantity",),
    "prices_include_tax": ("order.taxes_included",),
    # What each rule looks at.
    "cancelled": ("order.cancelled_at", "order.financial_status"),
    "unpaid": ("order.financial_status",),
    "test": ("order.test",),
    "pos": ("order.source_name",),
    "draft": ("order.source_name", "order.app_id"),
    "renewal": ("order.source_name",),
    "b2b": ("order.company",),
    "imported": ("order.source_name", "order.processed_at", "order.created_at"),
    "sub_order": (),
    "too_old": ("order.processed_at", "order.created_at"),
}
