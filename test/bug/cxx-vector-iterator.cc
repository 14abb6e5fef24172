// expect: kind=use-after-free access=READ bytes=4 offset=8 block=16 status=139
// expect: use=use>main free=~grow>main alloc=~make>main
// settle: test: a number in a small block: it is filled, and no pointer
// An iterator kept over a push_back that moved the elements.
#include "bug.h"
#include <vector>

extern "C" NOINLINE void make(std::vector<int> &v)
{
	v.reserve(4);
	v.assign(4, 7);
	KEEP();
}

extern "C" NOINLINE void grow(std::vector<int> &v)
{
	v.push_back(8);
	KEEP();
}

extern "C" NOINLINE int use(std::vector<int>::iterator it)
{
	int x = *(volatile int *)&it[2];

	KEEP();
	return x;
}

int main()
{
	std::vector<int> v;

	make(v);
	auto it = v.begin();
	grow(v);
	settle();
	return use(TWIN ? v.begin() : it) != 7;
}
