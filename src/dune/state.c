/*
 * state.c - what the parts of the vmm share and none of them owns alone: the table of threads, the
 * hooks.
 */
#include "hooks.h"

struct thread *threads[THREAD_MAX] UD_TABLE;
struct dune_hooks dune_hooks;
