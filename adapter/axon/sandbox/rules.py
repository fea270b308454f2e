"""The documented rules for one event: what makes the API drop the batch.

Source: the Conversion API page (https://support.axon.ai/en/growth/promoting-your-websites/api/axon-conversion-api)
and Events and objects (…/axon-pixel-integration/events-and-objects). Where the two tables and their examples disagree
the tables win: the example's os "macos" is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapter.axon.sandbox.kinds import (
    Field,
    Violation,
    any_object,
    boolean,
    complete_url,
    epoch_milliseconds,
    filled_list,
    filled_text,
    integer,
    ip_address,
    is_list,
    is_object,
    number,
    number_or_null,
    one_of,
    positive_number,
    share,
    spelled,
    text,
    violations,
)

# Events and objects names thirteen events; the Conversion API page adds app_open.
_NAMES = (
    "page_view",
    "view_item",
    "view_cart",
    "add_to_cart",
    "remove_from_cart",
    "begin_checkout",
    "add_payment_info",
    "purchase",
    "generate_lead",
    "login",
    "sign_up",
    "search",
    "subscribe",
    "app_open",
)
_WITHOUT_DATA = ("page_view", "app_open")
"""Events whose `data` may be null or absent: there is no data object to pass for them."""

IDENTIFIERS = ("client_id", "axwrt", "alart", "user_id", "email", "phone")
"""At least one of these is required; `aleid` isn't among them on the page."""

_user_id = spelled(r"(?s).{6,}", "must be a string of at least 6 characters")
_country_code = spelled(r"[A-Za-z]{2}", "must be two letters (ISO 3166)")
_currency = spelled(r"[A-Z]{3}", "must be three capital letters (ISO 4217)")

_EVENT = (
    Field("name", one_of(*_NAMES), required=True),
    Field("event_time", epoch_milliseconds, required=True),
    Field("event_source_url", complete_url, required=True),
    Field("user_data", any_object, required=True),
    Field("measurement_partner_data", any_object),
    Field("dedupe_id", filled_text),
)
_USER_DATA = (
    Field("client_ip_address", ip_address, required=True),
    Field("client_user_agent", filled_text, required=True),
    Field("esi", one_of("web", "app"), required=True),
    Field("aleid", text),
    Field("client_id", text),
    Field("axwrt", text),
    Field("alart", text),
    Field("user_id", _user_id),
    Field("email", text),
    Field("phone", text),
    Field("country_code", _country_code),
    Field("ifa", text),
    Field("idfv", text),
    Field("os", one_of("ios", "android", "desktop_os")),
    Field("sid", text),
    Field("zip", text),
)
_ATTRIBUTION_MODELS = (
    "LAST_CLICK",
    "FIRST_CLICK",
    "LINEAR",
    "TIME_DECAY",
    "CUSTOM_MULTI_TOUCH",
    "LAST_NON_DIRECT_TOUCH",
    "CLICKS_AND_VIEWS_ENHANCED",
    "ANY_CLICK",
)
_MEASUREMENT = (
    Field("accounting_mode", one_of("CASH", "ACCRUAL"), required=True),
    # "Required" and "leave empty for infinite" stand in one row: the key must be there, and may be null.
    Field("attribution_lookback_window_hours", number_or_null, required=True),
    Field("attribution_model", one_of(*_ATTRIBUTION_MODELS), required=True),
    Field("attribution_share", share, required=True),
    Field("is_claimable", boolean, required=True),
    Field("campaign_id", text),
    Field("creative_set_id", text),
    Field("is_new_customer", boolean),
    Field("is_new_visitor", boolean),
    # The page's own example sends null for a time that isn't known.
    Field("first_purchase_ts", number_or_null),
    Field("first_visit_ts", number_or_null),
    Field("last_purchase_ts", number_or_null),
    Field("last_visit_ts", number_or_null),
)
# Older versions of Events and objects recommend shipping and tax, newer ones require them: the stricter reading here.
_PURCHASE = (
    Field("currency", _currency, required=True),
    Field("value", number, required=True),
    Field("shipping", number, required=True),
    Field("tax", number, required=True),
    Field("transaction_id", filled_text, required=True),
    Field("items", filled_list, required=True),
    Field("user_id", _user_id),
)
_ITEM = (
    Field("item_id", filled_text, required=True),
    Field("quantity", positive_number, required=True),
    Field("price", number),
    Field("discount", number),
    Field("item_category_id", integer),
    Field("item_variant_id", text),
    Field("item_name", text),
    Field("item_brand", text),
    Field("item_category", text),
    Field("item_category2", text),
    Field("affiliation", text),
    Field("image_url", text),
)


def event_violations(event: object) -> Iterator[Violation]:
    """Yield every documented rule that this event breaks, with the path of the value; nothing when it is valid."""
    if not is_object(event):
        yield Violation("", "must be an object")
        return
    yield from violations(event, "", _EVENT)
    yield from _user_data_violations(event.get("user_data"))
    partner_data = event.get("measurement_partner_data")
    if is_object(partner_data):
        yield from violations(partner_data, "measurement_partner_data.", _MEASUREMENT)
    yield from _data_violations(event)


def _user_data_violations(user_data: object) -> Iterator[Violation]:
    if not is_object(user_data):
        return
    yield from violations(user_data, "user_data.", _USER_DATA)
    if all(filled_text(user_data.get(name)) for name in IDENTIFIERS):
        yield Violation("user_data", f"must have at least one of {', '.join(IDENTIFIERS)}")


def _data_violations(event: Mapping[str, object]) -> Iterator[Violation]:
    name, content = event.get("name"), event.get("data")
    if content is None and name in _WITHOUT_DATA:
        return
    if "data" not in event:
        yield Violation("data", "is required and missing")
    elif not is_object(content):
        yield Violation("data", "must be an object")
    elif name == "purchase":
        yield from _purchase_violations(content)


def _purchase_violations(purchase: Mapping[str, object]) -> Iterator[Violation]:
    yield from violations(purchase, "data.", _PURCHASE)
    items = purchase.get("items")
    for place, item in enumerate(items if is_list(items) else []):
        path = f"data.items[{place}]"
        if is_object(item):
            yield from violations(item, f"{path}.", _ITEM)
        else:
            yield Violation(path, "must be an object")
