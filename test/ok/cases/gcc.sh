# gcc and make building this project; the objects must be equal byte for byte.
# needs: gcc make
# timeout: 240
# full-timeout: 1200
# not-tiny: not tried: cc1plus is slow in an emulator (gcc is in test/vm/list.d/20dune.list)
mkdir src
cp "$TOP"/src/*.h "$TOP"/src/*.def src/
srcs="out.c panic.c"
[ "$SIZE" = full ] && srcs=$(cd "$TOP/src" && ls *.c)
for f in $srcs; do
	cp "$TOP/src/$f" src/
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -g -fPIC -frandom-seed=1 -ffile-prefix-map=$PWD=. -Isrc -c -o "${f%.c}.o" "src/$f" 2>err.$f
	echo "$f $? $(md5sum <"${f%.c}.o")"
done
cat >m.mk <<'MK'
all: a b c d
a b c d:
	@echo 'int f$@(int x) { return x * 3; }' >$@.c
	@gcc -O1 -c $@.c -o $@.o
MK
make -s -j2 -f m.mk && cat a.o b.o c.o d.o | md5sum
cat >t.cc <<'CC'
#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
int main()
{
	std::map<std::string, std::vector<int>> m;
	for (int i = 0; i < 20000; i++)
		m["k" + std::to_string(i % 777)].push_back(i);
	long s = 0;
	for (auto &[k, v] : m)
		s += k.size() * v.size() + std::count_if(v.begin(), v.end(), [](int x) { return x % 3 == 0; });
	std::regex re("k([0-9]+)");
	int hits = 0;
	for (auto &[k, v] : m)
		hits += std::regex_match(k, re);
	std::cout << s << " " << hits << "\n";
}
CC
g++ -O1 -o t t.cc && ./t && objcopy -O binary -j .text t t.text && md5sum <t.text
