"""What the fields of an event mean, in words: for the editor that completes a mapping file, and for whoever reads it.

Where each field is said to be required, and what its values may be, stands in the contract alone.
"""

from __future__ import annotations

from collections.abc import Mapping

EVENT: Mapping[str, str] = {
    "dedupe_id": "Names the purchase: of all events with the same one, from here or from the pixel, Axon counts one",
    "event_time": "When the order was placed; becomes milliseconds since 1970",
    "event_source_url": "The complete address of the page where it happened, without any key to the order",
}
USER_DATA: Mapping[str, str] = {
    "alart": "The click identifier alart, from the address of the landing page",
    "aleid": "The click identifier aleid, from the address of the landing page or the cookie _axeid",
    "axwrt": "The visitor identifier that the Axon pixel keeps in its cookie",
    "client_id": "An identifier of the visitor that the shop itself keeps over visits",
    "client_ip_address": "The IP address of the buyer's browser; IPv4 matches better than IPv6",
    "client_user_agent": "The user agent of the buyer's browser",
    "country_code": "The billing country",
    "email": "The buyer's e-mail address, as it is or its SHA-256",
    "esi": "Where it happened: on a website or in an app",
    "idfv": "The device's identifier for the vendor of an app",
    "ifa": "The device's advertising identifier",
    "os": "The operating system",
    "phone": "The buyer's phone number with its country code, as it is or its SHA-256",
    "sid": "The session's identifier",
    "user_id": "The shop's own identifier of the customer",
    "zip": "The billing zip code; in the United States only its first five digits",
}
DATA: Mapping[str, str] = {
    "currency": "The ISO 4217 code of every amount",
    "shipping": "What was paid for shipping; 0 when nothing",
    "tax": "The tax; 0 when there is none",
    "transaction_id": "The order's identifier",
    "user_id": "The shop's own identifier of the customer",
    "value": "The sum of price × quantity over the items, without tax and shipping",
}
ITEM: Mapping[str, str] = {
    "affiliation": "The store or partner that sold it",
    "discount": "What was taken off the price of one piece",
    "image_url": "The complete address of a picture",
    "item_brand": "The brand",
    "item_category": "The shop's own category",
    "item_category2": "The shop's own category, one level below",
    "item_category_id": "The number of the category in Google's product taxonomy, like 187 for shoes",
    "item_id": "The product; must equal what the pixel sends for view_item and what the catalogue says",
    "item_name": "The product's name",
    "item_variant_id": "The variant of the product",
    "price": "The price of one piece after discounts",
    "quantity": "How many",
}
PARTNER: Mapping[str, str] = {
    "accounting_mode": "In which accounting mode the credit was given",
    "attribution_lookback_window_hours": "How many hours before the purchase a touch may lie",
    "attribution_model": "By which model the credit was given",
    "attribution_share": "The share of the credit that AppLovin got, from 0 to 1",
    "campaign_id": "AppLovin's campaign",
    "creative_set_id": "AppLovin's creative set",
    "first_purchase_ts": "When the customer bought for the first time",
    "first_visit_ts": "When the customer came for the first time",
    "is_claimable": "Whether AppLovin led to the purchase",
    "is_new_customer": "Whether the customer is new (Axon's page words it the other way round: bought before)",
    "is_new_visitor": "Whether the visitor is new (worded like is_new_customer)",
    "last_purchase_ts": "When the customer bought last",
    "last_visit_ts": "When the customer came last",
}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "event": EVENT,
    "event.user_data": USER_DATA,
    "event.data": DATA,
    "event.data.items": ITEM,
    "event.measurement_partner_data": PARTNER,
}
"""By the tables of a mapping file, as the contract has them."""

TABLES: Mapping[str, str] = {
    "event": "The event that Axon receives; every leaf is an expression",
    "event.user_data": "Who bought",
    "event.data": "What was bought, for how much",
    "event.data.items": "One item: evaluated for each line of the order",
    "event.measurement_partner_data": "What a measurement partner says about the credit: sent whole or not at all",
}
