"""The files for hosts: valid by the hosts' own documentation, and saying the same as the Procfile and the settings.

The schemas beside this file are ours, written from the pages that they name: Render's own isn't in any package index.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from configparser import ConfigParser
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from adapter import settings
from adapter.alerts import channels

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
APP = json.loads((ROOT / "app.json").read_text("utf-8"))
RENDER = yaml.safe_load((ROOT / "render.yaml").read_text("utf-8"))
FLY = tomllib.loads((DEPLOY / "fly.toml").read_text("utf-8"))
RAILWAY = json.loads((DEPLOY / "railway.json").read_text("utf-8"))
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text("utf-8").splitlines())
READERS = "".join(Path(module.__file__).read_text("utf-8") for module in (settings, channels))
SETTINGS = set(re.findall(r'self\._(?:text|whole|boolean)\("([A-Z_]+)"', READERS))


def named_by_mappings() -> set[str]:
    """Return the variables that the shipped mapping files name."""
    texts = (path.read_text("utf-8") for path in (ROOT / "mappings").glob("*.toml"))
    return {name for text in texts for name in re.findall(r'= "\$([A-Z_]+)"', text)}


def variables(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a service's variables by name."""
    return {variable["key"]: variable for variable in service["envVars"]}


def validate(document: object, host: str) -> None:
    """Raise when the document isn't what the host documents."""
    schema = json.loads((Path(__file__).parent / f"{host}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)


WEB, WORKER = RENDER["services"]


def test_render_is_valid() -> None:
    """render.yaml keeps to the Blueprint's fields."""
    validate(RENDER, "render")


def test_heroku_is_valid() -> None:
    """app.json keeps to the manifest's fields."""
    validate(APP, "heroku")


def misspell(document: Any) -> None:
    """Write a field as nobody knows it."""
    document["services"][0]["healthcheckPath"] = document["services"][0].pop("healthCheckPath")


def say_twice(document: Any) -> None:
    """Give a variable two values."""
    document["services"][0]["envVars"][1]["value"] = "x"


def number(document: Any) -> None:
    """Write a number where Render wants a text."""
    variables(document["services"][0])["TRUSTED_PROXIES"]["value"] = 3


def check_a_worker(document: Any) -> None:
    """Give the worker a health check, which it can't have."""
    document["services"][1]["healthCheckPath"] = "/healthz"


@pytest.mark.parametrize("break_it", [misspell, say_twice, number, check_a_worker])
def test_the_schema_finds_mistakes(break_it: Callable[[Any], None]) -> None:
    """The schema isn't one that takes everything."""
    broken = deepcopy(RENDER)
    break_it(broken)
    with pytest.raises(jsonschema.ValidationError):
        validate(broken, "render")


@pytest.mark.parametrize(
    "names",
    [set(APP["env"]), set(variables(WEB)), set(variables(WORKER)), set(FLY["env"])],
    ids=["app.json", "render.yaml web", "render.yaml worker", "fly.toml"],
)
def test_every_variable_is_one(names: set[str]) -> None:
    """What the files name is read by the settings, or named by a shipped mapping file."""
    assert set() == names - SETTINGS - named_by_mappings()


@pytest.mark.parametrize(
    "names",
    [set(APP["env"]), set(variables(WEB)), set(variables(WORKER))],
    ids=["app.json", "render.yaml web", "render.yaml worker"],
)
def test_what_the_mappings_need_is_offered(names: set[str]) -> None:
    """Each variable of the shipped mapping files is asked for, with the secret."""
    assert {"SHOPIFY_WEBHOOK_SECRET", "WOOCOMMERCE_SITE_URL", "AXON_API_KEY"} <= named_by_mappings()
    assert named_by_mappings() | {"SECRET_KEY"} <= names


@pytest.mark.parametrize(
    "names",
    [set(APP["env"]), set(variables(WEB)), set(variables(WORKER))],
    ids=["app.json", "render.yaml web", "render.yaml worker"],
)
def test_alerts_are_offered(names: set[str]) -> None:
    """Every process watches, and whichever sees a cause first tells it: each has the channels."""
    assert {"ALERT_WEBHOOK_URL", "ALERT_WEBHOOK_SECRET", "ALERT_EMAIL_TO", "SMTP_URL"} <= names


def test_the_operators_ways_in_are_offered() -> None:
    """The console and the monitoring are asked for where web processes run, and every variable says what it is for."""
    for names in (set(APP["env"]), set(variables(WEB))):
        assert {"CONSOLE_PASSWORD", "STATUS_TOKEN"} <= names
    assert all(len(variable["description"]) > 20 for variable in APP["env"].values())


def test_secrets() -> None:
    """The one secret is generated, no file holds one, and Render's worker has what the web service has."""
    assert {"generator": "secret"}.items() <= APP["env"]["SECRET_KEY"].items()
    assert variables(WEB)["SECRET_KEY"] == {"key": "SECRET_KEY", "generateValue": True}
    for name, variable in variables(WORKER).items():
        if name != "DATABASE_URL":
            assert {"type": "web", "name": WEB["name"], "envVarKey": name} == variable["fromService"]
            assert name in variables(WEB)


def test_databases() -> None:
    """PostgreSQL is attached, and both of Render's services use it."""
    assert ["heroku-postgresql"] == [addon["plan"].partition(":")[0] for addon in APP["addons"]]
    (database,) = RENDER["databases"]
    expected = {"name": database["name"], "property": "connectionString"}
    assert [expected, expected] == [variables(service)["DATABASE_URL"]["fromDatabase"] for service in (WEB, WORKER)]


def test_proxies() -> None:
    """The number of proxies is what the settings know of each host."""
    hosts = {host.name: str(host.proxies) for host in settings._HOSTS.values()}
    found = {
        "Heroku": APP["env"]["TRUSTED_PROXIES"]["value"],
        "Render": variables(WEB)["TRUSTED_PROXIES"]["value"],
        "Fly": FLY["env"]["TRUSTED_PROXIES"],
    }
    assert found.items() <= hosts.items()


def test_commands() -> None:
    """What runs on a host is what the Procfile says."""
    assert {"web", "worker", "release"} == set(PROCFILE)
    assert set(APP["formation"]) == set(FLY["processes"]) == {"web", "worker"}
    assert (PROCFILE["web"], PROCFILE["worker"]) == (FLY["processes"]["web"], FLY["processes"]["worker"])
    assert PROCFILE["release"] == FLY["deploy"]["release_command"] == WEB["preDeployCommand"]
    assert (PROCFILE["web"], PROCFILE["worker"]) == (WEB["startCommand"], WORKER["startCommand"])
    assert [PROCFILE["release"]] == RAILWAY["deploy"]["preDeployCommand"]
    # It splits commands without a shell; this one migrates once more, and is the Procfile's without its quotes.
    assert "adapter serve" == RAILWAY["deploy"]["startCommand"]


def test_health_checks() -> None:
    """Hosts ask /healthz, which no wrong key and no full quarantine turns red."""
    (check,) = FLY["http_service"]["checks"]
    assert {"/healthz"} == {WEB["healthCheckPath"], RAILWAY["deploy"]["healthcheckPath"], check["path"]}


def test_nobody_sleeps_and_everybody_may_finish() -> None:
    """No plan and no setting puts the service to sleep; what is in hand has the 25 seconds that gunicorn gives it."""
    assert ("off", 1) == (FLY["http_service"]["auto_stop_machines"], FLY["http_service"]["min_machines_running"])
    assert "free" not in {service["plan"] for service in RENDER["services"]}
    assert "eco" not in {process["size"] for process in APP["formation"].values()}
    waits = [FLY["kill_timeout"], RAILWAY["deploy"]["drainingSeconds"]]
    waits += [service["maxShutdownDelaySeconds"] for service in RENDER["services"]]
    assert all(seconds > 25 for seconds in waits)


def test_the_hook() -> None:
    """Heroku runs the hook, and Render's build names it."""
    assert os.access(ROOT / "bin" / "post_compile", os.X_OK)
    assert all(service["buildCommand"].endswith("&& bin/post_compile") for service in RENDER["services"])


# The Dockerfile.


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their arguments."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def last_stage() -> list[tuple[str, str]]:
    """Return the instructions of the image that runs."""
    found = instructions()
    start = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def test_the_image_runs_as_nobody_special() -> None:
    """Slim, of the version that .python-version names; not root when the command runs; SQLite lies in the volume."""
    stage = last_stage()
    version = (ROOT / ".python-version").read_text("utf-8").strip()
    assert {f"python:{version}-slim"} == {rest.split()[0] for name, rest in instructions() if name == "FROM"}
    names = [name for name, _ in stage]
    assert names.index("USER") < names.index("CMD")
    assert int(dict(stage)["USER"]) > 0  # A number, which Kubernetes can tell from root.
    assert f"--uid {dict(stage)['USER']} " in dict(stage)["RUN"]
    assert "/data" == dict(stage)["VOLUME"]
    assert "DATABASE_URL=sqlite:////data/adapter.db" in dict(stage)["ENV"]


def test_the_image_serves() -> None:
    """It starts `adapter serve`, which migrates first; the port of its health check is the settings' own."""
    stage = dict(last_stage())
    assert ["adapter", "serve"] == json.loads(stage["CMD"])
    assert str(settings.load_settings({}).port) == stage["EXPOSE"]
    probe = json.loads(stage["HEALTHCHECK"].partition("CMD ")[2])
    assert ["python", "-c"] == probe[:2]
    assert "/healthz" in probe[2]
    compile(probe[2], "health check", "exec")


def test_what_the_image_copies() -> None:
    """Everything that is copied is there, and is let through by the ignore file, which keeps all else out."""
    copied = {
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_railway_builds_it() -> None:
    """Railway uses the same image."""
    assert ("DOCKERFILE", "deploy/Dockerfile") == (RAILWAY["build"]["builder"], RAILWAY["build"]["dockerfilePath"])


# The systemd unit.


def unit() -> ConfigParser:
    """Return the unit's sections."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # Names keep their case.
    parser.read(DEPLOY / "order-adapter.service", "utf-8")
    return parser


def test_the_unit() -> None:
    """It serves from a state folder of its own, not as root, and gives what is in hand its time."""
    service = unit()["Service"]
    assert service["ExecStart"].endswith("/bin/adapter serve")
    assert service["Environment"] == f"DATABASE_URL=sqlite:////var/lib/{service['StateDirectory']}/adapter.db"
    assert service["User"] not in ("", "root")
    assert int(service["TimeoutStopSec"]) > 25


ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="this machine has no systemd")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """The check of systemd itself finds nothing in it, once its program is there; and little is exposed."""
    text = (DEPLOY / "order-adapter.service").read_text("utf-8")
    path = tmp_path / "order-adapter.service"
    path.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", text), "utf-8")
    checked = subprocess.run([str(ANALYZE), "verify", str(path)], capture_output=True, text=True, check=False)
    assert (0, "") == (checked.returncode, checked.stderr)
    command = [str(ANALYZE), "security", "--offline=true", "--threshold=20", str(path)]
    assert 0 == subprocess.run(command, capture_output=True, check=False).returncode
