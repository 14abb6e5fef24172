# make lint: the rules that a machine can check, in tools/lint/. make format: clang-format in place.

.PHONY: lint check-lint format
lint check-lint: all
	@bash tools/lint/run $(B)

format:
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cc')
