/*
 * bochs-entry.S - stands between a bzImage's setup code and an already unpacked kernel.
 *
 * The boot loader puts this at 1 MB with the flat kernel (LENGTH bytes) right behind it. Entered in
 * 32-bit flat mode with esi = boot_params; does what the kernel's own decompressor would have done: moves
 * the kernel to 16 MB, where it is linked to run (backwards, the two overlap), long mode on an identity map of
 * the first 1 GB, then startup_64 with rsi unchanged.
 */
	.code32
	.globl _start
_start:
	cli
	mov %esi, %ebx
	mov $end + LENGTH - 4, %esi
	mov $0x1000000 + LENGTH - 4, %edi
	mov $LENGTH / 4, %ecx
	std
	rep movsl
	cld
	mov %ebx, %esi
	lgdt gdtr
	mov $pml4, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x20, %eax		/* PAE */
	mov %eax, %cr4
	mov $0xc0000080, %ecx	/* EFER */
	rdmsr
	or $0x100, %eax		/* LME */
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax
	mov %eax, %cr0
	ljmp $0x10, $long_mode
	.code64
long_mode:
	mov $0x18, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %esi, %esi
	mov $0x1000000, %eax
	jmp *%rax

	.balign 8
gdt:	.quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:	.word gdtr - gdt - 1
	.long gdt

	.balign 4096
pml4:	.quad pdpt + 3
	.balign 4096
pdpt:	.quad pd + 3
	.balign 4096
	.set page, 0x83
pd:	.rept 512
	.quad page
	.set page, page + 0x200000
	.endr
end:
