# A worker. Build from the root: docker build -f docker/worker.Dockerfile -t offpolicy-lab-worker .
# For GPUs: --build-arg REQUIREMENTS=requirements-gpu.txt; the host needs NVIDIA's container toolkit and a driver
# (the CUDA libraries come with torch from pip).
FROM python:3.11-slim-bookworm

ARG REQUIREMENTS=requirements.txt

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LAB_VAR=/data LAB_WORKER_LABELS=cpu HF_HOME=/data/huggingface

# tini collects the processes of jobs that lost their parent; a compiler is what vLLM's kernels are built with.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini $(case "$REQUIREMENTS" in *gpu*) echo gcc libc6-dev;; esac) \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 lab && useradd --uid 1000 --gid lab --no-create-home --home-dir /app lab \
    && mkdir /data && chown lab:lab /data

WORKDIR /app
COPY requirements.txt requirements-gpu.txt requirements.lock ./
# vLLM brings its own versions of what requirements.lock holds for the CPU.
RUN if [ "$REQUIREMENTS" = requirements.txt ]; then \
        pip install --requirement requirements.txt --constraint requirements.lock; \
    else \
        pip install --requirement requirements.txt --requirement "$REQUIREMENTS"; \
    fi

COPY manage.py ./
COPY algorithms algorithms
COPY templates templates
COPY webapp webapp
COPY workers workers
# Nobody may write here later: without this, every process compiles them anew.
RUN python -m compileall -q algorithms webapp workers
COPY docker/worker.sh docker/healthy.py docker/

USER lab
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=20s --start-period=90s --retries=3 \
    CMD ["python", "docker/healthy.py"]
ENTRYPOINT ["tini", "--", "docker/worker.sh"]
