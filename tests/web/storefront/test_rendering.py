"""The templates filled in: every value a literal of its language, nothing that a policy or an old browser refuses."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapter.shops.shop import Shop
from adapter.web.storefront import rendering

ADDRESS = "https://adapter.shop.example"
COOKIE_DOMAIN = '[storefront]\ncookie_domain = "shop.example"\n'


def settings_in(script: str) -> dict[str, Any]:
    """Return the settings at the end of the script."""
    (text,) = re.findall(r"\}\)\(window, document, (\{.*\})\);\n", script)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
@pytest.mark.parametrize("required", [True, False])
def test_the_script(make_shop: Callable[..., Shop], platform: str, *, required: bool) -> None:
    """The script knows its shop, its consent policy and its cookies, and no address: it finds that by its own."""
    tables = f"[consent]\nrequired = {str(required).lower()}\n{COOKIE_DOMAIN}"
    script = rendering.script(make_shop(platform, tables))
    expected = {
        "shop": "acme",
        "required": required,
        "domain": "shop.example",
        "cookies": {
            "aleid": "_axeid",
            "axwrt": "axwrt",
            "alart": "alart",
            "client_id": "order_adapter_id",
            "consent": "order_adapter_consent",
        },
    }
    assert expected == settings_in(script)
    assert "http" not in script.replace('"https:"', "")


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_the_size_of_the_script(make_shop: Callable[..., Shop], platform: str) -> None:
    """Packed it has at most 4 kB."""
    assert len(gzip.compress(rendering.script(make_shop(platform, COOKIE_DOMAIN)).encode())) <= 4096


FORBIDDEN = {
    "code made of text": r"\beval\b|\bFunction\s*\(|set(Timeout|Interval)\s*\(\s*[\"']|HTML|document\.write",
    "newer than old Safari": (
        r"=>|`|\b(let|const|class|async|await|import|export)\b|\?\.|\?\?|\.\.\.|\bPromise\b|URLSearchParams"
    ),
    "what others would see": r"console\.|\balert\b|debugger|localStorage",
    "a slot": r"__[A-Z]+__",
    "a comment": r"(?m)^\s*//",
}


def without_texts(script: str) -> str:
    """Return the script without the content of its texts."""
    return re.sub(r'"[^"\n]*"|\'[^\'\n]*\'', '""', script)


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
@pytest.mark.parametrize("pattern", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_the_script_must_not_have(make_shop: Callable[..., Shop], platform: str, pattern: str) -> None:
    """It makes no code of text, runs in old browsers, and leaves no trace but its own."""
    assert [] == [found[0] for found in re.finditer(pattern, without_texts(rendering.script(make_shop(platform))))]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("x = () => 1", "newer than old Safari"),
        ("new Function('a')", "code made of text"),
        ("a?.b", "newer than old Safari"),
    ],
)
def test_that_it_would_be_found(code: str, kind: str) -> None:
    """The patterns find what they are for."""
    assert re.search(FORBIDDEN[kind], without_texts(code))


NASTY = "a'b\"c\\d</script><!--&?>$x{$y}\n\u2028\u2029__SHOP__ü"


def test_javascript_literals() -> None:
    """A value can end neither a script element nor a line, and reads back as it was."""
    text = rendering.javascript({"nasty": NASTY, "yes": True})
    assert not re.search(r"[<>&\n\u2028\u2029]", text)
    assert {"nasty": NASTY, "yes": True} == json.loads(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "'a'"), (True, "true"), (False, "false"), ("a'b", r"'a\'b'"), ("a\\", r"'a\\'"), ("\\'", r"'\\\''")],
)
def test_php_literals(value: str | bool, expected: str) -> None:
    """Text stands in single quotes, where PHP knows these two escapes alone."""
    assert expected == rendering.php(value)


@pytest.mark.processes
@pytest.mark.debian
def test_php_reads_them_back() -> None:
    """PHP reads every value as it was."""
    php = shutil.which("php") or pytest.fail("php is missing: run `apt-get install php-cli`")
    code = f"echo json_encode({rendering.php(NASTY)});"
    ran = subprocess.run([php, "-n", "-r", code], capture_output=True, check=True, timeout=20)
    assert NASTY == json.loads(ran.stdout)


def test_slots_in_values(make_shop: Callable[..., Shop]) -> None:
    """A value that looks like a slot isn't filled in."""
    plugin = rendering.plugin(make_shop("woocommerce"), "https://__DOMAIN__.example")
    assert "const SCRIPT   = 'https://__DOMAIN__.example/storefront/acme.js';" in plugin


def test_the_pixel(make_shop: Callable[..., Shop]) -> None:
    """The pixel posts to the shop's own address."""
    pixel = rendering.pixel(make_shop("shopify", "[consent]\nrequired = true\n"), ADDRESS)
    assert 'const CLICKS = "https://adapter.shop.example/clicks/acme";\n' in pixel
    assert "if (!consent && true)" in pixel
    assert 'credentials: "omit"' in pixel  # The service refuses a sandboxed frame that brings cookies.
    assert not re.search(FORBIDDEN["a slot"], pixel)


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ("", ["const REQUIRED = false;", "const DOMAIN   = '';", "const COUNT    = 'paid';", "= array( '', '' );"]),
        (
            f'{COOKIE_DOMAIN}[consent]\nrequired = true\n[orders]\ncount = "placed"\n',
            ["const REQUIRED = true;", "const DOMAIN   = 'shop.example';", "const COUNT    = 'placed';"],
        ),
        ('[event]\ndedupe_id = "order.number"\n', ["const DEDUPE = null;"]),
        ("[event]\ndedupe_id = \"join('', ['acme_', purchase.id])\"\n", ["const DEDUPE = array( 'acme_', '' );"]),
    ],
)  # fmt: skip
def test_the_plugin(make_shop: Callable[..., Shop], tables: str, expected: list[str]) -> None:
    """The plugin knows what of the mapping it must do alike."""
    plugin = rendering.plugin(make_shop("woocommerce", tables), ADDRESS)
    assert [] == [line for line in expected if line not in plugin]
    assert "const SCRIPT   = 'https://adapter.shop.example/storefront/acme.js';" in plugin
    assert not re.search(FORBIDDEN["a slot"], plugin)


@pytest.mark.processes
@pytest.mark.debian
def test_php_takes_the_plugin(make_shop: Callable[..., Shop], tmp_path: Path) -> None:
    """PHP finds nothing wrong with the file; outside of WordPress it does nothing."""
    php = shutil.which("php") or pytest.fail("php is missing: run `apt-get install php-cli`")
    file = tmp_path / "plugin.php"
    file.write_text(rendering.plugin(make_shop("woocommerce"), ADDRESS))
    for arguments in (["-l"], []):
        ran = subprocess.run(
            [php, "-n", *arguments, str(file)], capture_output=True, text=True, check=False, timeout=20
        )
        assert (0, "") == (ran.returncode, ran.stderr)
    assert "" == ran.stdout


def test_which_meta_keys_the_mapping_reads(make_shop: Callable[..., Shop]) -> None:
    """The plugin's and the script's keys are those that the shipped mapping files look for first."""
    for platform, text in (
        ("woocommerce", rendering.plugin(make_shop("woocommerce"), ADDRESS)),
        ("shopify", rendering.script(make_shop("shopify"))),
    ):
        clicks = make_shop(platform).rules.mapping.clicks
        for name in ("aleid", "alart", "axwrt", "client_id"):
            (key,) = re.findall(r"attribute\(order, '(\w+)'\)", clicks[name][0].text)
            assert key in text
