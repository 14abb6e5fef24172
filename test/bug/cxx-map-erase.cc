// expect: kind=use-after-free access=READ bytes=8 offset=* block=* status=139
// expect: use=~use>main free=~drop>main alloc=~make>main
// Stepping an iterator whose element was erased.
#include "bug.h"
#include <map>

extern "C" NOINLINE void make(std::map<int, int> &m)
{
	for (int i = 0; i < 10; i++)
		m[i] = i;
	KEEP();
}

extern "C" NOINLINE void drop(std::map<int, int> &m)
{
	m.erase(4);
	KEEP();
}

extern "C" NOINLINE int use(std::map<int, int>::iterator it)
{
	++it;
	KEEP();
	return it->first;
}

int main()
{
	std::map<int, int> m;

	make(m);
	auto it = m.find(4);
	if (!TWIN) {
		drop(m);
		settle();
	}
	return use(it) != 5;
}
