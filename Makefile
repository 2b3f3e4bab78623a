# Everything starts here: `make help`. Needs make, and Python 3.11 to 3.14; the rest is brought into .venv.
# Written for GNU make 3.81, which macOS has.

.DEFAULT_GOAL := help
.PHONY: help install demo up down console screenshots trace test security e2e campaign alerts check audit sbom smoke crash chaos mutants bench bench-full bench-costs bench-scaling bench-telemetry lock docs clean

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
MEMBERS := libs/contracts libs/chassis services/gateway services/meta-auth services/ads-publisher sandbox deploy/local
SOURCES := $(MEMBERS:%=%/src)
FAST_TESTS := $(wildcard libs/*/tests services/*/tests/unit)

# The stamp holds the folder it was made in: a copied or moved checkout must install again.
STAMP := $(VENV)/.installed
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

help: ## Show this page
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(STAMP) ## Make .venv from the lock; does nothing when it is up to date
	@echo "$(VENV) is up to date."

$(STAMP): requirements.lock requirements-uv.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml) scripts/install.sh
	@PYTHON="$(PYTHON)" scripts/install.sh $(MEMBERS)
	@printf '%s\n' "$(CURDIR)" > $@

# The console is built once; after that only when one of its sources, or the gateway's contract, is newer.
CONSOLE := frontend/dist/index.html
CONSOLE_TOOLS := frontend/node_modules/.package-lock.json
CONSOLE_SOURCES := $(shell find frontend/src frontend/public ! -name schema.ts) docs/openapi.json \
	$(wildcard frontend/*.html frontend/*.json frontend/*.ts frontend/*.cjs)

$(CONSOLE_TOOLS): frontend/package-lock.json | $(STAMP)
	@scripts/npm.sh ci --silent --no-audit --no-fund
	@touch $@

$(CONSOLE): $(CONSOLE_TOOLS) $(CONSOLE_SOURCES)
	@echo "Building the console into frontend/dist ..."
	@scripts/npm.sh run --silent build -- --logLevel warn

.PHONY: try-console
try-console: $(STAMP)
	@$(MAKE) -s $(CONSOLE) || echo "The console could not be built, see above. Everything else runs."

demo: $(STAMP) $(if $(filter-out 0,$(KEEP)),try-console) ## Publish once for real against the sandbox, show it, stop (KEEP=1 leaves it running)
	@$(PYTHON_IN_VENV) -m local_stack demo $(if $(filter-out 0,$(KEEP)),--keep)

up: $(STAMP) try-console ## Run the whole system on this machine until Ctrl-C; data stays in .local/
	@$(PYTHON_IN_VENV) -m local_stack up

down: ## Stop what `make up` or `make demo` started, and nothing else
	@if [ -x $(PYTHON_IN_VENV) ]; then $(PYTHON_IN_VENV) -m local_stack down; else echo "Nothing was running."; fi

console: $(CONSOLE_TOOLS) ## The console with hot reload on port 3000, against a running `make up` (or GATEWAY_URL)
	@scripts/npm.sh run --silent dev

PICTURES := overview-1440-light setup-1440-light publish-360-light

screenshots: $(STAMP) $(CONSOLE) ## Pictures of all pages of the console into .local/screenshots, some of them into docs/images
	@$(PYTHON_IN_VENV) -m pytest tests/e2e/console/test_pages.py --screenshots .local/screenshots
	@for name in $(PICTURES); do cp .local/screenshots/$$name.png docs/images/console-$$name.png; done

trace: $(STAMP) ## Show the newest run as a tree of spans; RUN=<id> another one, SVG=<file> as a picture
	@$(PYTHON_IN_VENV) -m local_stack trace $(RUN) $(if $(SVG),--svg $(SVG))

test: $(STAMP) $(CONSOLE) ## Every test that needs no Docker, end to end included, but the long ones below
	@$(PYTHON_IN_VENV) -m pytest --ignore=tests/crash --ignore=tests/alerts --ignore=tests/security

security: $(STAMP) ## Attack the running system: tenants, fuzzing, forgery, planted secrets (about six minutes)
	@$(PYTHON_IN_VENV) -m pytest tests/security

e2e: $(STAMP) $(CONSOLE_TOOLS) ## The end-to-end tests on the stack in containers, and what only containers can show; needs Docker
	@$(PYTHON_IN_VENV) -m pytest tests/e2e --target compose $(if $(SEED),--seed $(SEED))

campaign: $(STAMP) ## The crash campaign at CI size: each failpoint five times, 200 runs of chaos
	@$(PYTHON_IN_VENV) -m pytest tests/crash

alerts: $(STAMP) ## Fire every alert rule once; needs Prometheus on the PATH
	@$(PYTHON_IN_VENV) -m pytest tests/alerts

check: $(STAMP) $(CONSOLE_TOOLS) ## Format, lint, types, layers, secrets and the fast tests, of the console too
	@$(PYTHON_IN_VENV) -m ruff format --check .
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(PYTHON_IN_VENV) -m mypy $(SOURCES)
	@$(VENV)/bin/lint-imports
	@scripts/scan_secrets.sh
	@$(PYTHON_IN_VENV) -m pytest -q $(FAST_TESTS)
	@scripts/npm.sh run --silent check

audit: $(STAMP) ## Look every locked package up in the OSV database; needs the internet
	@$(PYTHON_IN_VENV) scripts/audit.py

sbom: $(STAMP) ## List every locked package, as CycloneDX 1.6, in .local/sbom.cdx.json
	@$(PYTHON_IN_VENV) scripts/sbom.py --out .local/sbom.cdx.json

smoke: $(STAMP) ## Run scripts/meta-step3-smoke.sh: as you when a session is set, else as a customer made for it
	@if [ -n "$$TEST_USER_EMAIL$$SESSION_COOKIE$$COOKIE_FILE" ]; then scripts/meta-step3-smoke.sh; \
	else $(PYTHON_IN_VENV) -m local_stack smoke; fi

CRASH_LAB := PYTHONPATH=tests/e2e:tests/crash $(PYTHON_IN_VENV) -m crash_lab

crash: $(STAMP) ## Kill a process at every failpoint, RUNS=20 times each; writes docs/crash-matrix.md
	@$(CRASH_LAB) crash --runs $(or $(RUNS),20)

chaos: $(STAMP) ## Publish N=1000 times while everything crashes at random; SEED=… repeats a mix
	@$(CRASH_LAB) chaos --runs $(or $(N),1000) $(if $(SEED),--seed $(SEED))

mutants: $(STAMP) ## Plant bugs in a copy of the source and see that the tests catch each one
	@$(CRASH_LAB) mutants

# What the yardsticks of `make bench` need beside ours.
YARDSTICKS := $(VENV)/.yardsticks

$(YARDSTICKS): $(STAMP) bench/requirements.lock
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" uv pip install -q --python $(PYTHON_IN_VENV) --require-hashes -r bench/requirements.lock
	@touch $@

BENCH_RESULTS := .local/bench.json

bench: $(YARDSTICKS) ## Ours beside the bare parts and beside Celery, in short (four minutes)
	@mkdir -p $(dir $(BENCH_RESULTS))
	@$(PYTHON_IN_VENV) bench/compare.py --rounds 2 --runs 500 --slow-runs 300 --presses 20 --requests 1000 \
	--many 100000 --idle-seconds 10 --after-runs 0 --long-runs 0 --out $(BENCH_RESULTS)

bench-full: $(YARDSTICKS) ## The same in full, LONG=100000 runs at the end; writes docs/performance.md (40 minutes)
	@$(PYTHON_IN_VENV) bench/compare.py $(if $(LONG),--long-runs $(LONG)) \
	--out docs/performance.json --page docs/performance.md

bench-costs: $(YARDSTICKS) ## What one run costs in requests, transactions, statements and entries
	@$(PYTHON_IN_VENV) bench/costs.py

bench-scaling: $(STAMP) ## Drain a backlog with 1, 2 and 4 publishers (takes ten minutes)
	@$(PYTHON_IN_VENV) bench/scaling.py --answer-ms 100,2000

bench-telemetry: $(STAMP) ## Publish with telemetry on, off, and with a collector that is down or hangs (ten minutes)
	@$(PYTHON_IN_VENV) bench/telemetry.py

lock: $(STAMP) ## Resolve the dependencies anew and write both lock files
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" scripts/lock.sh

docs: $(STAMP) ## Write the generated pages again
	@$(PYTHON_IN_VENV) scripts/generate_docs.py

clean: down ## Stop the stack and remove its data, the environment and all caches
	@rm -rf .local $(VENV) frontend/node_modules frontend/dist frontend/*.tsbuildinfo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(MEMBERS) tests -name __pycache__ -type d -prune -exec rm -rf {} +
