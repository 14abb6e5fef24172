/*
 * bpf.h - what a seccomp filter would say to a system call, without making it.
 *
 * pure. The rule that breaks it: an instruction that the kernel takes and this does not know; the
 * kernel has checked the program when it was installed, and what it would not take kills here.
 * Source: seccomp(2), kernel/seccomp.c (seccomp_check_filter), classic BPF.
 */
#ifndef UD_BPF_H
#define UD_BPF_H

#include "words.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

/* The whole answer, SECCOMP_RET_... and data. */
uint32_t bpf_run(const struct sock_filter *code, uint32_t n, const struct seccomp_data *call);

#endif
