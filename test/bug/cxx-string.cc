// expect: kind=use-after-free access=READ bytes=* offset=0 block=101 status=139
// expect: use=~use>main free=~build>main alloc=~build>main
// settle: test: a number in a small block: it is filled, and no pointer
// c_str() of a std::string that is gone.
#include "bug.h"
#include <string>

extern "C" NOINLINE const char *build(std::string &keep)
{
	std::string s(100, 'x');
	const char *p = s.c_str();

	HIDE(p);
	if (TWIN) {
		keep.swap(s);
		p = keep.c_str();
	}
	return p;
}

extern "C" NOINLINE size_t use(const char *p)
{
	size_t n;

	HIDE(p);
	n = strlen(p);
	KEEP();
	return n;
}

int main()
{
	std::string keep;
	const char *p = build(keep);

	settle();
	return use(p) != 100;
}
