// A program that replaces the plain operator new and delete only: the other forms are defined by
// these, whoever calls them (arrays, sized, nothrow), and each block carries a word before it.
#include "ok.h"

#include <memory>
#include <new>
#include <string>
#include <vector>

#define MARK 0x5eedUL

static unsigned long made, gone;

void *operator new(size_t size)
{
	unsigned long *p = static_cast<unsigned long *>(malloc(size + 16));

	if (!p || size > (1UL << 40)) {
		free(p);
		throw std::bad_alloc();
	}
	made++;
	p[0] = MARK;
	return p + 2;
}

void operator delete(void *p) noexcept
{
	unsigned long *is = static_cast<unsigned long *>(p);

	if (!p)
		return;
	gone++;
	check(is[-2] == MARK);
	is[-2] = 0;
	free(is - 2);
}

/* What runs before main has the environment. */
static bool early_environment;

__attribute__((constructor)) static void early(int argc, char **argv, char **)
{
	early_environment = argc == 1 && argv && argv[0] && getenv("PATH");
}

struct base {
	virtual ~base() = default;
	int a = 1;
};

struct derived : base {
	std::string text = std::string(100, 'x');
};

static void balance(const char *what)
{
	say("%s: %lu made, %lu gone", what, made, gone);
	made = gone = 0;
}

int main()
{
	check(early_environment);
	int *volatile one = new int(1), *volatile many = new int[100];

	delete one;
	delete[] many;
	balance("plain");
	::operator delete(::operator new(10), 10UL);
	::operator delete[](::operator new[](10), 10UL);
	balance("sized");
	::operator delete(::operator new(10, std::nothrow), std::nothrow);
	::operator delete[](::operator new[](10, std::nothrow), std::nothrow);
	volatile size_t big = 1UL << 41;
	check(::operator new(big, std::nothrow) == nullptr);
	check(::operator new[](big, std::nothrow) == nullptr);
	balance("nothrow");
	/* those of an alignment are not defined by the plain ones */
	auto al = std::align_val_t(256);
	::operator delete(::operator new(10, al), al);
	::operator delete[](::operator new[](10, al, std::nothrow), 10UL, al);
	balance("aligned");
	std::unique_ptr<base> d = std::make_unique<derived>();
	d.reset();
	std::vector<std::string> v;
	for (int i = 0; i < 100; i++)
		v.push_back(std::string(i, 'y'));
	v.clear();
	v.shrink_to_fit();
	check(made == gone);
	std::shared_ptr<derived> s = std::make_shared<derived>();
	s.reset();
	check(made == gone);
	return done();
}
