#!/bin/sh
# Makes the secrets that docker-compose.yml names: `secrets.sh [FOLDER]`, by default deploy/secrets. What is there already
# stays as it is, so it can be run again, and a secret of your own put there before is taken.
#
# Compose mounts the files as they are, for containers whose users differ: so the folder keeps others out, not the files.
set -eu
folder="${1:-$(dirname "$0")/../deploy/secrets}"
umask 077
mkdir -p "$folder"
cd "$folder"
# It may have been there, made by a mask that let others in.
chmod 700 .

# A secret $1 of 32 random bytes, as text that may stand in an address.
random() {
    openssl rand -base64 32 | tr '+/' '-_' | tr -d '\n'"${1:-}"
}

# The file $1 with what comes in, unless it is there.
keep() {
    if [ -s "$1" ]; then
        cat >/dev/null
    else
        cat >"$1.new"
        mv "$1.new" "$1"
    fi
    chmod 444 "$1"
}

random '=' | keep postgres_password
random '=' | keep redis_password
random '=' | keep rabbitmq_password
random '=' | keep secret_key
random '=' | keep metrics_token
random '=' | keep grafana_password
random | keep pii_encryption_key
random | keep pii_hash_key

echo "postgresql://lacewing:$(cat postgres_password)@postgres:5432/lacewing" | keep database_url
echo "redis://:$(cat redis_password)@redis:6379/0" | keep redis_url
echo "amqp://lacewing:$(cat rabbitmq_password)@rabbitmq:5672//" | keep broker_url
echo "requirepass $(cat redis_password)" | keep redis.conf
printf 'default_user = lacewing\ndefault_pass = %s\n' "$(cat rabbitmq_password)" | keep rabbitmq.conf
