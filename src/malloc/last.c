/* last.c - see last.h. app context; under meta_lock, which forks already know. */
#include "last.h"

#include <errno.h>
#include <sys/mman.h>

#define RESERVE_MAX (64UL << 30)
#define RESERVE_MIN (1UL << 20)
#define WAIT_BYTES  (64UL << 20)
#define REFUSED_FOR 64 /* to find out takes some twenty system calls */
#define STEPS	    4  /* sizes per power of two */
#define CLASSES	    (STEPS * 32)

enum state { FRESH, LIVE, DEAD };

/* Before each block, which is as large as its class says. */
struct head {
	uint64_t proof; /* of its address: a block begins behind it */
	uint32_t cls;
	uint32_t state;
	size_t size; /* what was asked for */
	struct head *next;
} __attribute__((aligned(16)));

static struct {
	char *lo, *hi, *at;
	struct head *oldest, **newest;
	size_t waiting;
} last = {.newest = &last.oldest};
static struct head *spare[CLASSES] UD_TABLE; /* to be handed out again */

bool last_on;
_Atomic int last_refused;

static uint64_t proof_of(const struct head *h)
{
	return ((uintptr_t)h ^ 0x5bd1e9955bd1e995) * GOLDEN;
}

/* The least class that holds so many bytes; a quarter more of them at most. */
static uint32_t class_of(size_t bytes)
{
	uint32_t shift = bytes <= 64 ? 6 : 63 - (uint32_t)__builtin_clzl(bytes - 1);
	size_t step = (1UL << shift) / STEPS;

	return bytes <= 64 ? 0
			   : (shift - 6) * STEPS +
				     (uint32_t)((bytes - (1UL << shift) + step - 1) / step);
}

static size_t class_bytes(uint32_t cls)
{
	size_t base = 64UL << cls / STEPS;

	return base + base / STEPS * (cls % STEPS);
}

static struct head *head_of(const void *p)
{
	return (struct head *)(uintptr_t)p - 1;
}

/* The one whose block holds addr, or ended before it; NULL: none. For reports: it may take long. */
static struct head *head_before(vaddr_t addr)
{
	for (vaddr_t at = ALIGN_DOWN(addr, 16UL); at >= vaddr_of(last.lo) + sizeof(struct head);
		at -= 16) {
		struct head *h = head_of(vaddr_ptr(at));

		if (h->proof == proof_of(h))
			return h;
	}
	return NULL;
}

static const struct block_source *others;

static void last_find(vaddr_t addr, struct block *b)
{
	const char *p = vaddr_ptr(addr);
	struct head *h;

	if (p < last.lo || p >= last.hi) {
		others->find(addr, b);
		return;
	}
	*b = (struct block){.state = BLOCK_NEVER};
	h = p < last.at ? head_before(addr) : NULL;
	if (!h || addr >= vaddr_of(h + 1) + MAX(h->size, class_bytes(h->cls)))
		return;
	b->state = h->state == LIVE ? BLOCK_LIVE : BLOCK_DEAD;
	b->base = vaddr_of(h + 1);
	b->size = h->size;
}

static struct block_source last_source;

static bool allowed(long nr, vaddr_t a, long b, long c, long d, long e)
{
	const long arg[] = {(long)a, b, c, d, e, 0};

	return filter_allows(nr, arg);
}

/* Can views be made, and what is in them be killed? As host/ does it. */
static bool is_cramped(void)
{
	const int shared = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	const int none = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	const int rw = PROT_READ | PROT_WRITE;
	vaddr_t at = HUGE_SIZE;

	return !allowed(__NR_mmap, at, HUGE_SIZE, rw, shared, -1) ||
	       !allowed(__NR_mmap, 0, HUGE_SIZE, PROT_NONE, none, -1) ||
	       !allowed(__NR_mmap, at, HUGE_SIZE, PROT_NONE, none | MAP_FIXED, -1) ||
	       !allowed(__NR_mmap, 0, HUGE_SIZE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1) ||
	       !allowed(__NR_munmap, at, HUGE_SIZE, 0, 0, 0) ||
	       !allowed(__NR_mremap, at, 0, HUGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       (long)(2 * HUGE_SIZE));
}

