#!/bin/sh
# Writes requirements.lock: the exact version of everything in .venv, without local version tags (torch's "+cpu").
# NVIDIA's libraries are left out: torch pins its own, and a machine without a GPU has none.
set -eu
new=requirements.lock.new
{
    printf '%s\n' '# Exact versions of everything below requirements*.txt, written by `make lock`: a constraints file, not a list to install.'
    .venv/bin/python -m pip freeze --exclude-editable --disable-pip-version-check |
        grep -v -i -E '^(nvidia-|cuda-|triton==)| @ |^-e |^#' |
        sed -E 's/\+[A-Za-z0-9.]+$//'
} >$new
mv $new requirements.lock
printf 'requirements.lock: %s versions.\n' "$(grep -c '==' requirements.lock)"
