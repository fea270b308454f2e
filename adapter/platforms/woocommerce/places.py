"""Where a WooCommerce order says what our cleaned names say and what each rule looked at: for explanations alone.

Source of the fields: woocommerce.github.io/woocommerce-rest-api-docs/#order-properties.
"""

from __future__ import annotations

from adapter.purchase.whence import Places


def _meta(*keys: str) -> tuple[str, ...]:
    return tuple(f"attribute(order, '{key}')" for key in keys)


PLACES: Places = {
    "purchase.id": ("order.id",),
    "purchase.placed_at": ("order.date_created_gmt", "order.date_paid_gmt"),
    "purchase.currency": ("order.currency",),
    "purchase.tax": ("order.total_tax",),
    "purchase.shipping": ("order.shipping_total",),
    "purchase.total": ("order.total",),
    "purchase.email": ("order.billing.email",),
    "purchase.email_plain": ("order.billing.email",),
    "purchase.phone": ("order.billing.phone", "order.shipping.phone"),
    "purchase.phone_plain": ("order.billing.phone", "order.shipping.phone"),
    "purchase.user_id": ("order.customer_id",),
    "purchase.customer_id": ("order.customer_id",),
    "purchase.zip": ("order.billing.postcode",),
    "purchase.country_code": ("order.billing.country", "order.shipping.country"),
    "purchase.ip": ("order.customer_ip_address",),
    "purchase.user_agent": ("order.customer_user_agent",),
    "item.id": ("line.product_id", "line.sku", "line.name"),
    "item.variant_id": ("line.variation_id",),
    "item.title": ("line.name",),
    "item.quantity": ("line.quantity",),
    "prices_include_tax": ("order.prices_include_tax",),
    # What each rule looks at.
    "cancelled": ("order.status",),
    "unpaid": ("order.status", "order.date_paid_gmt"),
    "test": (
        "order.payment_method",
        *_meta("_wcpay_mode", "_ppcp_paypal_payment_mode", "_mollie_payment_mode"),
    ),
    "pos": ("order.created_via",),
    "draft": ("order.status",),
    "renewal": ("order.created_via", *_meta("_subscription_renewal")),
    "b2b": _meta("b2bking_is_b2b_order", "_wwpp_order_type", "_wwpp_wholesale_order_type", "wwp_wholesale_role"),
    "imported": ("order.created_via", "order.date_created_gmt", "order.date_paid_gmt"),
    "sub_order": ("order.parent_id", "order.created_via"),
    "too_old": ("order.date_paid_gmt", "order.date_created_gmt"),
}
