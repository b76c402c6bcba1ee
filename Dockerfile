# Two targets: `service` (the default, without TensorFlow) and `training`.
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
# heic, jxl, raw, redis, otel, separated by commas
ARG EXTRAS=
COPY deploy/requirements/extra-*.txt /tmp/
RUN for extra in $(echo "${EXTRAS}" | tr ',' ' '); do \
      python3 -m pip --python /opt/venv/bin/python install --no-cache-dir \
        --disable-pip-version-check --require-hashes --only-binary :all: \
        -r "/tmp/extra-${extra}.txt" || exit 1; \
    done

FROM base AS training-packages
COPY deploy/requirements/training.txt /tmp/requirements.txt
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir \
      --disable-pip-version-check --require-hashes --only-binary :all: -r /tmp/requirements.txt

# Compile bytecode at build time: the root file system may be read-only at run time.
FROM base AS service-code
COPY service service
RUN python3 -m compileall -q service

FROM service-code AS training-code
COPY training training
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
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]

FROM base AS service
LABEL org.opencontainers.image.title="autoencoder-service" \
      org.opencontainers.image.description="Serves autoencoders over HTTP with FastAPI and ONNX Runtime" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/venv/bin:$PATH \
    SERVICE_LOG_FORMAT=json \
    XDG_STATE_HOME=/var/lib
COPY --from=service-packages /opt/venv /opt/venv
COPY --from=service-code /app /app
COPY models models
# Jobs are stored there; a named volume keeps them beyond the container.
RUN install -d -m 700 -o 10001 -g 10001 /var/lib/autoencoder-service
VOLUME /var/lib/autoencoder-service
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["python", "-m", "service", "serve", "--host", "0.0.0.0", "--port", "8000"]
