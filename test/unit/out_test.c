// sources: src/base/out.c
#include "unit.h"
#include "base/out.h"

#include <fcntl.h>
#include <unistd.h>

static const char *fmt(const char *f, ...)
{
	static struct out o;
	va_list ap;

	out_init(&o, -1);
	va_start(ap, f);
	out_vfmt(&o, f, ap);
	va_end(ap);
	out_char(&o, 0);
	return o.buf;
}

static void numbers(void)
{
	char want[200];

	snprintf(want, sizeof(want), "%d|%5d|%-5d|%05d|%lu|%zx|%08x|%016lx|%p", -7, -7, -7, 42,
		~0UL, (size_t)255, 0xbeef, 0x123456789abUL, (void *)0xabc);
	CHECK(!strcmp(want, fmt("%d|%5d|%-5d|%05d|%lu|%zx|%08x|%016lx|%p", -7, -7, -7, 42, ~0UL,
				    (size_t)255, 0xbeef, 0x123456789abUL, (void *)0xabc)));
	snprintf(want, sizeof(want), "%ld %d", -9223372036854775807L - 1, 0);
	CHECK(!strcmp(want, fmt("%ld %d", -9223372036854775807L - 1, 0)));
}

static void strings(void)
{
	CHECK(!strcmp("[ab] [   ab] [ab   ] [*] 100%",
		fmt("[%s] [%5s] [%-5s] [%c] 100%%", "ab", "ab", "ab", '*')));
	CHECK(!strcmp("[  x]", fmt("[%*s]", 3, "x")));
}

static void bounded(void)
{
	char buf[8];

	CHECK_EQ(out_snprintf(buf, sizeof(buf), "%s", "0123456789"), 7);
	CHECK(!strcmp(buf, "0123456"));
}

/* Whatever becomes of the descriptor, in pieces, and never beyond its end. */
static void copied(void)
{
	char kept[9] = "01234567";
	struct out o;

	out_init(&o, -1);
	o.copy = kept;
	o.copy_end = kept + 8;
	out_str(&o, "ab");
	out_flush(&o);
	CHECK(!strcmp(kept, "ab"));
	out_str(&o, "cdefghijk");
	out_flush(&o);
	CHECK(!strcmp(kept, "abcdefg"));
	out_str(&o, "x");
	out_flush(&o);
	CHECK(!strcmp(kept, "abcdefg"));
}

/* Who asked for more than a pipe takes is told. */
static void lost(void)
{
	static struct out o;
	int fd[2];

	CHECK_EQ(pipe2(fd, O_NONBLOCK), 0);
	out_init(&o, fd[1]);
	out_str(&o, "x");
	out_flush(&o);
	CHECK(!o.lost);
	for (int i = 0; i < 1000000; i++)
		out_char(&o, 'x');
	out_flush(&o);
	CHECK(o.lost);
	out_init(&o, fd[1]);
	CHECK(!o.lost);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	RUN(numbers);
	RUN(strings);
	RUN(bounded);
	RUN(copied);
	RUN(lost);
	return UNIT_END();
}
