# What one does with a checkout. On a fresh Debian or Ubuntu, as root, `make demo` and `make test` install what they need themselves.

.PHONY: help demo demo-node test test-real-node test-debian-12 test-debian-13 lint build dist collection container cloud cloud-down bench docs clean

help: ## Say what there is to make
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: ## Deploy images into a real Glance on this machine, step by step
	@scripts/demo

demo-node: ## Test a good and a bad pair of IPA images on a node that really boots
	@scripts/demo-node

test: ## Run all tests, those on the real cloud too
	@scripts/test

test-real-node: ## Run those on nodes that really boot
	@scripts/test real-node

test-debian-12: ## The same on Debian 12, whatever this machine has
	@scripts/on-debian 12 scripts/test

test-debian-13: ## The same on Debian 13
	@scripts/on-debian 13 scripts/test

lint: ## Look at code, YAML, scripts and links with their linters
	@scripts/setup
	@scripts/lint

build: ## Build the modules and the command line
	@scripts/setup
	@npm run --silent build

dist: build ## Pack the role with its executables into dist/
	@scripts/dist

collection: build ## Build the Ansible collection into dist/
	@npm run --silent collection

container: build ## Build the container image into dist/
	@scripts/container

cloud: ## Start the real cloud of the tests
	@test/cloud/up
	@test/cloud/store-fill

cloud-down: ## Stop it
	@test/cloud/down

bench: ## Measure against curl, and memory, requests and start-up
	@scripts/setup
	@test/cloud/up
	@npm run --silent bench

docs: ## Write docs/reference, and the files of the role's variables
	@scripts/setup
	@npm run --silent docs

clean: ## Remove what the build wrote
	@rm -rf build roles/chameleon_image_tools/library roles/chameleon_image_tools/files/chameleon-image-tools.mjs \
		$(addprefix roles/chameleon_image_tools/files/,completion.bash executables.tar.gz SHA256SUMS)
