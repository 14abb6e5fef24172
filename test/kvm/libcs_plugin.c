/* libcs_plugin.c - what libcs.c opens: its constructor has blocks of its own libc's malloc. */
#include <stdlib.h>
#include <string.h>

char *blocks[3];

__attribute__((constructor)) static void init(void)
{
	blocks[0] = strdup("before anybody asked");
	blocks[1] = strdup("to be moved");
	blocks[2] = calloc(300000, 1);
}
