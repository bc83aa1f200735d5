#!/bin/sh
# Lets Docker Compose, where there is one, read docker/compose.yaml with the example's values. Needs no engine.
set -eu
cd "$(dirname "$0")"
if docker compose version >/dev/null 2>&1; then
    set -- docker compose
elif command -v docker-compose >/dev/null 2>&1; then
    set -- docker-compose
else
    echo "Docker Compose is not installed: docker/compose.yaml was not checked."
    exit 0
fi
"$@" --env-file env.example --profile gpu -f compose.yaml config >/dev/null
echo "docker/compose.yaml: fine ($* $("$@" version --short))."
