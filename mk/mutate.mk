# make mutate: breaks the sources one line at a time (test/mutate/*.list); the unit tests must turn
# red. Not part of make check: it takes minutes and says nothing about the program.
.PHONY: mutate
mutate:
	@CC="$(CC)" bash test/mutate/run
