"""docker/compose.yaml, read by Docker Compose itself (no engine needed)."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCKER = Path(__file__).resolve().parents[2] / "docker"


def compose() -> list[str]:
    """Return the command of Docker Compose on this machine, or skip."""
    if shutil.which("docker"):
        probe = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if probe.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("Docker Compose is not installed")


def config(env_file: Path) -> subprocess.CompletedProcess[str]:
    options = ["--env-file", str(env_file), "--profile", "gpu", "-f", str(DOCKER / "compose.yaml")]
    return subprocess.run(
        [*compose(), *options, "config"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    result = config(DOCKER / "env.example")
    assert result.returncode == 0, result.stderr
    found = yaml.safe_load(result.stdout)["services"]
    assert isinstance(found, dict)
    return found


def test_compose_accepts_the_file_with_the_example_values(services: dict[str, Any]) -> None:
    expected = {"postgres", "broker", "migrate", "web", "worker", "worker-gpu", "beat"}
    assert set(services) == expected


@pytest.mark.parametrize(
    "name",
    ["POSTGRES_PASSWORD", "BROKER_PASSWORD", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"],
)
def test_a_missing_secret_is_named_and_refused(tmp_path: Path, name: str) -> None:
    lines = (DOCKER / "env.example").read_text().splitlines()
    env_file = tmp_path / "env"
    env_file.write_text("\n".join(line for line in lines if not line.startswith(f"{name}=")))
    result = config(env_file)
    assert result.returncode != 0
    assert name in result.stderr


def test_nothing_but_the_web_server_is_reachable_and_only_from_this_machine(
    services: dict[str, Any],
) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert list(published) == ["web"]
    assert "127.0.0.1" in str(published["web"])


def test_every_container_drops_its_rights(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_no_container_runs_as_root() -> None:
    for path in DOCKER.glob("*.Dockerfile"):
        assert "\nUSER lab\n" in path.read_text(), path.name
    text = (DOCKER / "compose.yaml").read_text()
    assert "user: postgres" in text
    assert "user: valkey" in text


def test_everything_that_stays_up_has_a_health_check(services: dict[str, Any]) -> None:
    checked = {
        path.name for path in DOCKER.glob("*.Dockerfile") if "HEALTHCHECK" in path.read_text()
    }
    for name, service in services.items():
        has_own = bool(service.get("healthcheck", {}).get("test"))
        dockerfile = service.get("build", {}).get("dockerfile", "").removeprefix("docker/")
        assert has_own or dockerfile in checked or name == "migrate", name
