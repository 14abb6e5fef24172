# make lint: the rules that a machine can check, in tools/lint/. make format: clang-format in place.

.PHONY: lint check-lint format
lint: check-lint
check-lint: all check-applies # what moves code has its mutants follow
	@bash tools/lint/run $(B)

format:
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cc')

# the rules, tested: each broken on purpose in a copy of the tree
.PHONY: check-lint-rules
check-lint-rules: all
	@bash test/lint/run $(B)
