// Each function of libc that we stand before, given what the kernel or libc must refuse: it is found, refuses that as
// without us, and leaves everything as it was. A child each, for some of them end by that.
#include "ok.h"

#include <dlfcn.h>

static long (*call)(long, long, long, long, long, long, long);

static int do_call(void)
{
	long r;

	errno = 0;
	r = call(-1, -1, -1, -1, -1, -1, -1);
	if ((int)r == -1)
		say("  -1 and %s", strerrorname_np(errno));
	else
		say("  %d", (int)r);
	return 0;
}

static void each(const char *name)
{
	call = (long (*)(long, long, long, long, long, long, long))dlsym(RTLD_DEFAULT, name);
	say("%s%s", name, call ? "" : " is not there");
	if (call)
		in_child(name, do_call);
}

int main(void)
{
#define EFAULT_CALL(name, ...)	each(#name);
#define EFAULT_CALL7(name, ...) each(#name);
#include "../../../src/findings/efault.def"
	return failures;
}
