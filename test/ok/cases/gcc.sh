# gcc and make building this project; the objects must be equal byte for byte.
# needs: gcc make
# timeout: 240
# full-timeout: 1200
# not-tiny: not tried: cc1plus is slow in an emulator (gcc is in test/vm/list.d/20dune.list)
cp -r "$TOP/src" src
srcs="base/out.c base/panic.c"
[ "$SIZE" = full ] && srcs=$(cd src && ls base/*.c pages/*.c rows/*.c findings/*.c)
for f in $srcs; do
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -g -fPIC -frandom-seed=1 -ffile-prefix-map=$PWD=. -I"$TOP/include" -Isrc -c -o t.o "src/$f" 2>err
	echo "$f $? $(md5sum <t.o)"
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
#ifndef TINY
#include <regex>
#endif
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
	int hits = 0;
#ifndef TINY
	std::regex re("k([0-9]+)");
	for (auto &[k, v] : m)
		hits += std::regex_match(k, re);
#endif
	std::cout << s << " " << hits << "\n";
}
CC
[ "$SIZE" = tiny ] && tiny=-DTINY
g++ -O1 $tiny -o t t.cc && ./t && objcopy -O binary -j .text t t.text && md5sum <t.text
