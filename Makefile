# Every command that a developer, CI or a user needs; each works alone, on a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help setup serve test test-delivery check format lint types contracts fast lock bench bench-uploads bench-catalogue bench-dashboard bench-live bench-observing dev up down load-test

BIN := .venv/bin

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## Make .venv with all that the program needs
	@scripts/setup.sh runtime

dev:
	@scripts/setup.sh dev

serve: setup ## Set up, migrate and serve on 127.0.0.1:8000
	@$(BIN)/lacewing serve --host 127.0.0.1 --port 8000

up: ## Start all of it by Docker Compose, with secrets and a certificate made on the way
	@scripts/up.sh

down: ## Stop what `make up` started; what is stored stays
	@docker compose --file docker-compose.yml down

test: dev ## Set up and pass all checks and tests, on both databases
	@$(BIN)/python -m scripts.check all

test-delivery: dev ## Try the image, Compose, nginx, the chart, alerts and load for real; starts Docker
	@scripts/setup.sh delivery
	@$(BIN)/python -m scripts.check delivery

check: dev ## The inner loop: format, lint, types, contracts, fast tests on SQLite; about a minute
	@$(BIN)/python -m scripts.check quick

lint: dev ## Format, lint, types, contracts, security, known vulnerabilities: all that starts no server
	@$(BIN)/python -m scripts.check static

format: dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

load-test: dev ## Let k6 do for some seconds what people do; SCENARIO=load for two minutes
	@$(BIN)/python -m scripts.load_test --scenario $(or $(SCENARIO),smoke)

lock: dev ## Lock the requirements anew, with hashes
	@scripts/lock.sh

bench: dev ## Compare with the stacks that a user would otherwise write
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@$(BIN)/python -m bench

bench-dashboard: dev ## Figures of a million issues, on both databases
	@$(BIN)/python -m bench.dashboard

bench-uploads: dev ## A thousand uploads at once, beside a bare ASGI sink and nginx
	@$(BIN)/python -m bench.uploads

bench-catalogue: dev ## Page 1 against page 10,000 of a million products, on both databases
	@$(BIN)/python -m bench.catalogue

bench-observing: dev ## What measuring and tracing cost a request
	@$(BIN)/python -m bench.observing

bench-live: dev ## A thousand sockets on one process: what they cost, how long a message takes
	@$(BIN)/python -m bench.live
