// A jump into a freed block: a plug-in's code is called after it was unloaded.
// expect: use-after-free: EXEC
// status: 139
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42,%eax; ret */
	unsigned char *plugin = aligned_alloc(4096, 4096);
	int (*volatile entry)(void) = (int (*)(void))(void *)plugin;

	memcpy(plugin, code, sizeof(code));
	if (mprotect(plugin, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
		return 1;
	printf("the plug-in says %d\n", entry());
	free(plugin);
	printf("and again %d\n", entry()); /* the bug */
	return 0;
}
