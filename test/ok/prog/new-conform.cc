// C++ new and delete in all forms: plain, array, nothrow, aligned, sized, failing, new handler.
#include "ok.h"

#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

static int handler_calls;

static void handler()
{
	if (++handler_calls == 3)
		std::set_new_handler(nullptr);
}

struct alignas(256) wide {
	char c[300];
};

template <typename F> static bool throws(F f)
{
	try {
		f();
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

static void forms()
{
	for (size_t n = 0; n < 5000; n += 37) {
		void *p = ::operator new(n), *q = ::operator new[](n);
		void *r = ::operator new(n, std::nothrow), *s = ::operator new[](n, std::nothrow);

		check(p && q && r && s && p != q);
		memset(p, 1, n);
		memset(q, 1, n);
		::operator delete(p, n);
		::operator delete[](q, n);
		::operator delete(r, std::nothrow);
		::operator delete[](s, std::nothrow);
		for (size_t a = 1; a <= 65536; a *= 4) {
			auto al = std::align_val_t(a);
			void *t = ::operator new(n, al), *u = ::operator new[](n, al, std::nothrow);

			check((uintptr_t)t % a == 0 && (uintptr_t)u % a == 0);
			::operator delete(t, n, al);
			::operator delete[](u, al, std::nothrow);
		}
	}
	::operator delete(nullptr);
	::operator delete[](nullptr);
}

static void failing()
{
	volatile size_t big = PTRDIFF_MAX;

	check(throws([&] { ::operator delete(::operator new(big)); }));
	check(throws([&] { ::operator delete[](::operator new[](big)); }));
	check(throws([&] { ::operator delete(::operator new(big, std::align_val_t(64))); }));
	check(::operator new(big, std::nothrow) == nullptr);
	check(::operator new(big, std::align_val_t(64), std::nothrow) == nullptr);
	check(throws([&] { std::vector<char> v(big - 1); }));
	std::set_new_handler(handler);
	check(throws([&] { ::operator delete(::operator new(big)); }));
	check(handler_calls == 3);
}

int main()
{
	forms();
	failing();
	std::vector<std::unique_ptr<wide>> v;
	for (int i = 0; i < 500; i++) {
		v.push_back(std::make_unique<wide>());
		check((uintptr_t)v.back().get() % 256 == 0);
		v.back()->c[299] = i;
	}
	for (int i = 0; i < 500; i++)
		check(v[i]->c[299] == (char)i);
	std::unordered_map<std::string, std::vector<std::string>> m;
	for (int i = 0; i < 20000; i++)
		m["key" + std::to_string(i % 500)].push_back(std::string(i % 90, 'x'));
	size_t total = 0;
	for (auto &[k, list] : m)
		for (auto &s : list)
			total += s.size();
	say("%zu", total);
	std::shared_ptr<wide> s = std::make_shared<wide>();
	std::weak_ptr<wide> w = s;
	s.reset();
	check(w.expired());
	return done();
}
