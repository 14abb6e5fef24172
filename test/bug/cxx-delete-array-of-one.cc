// expect: kind=out-of-bounds access=READ bytes=8 what=before offset=-8 block=8 status=139
// expect: use=~drop>main alloc=~make>main
// host-only: the next malloc's header is there
// only: strict,deferred,rows
// delete[] of what plain new made: the number of elements is read before the first block of its
// size. Nothing was freed. (By whole pages
// there may be another block, or memory that nobody has yet.)
#include "bug.h"

struct object {
	char *text;
	~object()
	{
		free(text);
	}
};

NOINLINE static object *make(void)
{
	object *o = TWIN ? new object[1]() : new object();

	HIDE(o);
	KEEP();
	return o;
}

NOINLINE static void drop(object *o)
{
	delete[] o;
	KEEP();
}

int main(void)
{
	drop(make());
	return 0;
}