static void reserve(void)
{
	long r = -1;

	for (size_t n = RESERVE_MAX; n >= RESERVE_MIN && !last.lo; n /= 2) {
		/* Not with all its pages, which mlockall(MCL_FUTURE) wants of what can be written. */
		do
			r = sys_mmap(
				0, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
		while (sys_is_err(r) && host_spare_last());
		if (sys_is_err(r))
			continue;
		sys_call3(__NR_munlock, r, (long)n, 0);
		sys_mprotect((vaddr_t)r, n, PROT_READ | PROT_WRITE);
		sys_madvise((vaddr_t)r, n, MADV_NOHUGEPAGE);
		sys_madvise((vaddr_t)r, n, MADV_DONTDUMP);
		last.at = (char *)r;
		last.hi = last.at + n;
		last.lo = last.at;
	}
	if (!last.lo)
		return;
	others = block_source;
	last_source = *others;
	last_source.find = last_find;
	block_source = &last_source;
}

static void say(void)
{
	static _Atomic bool said;

	log_warn(&said,
		"a seccomp filter forbids what kills freed blocks: they "
		"stay readable from now on, and are used again after %lu MB more",
		WAIT_BYTES >> 20);
}

static void filter_look(void)
{
	host_filtered();
	last_on = is_cramped();
	if (last_on && !last.lo)
		reserve();
	last_on &= last.lo != NULL;
	engine_plain = !last_on;
	if (last_on)
		say(); /* while the log can be opened */
}

void last_init(void)
{
	filter_changed = filter_look;
}

/* Of those that wait, the oldest may be handed out again. */
static bool oldest_spare(void)
{
	struct head *h = last.oldest;

	if (!h)
		return false;
	last.oldest = h->next;
	if (!last.oldest)
		last.newest = &last.oldest;
	last.waiting -= class_bytes(h->cls);
	h->next = spare[h->cls];
	spare[h->cls] = h;
	return true;
}

static struct head *take(uint32_t cls)
{
	size_t bytes = sizeof(struct head) + class_bytes(cls);
	struct head *h;

	do {
		h = spare[cls];
		if (h) {
			spare[cls] = h->next;
			return h;
		}
		if ((size_t)(last.hi - last.at) >= bytes) {
			h = (struct head *)last.at;
			last.at += bytes;
			h->cls = cls;
			return h;
		}
	} while (oldest_spare());
	return NULL;
}

/*
 * Aligned: a block that is large enough, whose front is left unused: another head stands before
 * what is handed out, and says where the first one is.
 */
void *last_alloc(size_t size, size_t align, bool zero)
{
	struct lock_section s;
	struct head *h;
	bool fresh;
	char *p;

	lock_section_enter(&s);
	lock_take(&meta_lock);
	h = size > RESERVE_MAX ? NULL
			       : take(class_of(size + (align > 16 ? align + sizeof(*h) : 0)));
	fresh = h && h->state == FRESH;
	lock_drop(&meta_lock);
	lock_section_leave(&s);
	if (!h) {
		errno = ENOMEM;
		return NULL;
	}
	p = (char *)(h + 1);
	h->size = size;
	h->state = LIVE;
	h->next = NULL;
	if (align > 16) {
		struct head *first = h;

		p = vaddr_ptr(ALIGN_UP(vaddr_of(p + sizeof(*h)), align));
		first->proof = 0;
		h = head_of(p);
		*h = (struct head){.cls = 0, .state = LIVE, .size = size, .next = first};
	}
	h->proof = proof_of(h);
	if (zero && !fresh)
		__builtin_memset(p, 0, size);
	return p;
}

void *last_instead(size_t size, size_t align, bool zero)
{
	static _Atomic bool said;
	struct lock_section s;

	if (!host_maps_scarce())
		return NULL;
	lock_section_enter(&s);
	lock_take(&meta_lock);
	if (!last.lo)
		reserve();
	lock_drop(&meta_lock);
	lock_section_leave(&s);
	if (!last.lo)
		return NULL;
	atomic_store(&last_refused, REFUSED_FOR);
	log_warn(&said, "the kernel refuses more mappings "
			"(vm.max_map_count): what is allocated until there are some stays "
			"readable when it is freed");
	return last_alloc(size, align, zero);
}

bool last_has(const void *p)
{
	return (const char *)p >= last.lo && (const char *)p < last.hi;
}

static bool is_live(const struct head *h)
{
	return !(vaddr_of((void *)(uintptr_t)h) & 15) && (const char *)h >= last.lo &&
	       h->proof == proof_of(h) && h->state == LIVE;
}

bool last_free(void *p)
{
	struct head *h = head_of(p);
	struct lock_section s;
	bool live;

	lock_section_enter(&s);
	lock_take(&meta_lock);
	live = is_live(h);
	if (live) {
		h->state = DEAD;
		if (h->next) { /* aligned */
			h = h->next;
			h->state = DEAD;
			h->next = NULL;
		}
		*last.newest = h;
		last.newest = &h->next;
		last.waiting += class_bytes(h->cls);
		while (last.waiting > WAIT_BYTES)
			oldest_spare();
	}
	lock_drop(&meta_lock);
	lock_section_leave(&s);
	return live;
}

bool last_usable(const void *p, size_t *size)
{
	const struct head *h = head_of(p);

	*size = h->size;
	return is_live(h);
}
