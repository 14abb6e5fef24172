/* The same in C++: names must come out as they were written. */
#include <cstdlib>

#define INLINED inline __attribute__((always_inline))
#define CALLED	__attribute__((noinline))
#define KEEP(x) __asm__ volatile("" ::"r"(x) : "memory")

namespace shop
{
template <class T> class box
{
	T *p;

      public:
	INLINED void make()
	{
		p = new T[10]; /* line: make */
		KEEP(p);
	}
	INLINED void release()
	{
		delete[] p; /* line: release */
		KEEP(p);
	}
	INLINED T touch(int i) const
	{
		return static_cast<volatile T *>(p)[i]; /* line: touch */
	}
};

CALLED void get(box<int> &b)
{
	b.make(); /* line: get */
	KEEP(&b);
}

CALLED void drop(box<int> &b)
{
	b.release(); /* line: drop */
	KEEP(&b);
}

CALLED int use(const box<int> &b)
{
	int v = b.touch(2); /* line: use */
	KEEP(v);
	return v;
}
} // namespace shop

int main()
{
	shop::box<int> b;
	shop::get(b);	      /* line: main-get */
	shop::drop(b);	      /* line: main-drop */
	int v = shop::use(b); /* line: main-use */
	KEEP(v);
	return 0;
}
