# adaptive: kills at free keep to their share of the time in a storm of frees, after a pause and with several threads.
# What is charged is elapsed time, several times over, at most 16 ms for a kill in which its thread was not scheduled
# (budget.c). So on any machine 8 units die at once of the 125 ms that may be overdrawn, and no more than those, the
# share and a kill of each thread are charged; without a budget it is more than the run is long.
cat >storm.c <<'X'
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}
static void *storm(void *seconds)
{
	void *volatile keep[512] = {0};
	double end = now() + *(double *)seconds;
	for (unsigned i = 0; i % 64 || now() < end; i++) {
		free(keep[i % 512]);
		keep[i % 512] = malloc(16 + i * 16 % 1024);
	}
	for (unsigned i = 0; i < 512; i++)
		free(keep[i]);
	return NULL;
}
int main(void)
{
	double seconds = 1.2;
	pthread_t t[4];
	storm(&seconds);
	usleep(300000);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, storm, &seconds);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}
X
$cc -O1 -g -w -pthread -o storm storm.c
# share PERCENT: how many units died at once, "kept" or what was charged in how many ms
share() {
	local from=$(date +%s%N) ms
	"$ud" --stats --no-stacks --strict-share="$1" ./storm 2>err
	ms=$((($(date +%s%N) - from) / 1000000))
	sed -n 's/.*at once  *\([0-9]*\) units, of [0-9]* places; charged \([0-9]*\) ms$/\1 \2/p' err |
		awk -v ms=$ms -v share="$1" '{ print ($1 >= 8 ? "some" : $1), ($2 <= ms * share / 100 + 205 ? "kept" : $2 " of " ms) }'
}
verdict share-kept 'some kept' "$(share 5)"
verdict share-none '' "$(share 0)"
