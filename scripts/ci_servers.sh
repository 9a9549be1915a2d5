#!/bin/sh
# Installs on a runner of GitHub's what tests start themselves, and stops what the packages start.
set -eu
sudo apt-get update -qq
sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    nodejs npm postgresql rabbitmq-server redis-server
sudo systemctl stop postgresql rabbitmq-server redis-server
