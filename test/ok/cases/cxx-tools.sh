# C++ programs: cmake configuring and ninja building a small project.
# needs: cmake ninja g++
# timeout: 120
# full-timeout: 300
# not-tiny: not tried: cmake and ninja start 100 processes, and cc1plus is slow in an emulator
n=2
[ "$SIZE" = full ] && n=30
cmake --version | head -1
ninja --version
mkdir p && cd p
{
	echo 'cmake_minimum_required(VERSION 3.10)
project(p CXX)
add_executable(p main.cc)'
	for ((i = 0; i < n; i++)); do
		echo "#include <vector>
int f$i(int x) { std::vector<int> v(x, $i); return v.size() + $i; }" >f$i.cc
		echo "target_sources(p PRIVATE f$i.cc)"
	done
	echo 'include(CTest)
add_test(NAME t COMMAND p)'
} >CMakeLists.txt
echo 'int f0(int); int main() { return f0(5) != 5; }' >main.cc
cmake -G Ninja -B b . >log 2>&1
echo "cmake $?"
ninja -C b -j2 >>log 2>&1
echo "ninja $?"
ninja -C b -n | tail -1
cd b && ctest 2>&1 | grep -E 'tests passed'
