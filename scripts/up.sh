#!/bin/sh
# `make up`: makes what a fresh clone lacks (secrets, a development certificate), builds the image, starts everything, and
# returns when it is well. `up.sh --secrets-only FOLDER` only makes the secrets and the certificate, there.
#
# DOCKER_COMPOSE names another program than `docker compose`.
set -eu
cd "$(dirname "$0")/.."
: "${DOCKER_COMPOSE:=docker compose}"
folder="${LACEWING_SECRETS:-deploy/secrets}"
if [ "${1:-}" = --secrets-only ]; then
    folder="${2:?the folder}"
fi

scripts/secrets.sh "$folder"
# A real certificate, as server.pem with server.key, is left alone.
if ! [ -f "$folder/server.pem" ] || [ -f "$folder/server.names" ]; then
    # shellcheck disable=SC2086  # several names
    scripts/dev_certificate.sh "$folder" ${LACEWING_CERTIFICATE_NAMES:-localhost 127.0.0.1 ::1}
fi
# nginx has a user of its own; the folder keeps others out.
chmod 444 "$folder/server.key"
if [ "${1:-}" = --secrets-only ]; then
    exit
fi

# nginx reads its certificate when it starts: one that came since is taken up by a restart.
served="$folder/server.served"
certificate="$(cat "$folder/server.pem" "$folder/server.key" | cksum)"
if [ "$(cat "$served" 2>/dev/null)" != "$certificate" ] && [ -n "$($DOCKER_COMPOSE --file docker-compose.yml ps --quiet nginx)" ]; then
    $DOCKER_COMPOSE --file docker-compose.yml restart nginx
fi
echo "$certificate" >"$served"

# A released image is pulled, not built.
if [ -n "${LACEWING_IMAGE:-}" ] || grep -qs '^LACEWING_IMAGE=.' .env; then build=--no-build; else build=--build; fi
$DOCKER_COMPOSE --file docker-compose.yml up "$build" --wait "$@"
echo "Lacewing serves on ${LACEWING_PUBLIC_URL:-https://localhost}. The first administrator is made by
  docker compose exec server-1 lacewing admin create --username NAME --email ADDRESS" >&2
