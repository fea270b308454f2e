"""Loading the mappings directory: read, check, resolve, compile; either every file is right or none is used."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapter.environment import VariableUnset, resolve
from adapter.errors import ConfigurationRefused, Problem
from adapter.jsonvalues import is_object
from adapter.purchase.contract import suggestion
from adapter.purchase.decision import ShopRules
from adapter.purchase.mapping import MappingCompiler, PurchaseMapping
from adapter.purchase.rules import Policy
from adapter.shops.files import MappingFile, read_directory
from adapter.shops.form import MappingForm, OrdersTable, check_form
from adapter.shops.shop import SHORTEST_SECRET, Destination, Shop, Shops


def load_shops(directory: Path, environment: Mapping[str, str], platforms: Collection[str], api_url: str) -> Shops:
    """Load every mapping file of the directory; raise `ConfigurationRefused` with every problem of every file."""
    files, problems = read_directory(directory)
    loaders = [_Loader(file, environment, platforms, api_url) for file in files]
    shops = {loader.file.name: shop for loader in loaders if (shop := loader.load()) is not None}
    problems += [problem for loader in loaders for problem in loader.problems]
    problems += _colliding_ids(list(shops.values()))
    if problems:
        raise ConfigurationRefused(problems)
    return Shops(shops)


def _colliding_ids(shops: list[Shop]) -> Iterator[Problem]:
    """Two WooCommerce shops both have an order 1001: on one pixel the second would be taken for the first."""
    seen: dict[tuple[str, str], Shop] = {}
    for shop in shops:
        if not (shop.is_on and shop.platform == "woocommerce" and shop.destination):
            continue
        expression = _dedupe_expression(shop.rules.mapping)
        other = seen.setdefault((shop.destination.pixel_id, expression), shop)
        if other is not shop:
            message = f"{other.label} sends the same ids to the same pixel: equal order numbers would count once"
            hint = f"put a prefix before one of them, like join('-', ['{shop.name}', to_string(order.id)])"
            yield Problem(shop.label, "event.dedupe_id", message, hint)


def _dedupe_expression(mapping: PurchaseMapping) -> str:
    return next(leaf.expression.text for leaf in mapping.leaves["event"] if leaf.name == "dedupe_id")


class _Loader:
    """Turns one file into a shop, collecting problems."""

    def __init__(
        self, file: MappingFile, environment: Mapping[str, str], platforms: Collection[str], api_url: str
    ) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._environment = environment
        self._platforms = platforms
        self._api_url = api_url
        self._notices: list[str] = []

    def load(self) -> Shop | None:
        """Return the shop, or None when its problems leave none."""
        form, self.problems = check_form(self.file.document, self.file.origins)
        compiler = MappingCompiler(self.file.origins, form.tables if form else _tables(self.file.document))
        mapping = compiler.compile(self.file.document)
        self.problems += compiler.problems
        if form is None:
            return None
        self._check_platform(form.platform)
        secrets, off = self._secrets(form)
        site_url = self._site_url(form.site_url, off)
        shop = Shop(
            name=self.file.name,
            label=self.file.label,
            platform=form.platform,
            rules=self._rules(form, site_url, mapping),
            secrets=secrets,
            off=off,
            destination=self._destination(form),
            origins=self._origins(form, off),
            cookie_domain=form.storefront.cookie_domain,
            notices=tuple(self._notices),
        )
        return None if self.problems else shop

    def _problem(self, path: str, message: str, hint: str = "") -> None:
        where = self.file.origins.get(path, self.file.label)
        self.problems.append(Problem(where, path, message, hint))

    def _check_platform(self, platform: str) -> None:
        if platform not in self._platforms:
            hint = suggestion(platform, sorted(self._platforms)) or f"known: {', '.join(sorted(self._platforms))}"
            self._problem("platform", f'unknown platform "{platform}"', hint)

    def _secrets(self, form: MappingForm) -> tuple[tuple[str, ...], str | None]:
        """Return the signing secrets, or why there are none: then the shop is off."""
        given = form.webhook_secret if isinstance(form.webhook_secret, list) else [form.webhook_secret]
        secrets: list[str] = []
        unset: list[str] = []
        for text in given:
            try:
                secrets.append(resolve(text, self._environment))
            except VariableUnset as nothing:
                unset.append(str(nothing))
        if not any(secrets):
            return (), f"it has no webhook secret: {'; '.join(unset) or 'webhook_secret is empty'}"
        if any(len(secret) < SHORTEST_SECRET for secret in secrets):
            return (), f"its webhook secret is shorter than {SHORTEST_SECRET} characters"
        for reason in unset:
            self._problem("webhook_secret", reason, "set it, or take it out of the list")
        return tuple(secrets), None

    def _site_url(self, text: str, off: str | None) -> str:
        try:
            url = resolve(text, self._environment)
        except VariableUnset as reason:
            if off is None:
                self._problem("site_url", str(reason), "it is the shop's address: https://shop.example")
            return ""
        if not _is_site(url):
            self._problem("site_url", f"{url!r} is no address of a shop", "like https://shop.example")
        elif url.startswith("http://") and off is None:
            self._notices.append(f"site_url {url} is http: buyers' data would travel in clear")
        return url

    def _destination(self, form: MappingForm) -> Destination | None:
        try:
            pixel_id = resolve(form.axon.pixel_id, self._environment)
            api_key = resolve(form.axon.api_key, self._environment)
        except VariableUnset as reason:
            self._notices.append(f"no event is sent yet: {reason}; orders are taken and wait")
            return None
        if not pixel_id or not api_key:
            self._notices.append("no event is sent yet: [axon] has no pixel_id or no api_key; orders wait")
            return None
        return Destination(self._api_url, pixel_id, api_key, form.axon.envelope)

    def _origins(self, form: MappingForm, off: str | None) -> tuple[str, ...]:
        origins: list[str] = []
        for text in form.storefront.origins:
            try:
                origin = resolve(text, self._environment).rstrip("/")
            except VariableUnset as reason:
                if off is None:
                    self._problem("storefront.origins", str(reason), "an origin is like https://shop.example")
                continue
            if not _is_site(origin) or urlsplit(origin).path:
                self._problem("storefront.origins", f"{origin!r} is no origin", "like https://shop.example")
            origins.append(origin)
        return tuple(origins)

    def _rules(self, form: MappingForm, site_url: str, mapping: PurchaseMapping) -> ShopRules:
        return ShopRules(
            name=self.file.name,
            platform=form.platform,
            site_url=site_url,
            policy=_policy(form.orders, consent_required=form.consent.required),
            mapping=mapping,
        )


def _policy(orders: OrdersTable, *, consent_required: bool) -> Policy:
    return Policy(
        count=orders.count,
        side=orders.currency,
        skip=frozenset(orders.skip),
        max_age=timedelta(days=orders.max_age_days),
        hold=timedelta(seconds=orders.hold_seconds),
        consent_required=consent_required,
    )


def _is_site(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)


def _tables(document: Mapping[str, Any]) -> Mapping[str, Any]:
    tables = document.get("tables")
    return tables if is_object(tables) else {}
