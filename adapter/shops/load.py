"""Loading the mappings directory: read, check, resolve, compile; either every file is right or none is used."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapter.environment import VariableUnset, resolve
from adapter.errors import ConfigurationRefused, Problem, place_of
from adapter.purchase.contract import suggestion
from adapter.purchase.decision import ShopRules
from adapter.purchase.mapping import Known, MappingCompiler, PurchaseMapping
from adapter.purchase.rules import Policy
from adapter.shops.addresses import domain_of, is_plain_http, is_site, origin_of_site, without_password
from adapter.shops.conflicts import conflicts
from adapter.shops.files import FileRefused, MappingFile, read_directory, read_file
from adapter.shops.form import MappingForm, OrdersTable, check_form, without_removed
from adapter.shops.shop import SHORTEST_SECRET, Destination, Shop, Shops

_CREDENTIAL = re.compile("[!-~]([ -~]*[!-~])?")
"""What a header can carry: printable ASCII without blanks around it."""


def load_shops(directory: Path, environment: Mapping[str, str], platforms: Collection[str], api_url: str) -> Shops:
    """Load every mapping file of the directory; raise `ConfigurationRefused` with every problem of every file."""
    files, problems = read_directory(directory)
    known: Known = {}
    loaders = [_Loader(file, environment, platforms, api_url, known) for file in files]
    shops = {loader.file.name: shop for loader in loaders if (shop := loader.load()) is not None}
    problems += [problem for loader in loaders for problem in sorted(loader.problems, key=_from_the_top)]
    problems += conflicts(shops.values())
    if problems:
        raise ConfigurationRefused(dict.fromkeys(problems))  # A mistake in a base is every heir's, and said once.
    return Shops(shops)


def _from_the_top(problem: Problem) -> tuple[str, int]:
    return problem.where, problem.line


def load_file(path: Path, environment: Mapping[str, str], platforms: Collection[str]) -> Shop:
    """Load one mapping file with its bases, only to look at what it makes of orders: the shop is off.

    No secret is read, and variables that aren't set don't matter; without its site's address `UNSET_SITE` stands for
    it. Raise `ConfigurationRefused` with every problem.
    """
    try:
        loader = _Onlooker(read_file(path), environment, platforms, "", {})
    except FileRefused as refused:
        raise ConfigurationRefused([refused.problem]) from None
    shop = loader.load()
    if shop is None:
        raise ConfigurationRefused(sorted(loader.problems, key=_from_the_top))
    return shop


UNSET_SITE = "https://site-url-not-set.example"


class _Loader:
    """Turns one file into a shop, collecting problems."""

    def __init__(
        self,
        file: MappingFile,
        environment: Mapping[str, str],
        platforms: Collection[str],
        api_url: str,
        known: Known,
    ) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._environment = environment
        self._platforms = platforms
        self._api_url = api_url
        self._known = known
        self._notices: list[str] = []
        self._broken: frozenset[str] = frozenset()

    def load(self) -> Shop | None:
        """Return the shop, or None when its problems leave none."""
        document = without_removed(self.file.document)
        form, self.problems = check_form(document, self.file.origins)
        self._broken = frozenset(problem.path for problem in self.problems)
        mapping = self._mapping(document, form)
        self._check_platform(form.platform)
        secrets, off = self._secrets(form.webhook_secret)
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

    def _mapping(self, document: Mapping[str, Any], form: MappingForm) -> PurchaseMapping:
        compiler = MappingCompiler(self.file.origins, form.tables, self._known)
        mapping = compiler.compile(document)
        self.problems += [problem for problem in compiler.problems if not self._is_broken(problem.path)]
        return mapping

    def _problem(self, path: str, message: str, hint: str = "") -> None:
        if not self._is_broken(path):
            self.problems.append(place_of(path, self.file.origins).problem(path, message, hint))

    def _is_broken(self, path: str) -> bool:
        """Whether the form has a problem there or above: anything more would only repeat it."""
        return any(f"{path}.".startswith(f"{broken}.") for broken in self._broken)

    def _check_platform(self, platform: str) -> None:
        if platform not in self._platforms:
            hint = suggestion(platform, sorted(self._platforms)) or f"known: {', '.join(sorted(self._platforms))}"
            self._problem("platform", f'unknown platform "{platform}"', hint)

    def _secrets(self, texts: list[str]) -> tuple[tuple[str, ...], str | None]:
        """Return the signing secrets, or why there are none: then the shop is off."""
        secrets: dict[str, str] = {}
        unset: list[str] = []
        for text in texts:
            try:
                secrets[text] = resolve(text, self._environment)
            except VariableUnset as nothing:
                unset.append(str(nothing))
        if not any(secrets.values()):
            return (), f"it has no webhook secret: {'; '.join(unset) or 'webhook_secret is empty'}"
        for text, secret in secrets.items():
            if len(secret) < SHORTEST_SECRET:
                name = f" {text}" if text.startswith("$") else ""
                return (), f"its webhook secret{name} is shorter than {SHORTEST_SECRET} characters"
        for reason in unset:
            self._problem("webhook_secret", reason, "set it, or take it out of the list")
        return tuple(secrets.values()), None

    def _site_url(self, text: str, off: str | None) -> str:
        url = self._resolved("site_url", text, off, "set it to the shop's address, like https://shop.example")
        if url is None:
            return ""
        if not is_site(url):
            hint = "like https://shop.example, without a password and a query"
            self._problem("site_url", f"{without_password(url)!r} is no address of a shop", hint)
        elif is_plain_http(url) and off is None:
            self._notices.append(f"site_url {url} is http: buyers' data travels in clear there; use https")
        return url

    def _origins(self, form: MappingForm, site_url: str, off: str | None) -> tuple[str, ...]:
        """Return who may post clicks: what the file says, else the shop's own origin."""
        if form.storefront.origins is None:
            own = origin_of_site(site_url)
            return (own,) if own else ()
        resolved = [self._origin(text, off) for text in form.storefront.origins]
        return tuple(origin for origin in resolved if origin is not None)

    def _origin(self, text: str, off: str | None) -> str | None:
        address = self._resolved("storefront.origins", text, off, "set it to an origin, like https://shop.example")
        if address is None:
            return None
        origin = origin_of_site(address)
        if origin is None:
            message = f"{without_password(address)!r} is no origin"
            self._problem("storefront.origins", message, "an origin is like https://shop.example")
        return origin

    def _cookie_domain(self, text: str | None, off: str | None) -> str | None:
        hint = "set it to the shop's domain, like shop.example"
        given = None if text is None else self._resolved("storefront.cookie_domain", text, off, hint)
        if given is None:
            return None
        domain = domain_of(given)
        if domain is None:
            hint = "like shop.example, without https:// and without a path"
            self._problem("storefront.cookie_domain", f"{given!r} is no domain", hint)
        return domain

    def _resolved(self, path: str, text: str, off: str | None, hint: str) -> str | None:
        """Return the text or its variable's value; None when that is unset: no problem of a shop that is off."""
        try:
            return resolve(text, self._environment)
        except VariableUnset as reason:
            if off is None:
                self._problem(path, str(reason), hint)
            return None

    def _destination(self, form: MappingForm, off: str | None) -> Destination | None:
        missing: list[str] = []
        pixel_id = self._credential("pixel_id", form.axon.pixel_id, missing)
        api_key = self._credential("api_key", form.axon.api_key, missing)
        if not missing:
            return Destination(self._api_url, pixel_id, api_key, form.axon.envelope)
        if off is None:
            self._notices.append(f"no event is sent yet: {'; '.join(missing)}; orders are taken and wait")
        return None

    def _credential(self, name: str, text: str, missing: list[str]) -> str:
        try:
            value = resolve(text, self._environment)
        except VariableUnset as reason:
            missing.append(str(reason))
            return ""
        if not value:
            missing.append(f"[axon] has no {name}")
        elif not _CREDENTIAL.fullmatch(value):
            missing.append(f"{name} has characters that no request can carry (a blank at its end, a line break?)")
        return value

    def _rules(self, form: MappingForm, site_url: str, mapping: PurchaseMapping) -> ShopRules:
        return ShopRules(
            name=self.file.name,
            platform=form.platform,
            site_url=site_url,
            policy=_policy(form.orders, consent_required=form.consent.required),
            mapping=mapping,
        )


class _Onlooker(_Loader):
    """Turns one file into a shop that takes nothing in and sends nothing."""

    def _secrets(self, texts: list[str]) -> tuple[tuple[str, ...], str | None]:
        del texts
        return (), "its file is only looked at"

    def _site_url(self, text: str, off: str | None) -> str:
        return super()._site_url(text, off) or UNSET_SITE

    def _destination(self, form: MappingForm, off: str | None) -> Destination | None:
        del form, off
        return None


def _policy(orders: OrdersTable, *, consent_required: bool) -> Policy:
    return Policy(
        count=orders.count,
        side=orders.currency,
        skip=frozenset(orders.skip),
        max_age=timedelta(days=orders.max_age_days),
        hold=timedelta(seconds=orders.hold_seconds),
        consent_required=consent_required,
    )
