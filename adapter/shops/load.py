"""Loading the mappings directory: read, check, resolve, compile; either every file is right or none is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path

from adapter.environment import VariableUnset, resolve
from adapter.errors import ConfigurationRefused, Problem
from adapter.purchase.contract import suggestion
from adapter.purchase.decision import ShopRules
from adapter.purchase.mapping import MappingCompiler, PurchaseMapping
from adapter.purchase.rules import Policy
from adapter.shops.addresses import domain_of, is_plain_http, is_site, origin_of_site
from adapter.shops.conflicts import conflicts
from adapter.shops.files import MappingFile, origin_of, read_directory
from adapter.shops.form import MappingForm, OrdersTable, check_form
from adapter.shops.shop import SHORTEST_SECRET, Destination, Shop, Shops


def load_shops(directory: Path, environment: Mapping[str, str], platforms: Collection[str], api_url: str) -> Shops:
    """Load every mapping file of the directory; raise `ConfigurationRefused` with every problem of every file."""
    files, problems = read_directory(directory)
    loaders = [_Loader(file, environment, platforms, api_url) for file in files]
    shops = {loader.file.name: shop for loader in loaders if (shop := loader.load()) is not None}
    problems += [problem for loader in loaders for problem in loader.problems]
    problems += conflicts(shops.values())
    if problems:
        raise ConfigurationRefused(dict.fromkeys(problems))  # A mistake in a base is every heir's, and said once.
    return Shops(shops)


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
        self._broken: frozenset[str] = frozenset()

    def load(self) -> Shop | None:
        """Return the shop, or None when its problems leave none."""
        form, self.problems = check_form(self.file.document, self.file.origins)
        self._broken = frozenset(problem.path for problem in self.problems)
        mapping = self._mapping(form)
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
            destination=self._destination(form, off),
            origins=self._origins(form, site_url, off),
            cookie_domain=self._cookie_domain(form.storefront.cookie_domain, off),
            notices=tuple(self._notices),
        )
        return None if self.problems else shop

    def _mapping(self, form: MappingForm) -> PurchaseMapping:
        compiler = MappingCompiler(self.file.origins, form.tables)
        mapping = compiler.compile(self.file.document)
        self.problems += [problem for problem in compiler.problems if not self._is_broken(problem.path)]
        return mapping

    def _problem(self, path: str, message: str, hint: str = "") -> None:
        if not self._is_broken(path):
            self.problems.append(Problem(origin_of(path, self.file.origins), path, message, hint))

    def _is_broken(self, path: str) -> bool:
        """Whether the form has a problem there or above: anything more would only repeat it."""
        return any(f"{path}.".startswith(f"{broken}.") for broken in self._broken)

    def _check_platform(self, platform: str) -> None:
        if platform not in self._platforms:
            hint = suggestion(platform, sorted(self._platforms)) or f"known: {', '.join(sorted(self._platforms))}"
            self._problem("platform", f'unknown platform "{platform}"', hint)

    def _secrets(self, form: MappingForm) -> tuple[tuple[str, ...], str | None]:
        """Return the signing secrets, or why there are none: then the shop is off."""
        secrets: list[str] = []
        unset: list[str] = []
        for text in form.webhook_secret:
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
        if not is_site(url):
            self._problem("site_url", f"{url!r} is no address of a shop", "like https://shop.example")
        elif is_plain_http(url) and off is None:
            self._notices.append(f"site_url {url} is http: buyers' data would travel in clear")
        return url

    def _destination(self, form: MappingForm, off: str | None) -> Destination | None:
        try:
            pixel_id = resolve(form.axon.pixel_id, self._environment)
            api_key = resolve(form.axon.api_key, self._environment)
        except VariableUnset as reason:
            self._waits(str(reason), off)
            return None
        if not pixel_id or not api_key:
            self._waits("[axon] has no pixel_id or no api_key", off)
            return None
        return Destination(self._api_url, pixel_id, api_key, form.axon.envelope)

    def _waits(self, reason: str, off: str | None) -> None:
        if off is None:
            self._notices.append(f"no event is sent yet: {reason}; orders are taken and wait")

    def _origins(self, form: MappingForm, site_url: str, off: str | None) -> tuple[str, ...]:
        """Return who may post clicks: what the file says, else the shop's own origin."""
        if form.storefront.origins is None:
            own = origin_of_site(site_url)
            return (own,) if own else ()
        resolved = [self._origin(text, off) for text in form.storefront.origins]
        return tuple(origin for origin in resolved if origin is not None)

    def _origin(self, text: str, off: str | None) -> str | None:
        try:
            address = resolve(text, self._environment)
        except VariableUnset as reason:
            if off is None:
                self._problem("storefront.origins", str(reason), "an origin is like https://shop.example")
            return None
        origin = origin_of_site(address)
        if origin is None:
            self._problem("storefront.origins", f"{address!r} is no origin", "like https://shop.example")
        return origin

    def _cookie_domain(self, text: str | None, off: str | None) -> str | None:
        if text is None:
            return None
        try:
            domain = domain_of(resolve(text, self._environment))
        except VariableUnset as reason:
            if off is None:
                self._problem("storefront.cookie_domain", str(reason), "it is the shop's domain: shop.example")
            return None
        if domain is None:
            self._problem("storefront.cookie_domain", f"{text!r} is no domain", "like shop.example")
        return domain

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
