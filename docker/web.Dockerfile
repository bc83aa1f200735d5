# The web server. Build from the root: docker build -f docker/web.Dockerfile -t offpolicy-lab-web .
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LAB_VAR=/data OMP_NUM_THREADS=1

RUN groupadd --gid 1000 lab && useradd --uid 1000 --gid lab --no-create-home --home-dir /app lab \
    && mkdir /data && chown lab:lab /data

WORKDIR /app
COPY requirements.txt requirements.lock ./
RUN pip install --requirement requirements.txt --constraint requirements.lock

COPY manage.py ./
COPY algorithms algorithms
COPY templates templates
COPY webapp webapp
COPY workers workers
# Nobody may write here later: without this, every process compiles them anew.
RUN python -m compileall -q algorithms webapp workers

USER lab
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/', headers={'Host': 'localhost'}), timeout=4)"]
CMD ["uvicorn", "webapp.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "off", "--proxy-headers", "--timeout-graceful-shutdown", "5"]
