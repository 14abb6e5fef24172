# make mutate: breaks the sources one line at a time (test/mutate/*.list); the unit tests must turn red.
.PHONY: mutate check-mutate
mutate check-mutate:
	@CC="$(CC)" bash test/mutate/run
