#!/bin/sh
# Makes .venv hold what the named requirements files ask for; does nothing when it already does.
# Usage: launcher/install.sh FILE...      PYTHON names the interpreter, else a fitting one is looked for.
set -eu

venv=.venv
unfinished=$venv/.unfinished
need_kib=3000000

say() { printf '%s\n' "$*" >&2; }

fitting() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if command -v "$candidate" >/dev/null 2>&1 && fitting "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    seen=$(${PYTHON:-python3} --version 2>&1) || seen="no Python at all"
    say "Python 3.11 or newer is needed, and this machine offers ${seen:-none}: install it, or name one with PYTHON=/path/to/python3.11."
    exit 1
}

make_venv() {
    if ! "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        say "$1 cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)."
        exit 1
    fi
    free_kib=$(df -Pk . | awk 'NR == 2 { print $4 }')
    if [ "$free_kib" -lt $need_kib ]; then
        say "Installing needs $((need_kib / 1000000)) GB of disk and $PWD has $((free_kib / 1000)) MB free: make room, or clone to another disk."
        exit 1
    fi
    rm -rf "$venv"
    mkdir "$venv"
    : >"$unfinished"
    "$1" -m venv "$venv"
}

stamp=$venv/.installed
for file in "$@"; do
    stamp=$stamp-$(basename "$file" .txt)
done
wanted=$(cat "$@" requirements.lock | cksum)

if [ ! -e "$unfinished" ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && fitting $venv/bin/python; then
    exit 0
fi

started=$(date +%s)
# An install that was cut short can leave half a package that pip takes for a whole one: begin again.
if [ -e "$unfinished" ] || ! fitting $venv/bin/python || ! $venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    say "Making $venv with $("$python" --version)."
    make_venv "$python"
fi

say "Installing $* (the first time this takes some minutes)."
: >"$unfinished"
arguments=
for file in "$@"; do
    arguments="$arguments --requirement $file"
done
# shellcheck disable=SC2086 # the list is meant to be split
# Of some 20,000 modules few are ever imported: Python compiles these then, and installing takes half as long.
if ! $venv/bin/python -m pip install --no-compile --quiet --quiet --disable-pip-version-check --no-input --constraint requirements.lock $arguments; then
    say "pip could not install $*: its own words are above. Run the same command again when that is repaired."
    exit 1
fi
rm "$unfinished"
printf '%s\n' "$wanted" >"$stamp"
say "Installed in $(($(date +%s) - started)) s."
