/* api.c - see undangle.h: the engine's answers for the program itself. app context. */
#include "malloc.h"
#include "undangle.h"

int ud_is_dead(const void *p)
{
	struct block b;

	block_find(vaddr_of(p), &b);
	return b.state == BLOCK_DEAD;
}

void *ud_block(const void *p, size_t *size)
{
	struct block b;

	block_find(vaddr_of(p), &b);
	if (b.state != BLOCK_LIVE)
		return NULL;
	*size = b.size;
	return vaddr_ptr(b.base);
}

void ud_kill_dead(void)
{
	struct lock_section s;

	start();
	lock_section_enter(&s);
	if (!kvm_heap)
		engine_kill_dead(false);
	lock_section_leave(&s);
	if (engine_plain)
		engine_look_late();
	late_tell("by ud_kill_dead()");
}

void ud_dump(int fd, const void *p)
{
	static const char *const word[] = {"not ours", "never used", "live", "dead"};
	struct block b;
	struct out o;

	block_find(vaddr_of(p), &b);
	out_init(&o, fd);
	out_fmt(&o, "%p: %s", p, word[b.state]);
	if (b.state == BLOCK_LIVE || b.state == BLOCK_DEAD)
		out_fmt(&o, ", block %p of %zu bytes", vaddr_ptr(b.base), b.size);
	if (b.alloc_tid)
		out_fmt(&o, ", allocated by thread %d", b.alloc_tid);
	if (b.state == BLOCK_DEAD && b.free_tid)
		out_fmt(&o, ", %s by thread %d", b.moved ? "moved" : "freed", b.free_tid);
	out_char(&o, '\n');
	if (kvm_heap)
		kvm_heap->dump(&o, ALIGN_DOWN(vaddr_of(p), PAGE_SIZE),
			ALIGN_DOWN(vaddr_of(p), PAGE_SIZE) + PAGE_SIZE);
	else
		host_dump(&o);
	out_flush(&o);
}

void ud_stats(int fd)
{
	struct out o;

	start();
	out_init(&o, fd);
	stats_print(&o);
	out_flush(&o);
}
