// C++: a reference into a vector is used after push_back has moved the elements.
// expect: use-after-free: READ of size
// status: 139
#include <cstdio>
#include <string>
#include <vector>

int main()
{
	std::vector<std::string> names{"Anna", "Berta"};
	const std::string &first = names[0];

	for (int i = 0; i < 100; i++)
		names.push_back("Carla");
	std::printf("the first name has %zu letters\n", first.size()); // the bug
	return 0;
}
