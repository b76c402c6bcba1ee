# Two targets: `service` (the default, without TensorFlow) and `training`. Nothing here depends on
# the architecture: requirements have hashes of the wheels for x86-64 and for 64-bit Arm.
# Packages and code are built in stages of their own, so that a change of code keeps the layer of
# packages.
FROM python:3.13-slim-trixie AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app

# The pip of the base image installs into the virtual environments, which have none themselves.
FROM base AS service-packages
ARG REQUIREMENTS=service-cpu.txt
COPY deploy/requirements/${REQUIREMENTS} /tmp/requirements.txt
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir \
      --disable-pip-version-check --require-hashes --only-binary :all: -r /tmp/requirements.txt
# heic, jxl, raw, redis, otel, stores, parquet, ray, separated by commas
# The library that writes HEIC reads it, too: it replaces the one that only reads.
ARG EXTRAS=
COPY deploy/requirements/extra-*.txt /tmp/
RUN IFS=', '; for extra in ${EXTRAS}; do \
      python3 -m pip --python /opt/venv/bin/python install --no-cache-dir \
        --disable-pip-version-check --require-hashes --only-binary :all: \
        -r "/tmp/extra-${extra}.txt" || exit 1; \
      if [ "${extra}" = heic ]; then \
        python3 -m pip --python /opt/venv/bin/python uninstall --yes pi-heif-decoder || exit 1; \
      fi; \
    done
COPY deploy/trim.py /tmp/
RUN python3 /tmp/trim.py /opt/venv/lib/python3*/site-packages

FROM base AS training-packages
COPY deploy/requirements/training.txt /tmp/requirements.txt
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir \
      --disable-pip-version-check --require-hashes --only-binary :all: -r /tmp/requirements.txt

# Compile bytecode at build time: the root file system may be read-only at run time. Modes are set,
# as those of a clone that only its owner can read would shut out the image's user.
FROM base AS service-code
COPY --chmod=755 service service
RUN python3 -m compileall -q service

FROM service-code AS training-code
COPY --chmod=755 training training
RUN python3 -m compileall -q training

FROM base AS training
LABEL org.opencontainers.image.title="autoencoder-training" \
      org.opencontainers.image.description="Trains autoencoders with Keras and exports them to ONNX" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# Works for any `--user`, so that the files in mounted folders belong to the caller.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    KERAS_HOME=/tmp/keras \
    MPLCONFIGDIR=/tmp/matplotlib
COPY --from=training-packages /opt/venv /opt/venv
COPY --from=training-code /app /app
RUN mkdir -p runs models docs/figures && chown -R 10001:10001 runs models docs
# The commit that the image is built from.
ARG REVISION=
LABEL org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]

FROM base AS service
LABEL org.opencontainers.image.title="autoencoder-service" \
      org.opencontainers.image.description="Serves autoencoders over HTTP with FastAPI and ONNX Runtime" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/venv/bin:$PATH \
    ORT_DISABLE_TELEMETRY=1 \
    SERVICE_LOG_FORMAT=json \
    XDG_STATE_HOME=/var/lib
COPY --from=service-packages /opt/venv /opt/venv
COPY --from=service-code /app /app
# The base image has no bytecode of Python's standard library: without it, every start and every
# health check would compile what they import.
RUN PYTHONDONTWRITEBYTECODE="" python -c "import service.app, service.server.server, urllib.request"
COPY --chmod=755 models models
# Jobs are stored there; a named volume keeps them beyond the container.
RUN install -d -m 700 -o 10001 -g 10001 /var/lib/autoencoder-service
VOLUME /var/lib/autoencoder-service
ARG REVISION=
LABEL org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["python", "-m", "service", "serve", "--host", "0.0.0.0", "--port", "8000"]
