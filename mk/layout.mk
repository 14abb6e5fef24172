# The page-table walker is freestanding: the monitor runs it, without libc, SSE, TLS or a red
# zone. (-mno-red-zone because a same-ring exception may push below RSP.)
FLAGS_src/dune/pagetable := -ffreestanding -mgeneral-regs-only -mno-red-zone -fno-stack-protector
