# One image in two sizes. `web` serves, migrates and keeps the beat; `worker` also carries what reads documents and judges moods.

FROM python:3.11-slim-trixie AS python
ENV PATH=/opt/venv/bin:$PATH

FROM python AS web-packages
RUN python -m venv --without-pip /opt/venv
COPY requirements/web.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv install --no-deps --require-hashes --requirement /requirements/web.txt

FROM web-packages AS worker-packages
COPY requirements/worker.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv install --no-deps --require-hashes --requirement /requirements/worker.txt

# DATA_DIR is the one place that beat (its schedule) and `open_demo` (its credentials) write to; web and worker write nothing but /tmp.
FROM python AS program
ENV DATA_DIR=/data HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1
# onnxruntime reports to its makers unless told not to.
ENV ORT_DISABLE_TELEMETRY=1
RUN groupadd --gid 10001 app \
    && useradd --uid 10001 --gid app --no-create-home --shell /usr/sbin/nologin app \
    && install --directory --owner app --group app /data
WORKDIR /app
COPY manage.py ./
COPY apps apps/
COPY chatwithus chatwithus/
COPY consumers consumers/
COPY demo demo/
COPY deploy/health.py deploy/
COPY frontend/dist frontend/dist/
RUN python -m compileall -q .
USER 10001:10001

FROM program AS worker
COPY --from=worker-packages /opt/venv /opt/venv
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --start-interval=5s CMD ["python", "-m", "deploy.health", "worker"]
CMD ["celery", "-A", "chatwithus", "worker", "--hostname", "worker@%h", "--queues", "celery", \
     "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--concurrency", "1", "--max-memory-per-child", "700000"]

FROM program AS web
COPY --from=web-packages /opt/venv /opt/venv
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s --start-interval=2s CMD ["python", "-m", "deploy.health", "web"]
CMD ["python", "-m", "chatwithus.serve"]
