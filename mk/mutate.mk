# make mutate: small wrongs, each of which must turn a suite red. Not part of make check: it takes
# minutes and says nothing about the program.
#   mutate-units     one line of a pure part at a time (test/mutate/*.list): the unit tests
#   mutate-kvm       of them those of the kvm backend, with a line for each
#                    (of those check-mutate, in make check: kvm-check.list)
#   mutate-programs  one wrong in the library (test/mutate/mutants.py): test/bug and test/ok
#   mutate-vm        the same in ring 0 (test/mutate/vm.py), in one boot of the QEMU machine
#   check-applies    of all of these, whether each still has its place in the sources: a second (in make check)
.PHONY: mutate mutate-units mutate-programs mutate-kvm mutate-vm check-mutate check-applies
mutate: check-applies mutate-units mutate-programs mutate-vm
check-applies:
	@/usr/bin/python3 test/mutate/applies
mutate-units:
	@CC="$(CC)" bash test/mutate/run
mutate-programs: all
	@$(MAKE) -s -j2 bug-programs ok-programs $(UNIT_BIN)
	@/usr/bin/python3 test/mutate/run.py -B $(B) $(if $(ONLY),--only $(ONLY))
mutate-vm: all
	@$(MAKE) -s -j2 bug-programs kvm-programs
	@/usr/bin/python3 test/mutate/vm.py -B $(B) $(if $(ONLY),--only $(ONLY))

# The fast ones of the kvm backend, which no program on this machine would see.
check-mutate:
	@CC="$(CC)" bash test/mutate/run -v test/mutate/kvm-check.list
mutate-kvm:
	@CC="$(CC)" bash test/mutate/run -v test/mutate/kvm-check.list test/mutate/kvm.list
