# One image for the server, the worker and the migrations: `docker build --tag lacewing .`
# docs/deployment.md tells how it is run, docs/decisions/0014-image.md why it is made so.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# What the lock file names: built anew only when that changes.
FROM ${PYTHON_IMAGE} AS dependencies
# hadolint ignore=DL3008  # only `strip` is taken of it, and nothing of this stage is kept
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/runtime.txt /build/
RUN python3 -m venv --without-pip /opt/lacewing \
    && python3 -m pip --python /opt/lacewing/bin/python install \
        --no-cache-dir --disable-pip-version-check --require-hashes --requirement /build/runtime.txt

# Our own code, as a wheel would install it, beside its dependencies.
FROM dependencies AS package
WORKDIR /build
COPY LICENSE README.md pyproject.toml ./
COPY migrations migrations
COPY src src
RUN python3 -m pip --python /opt/lacewing/bin/python install \
        --no-cache-dir --disable-pip-version-check --no-index --no-deps --no-build-isolation \
        --target /code . \
    && /opt/lacewing/bin/python -m compileall -q --invalidation-mode unchecked-hash /code

# The dependencies without what only builds and debugs: a fifth of their size.
FROM dependencies AS slim
RUN python3 -m pip --python /opt/lacewing/bin/python uninstall \
        --yes --disable-pip-version-check editables hatchling pathspec pluggy trove-classifiers \
    && find /opt/lacewing -name '*.so*' -type f -exec strip --strip-unneeded {} + \
    && find /opt/lacewing -type f '(' -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.pxd' \
        -o -name '*.pyi' -o -name '*.pyx' ')' -delete \
    && find /opt/lacewing -type d -name tests -prune -exec rm -r {} + \
    && find /opt/lacewing -type d -name site-packages -exec sh -c 'echo /code >"$1/lacewing.pth"' - {} ';'

FROM ${PYTHON_IMAGE} AS program
# 10001 is the user that the chart and the volumes know too.
RUN groupadd --gid 10001 lacewing \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin lacewing \
    && install --directory --owner 10001 --group 10001 --mode 0750 /data \
    # What runs installs nothing. As files, since Debian's pip will not uninstall itself.
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip \
        /usr/bin/pip* /usr/lib/python3/dist-packages/pip* /usr/lib/python3*/ensurepip
COPY --from=slim /opt/lacewing /opt/lacewing
COPY --from=package /code /code
ENV PATH=/opt/lacewing/bin:/code/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LACEWING_ENVIRONMENT=production \
    LACEWING_DATA_DIR=/data
WORKDIR /data
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["python", "-m", "lacewing.kernel.probe"]
ENTRYPOINT ["lacewing"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
# Last, as they change with every build.
ARG VERSION=0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Lacewing" \
    org.opencontainers.image.description="The engineering tracker that a team runs for itself" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"

# For development: the same, with a debugger. Built by docker-compose.override.yml alone.
FROM dependencies AS debugger
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --target /opt/debugger debugpy==1.8.22

FROM program AS development
COPY --from=debugger /opt/debugger /opt/debugger
ENV PYTHONPATH=/opt/debugger

# What is built when nothing else is said.
FROM program
