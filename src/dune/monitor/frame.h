/*
 * frame.h - the numbers that assembly and C must agree on: trap frame, per-vCPU page, eject.
 *
 * Shared by .S and .c; every offset is checked against its struct by a _Static_assert beside
 * that struct (cpu.h, thread.h). Nothing else may be written down twice.
 */
#ifndef UD_DUNE_FRAME_H
#define UD_DUNE_FRAME_H

/* struct dune_tf (dune.h). The tail from TF_CR2 on is what every exit by exception leaves. */
#define TF_CR2	112
#define TF_RAX	120
#define TF_VEC	128
#define TF_RSP	168
#define TF_SIZE 192

/* struct dune_cpu (cpu.h): one page, the IST stack at its end. */
#define CPU_HANDLED    0
#define CPU_HANDLERS   8
#define CPU_STACK_LOW  16
#define CPU_STACK_TOP  24
#define CPU_XSAVE_SIZE 32
#define CPU_SIZE       4096

/* struct dune_call (hooks.h), from nr on. */
#define CALL_NR 0
#define CALL_A	8
#define CALL_B	16
#define CALL_C	24
#define CALL_D	32
#define CALL_E	40
#define CALL_F	48

/* The processor's: what a leaf function may use below RSP; the header of an XSAVE area. */
#define RED_ZONE     128
#define XSAVE_HEADER 512

/* Selectors, as STAR and the vDSO's getcpu (0x7b) want them. */
#define SEL_CODE 0x10
#define SEL_DATA 0x18
#define SEL_TSS	 0x40
#define SEL_CPU	 0x7b

#define MONITOR_VECTORS 32

/* What the restartable window answers if a signal came first; the kernel's own ERESTARTSYS. */
#define HOST_RESTART (-512)

/* The vmm stack of a struct thread, from its address (thread.h). */
#define THREAD_VMM_TOP_OFF 0x30000

#endif
