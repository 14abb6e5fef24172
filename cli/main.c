/* main.c - the undangle command: picks the verb. Each verb has its own file. */
#include "out.h"

int main(int argc, char **argv)
{
	out_line(2, "undangle: no verb yet");
	return 2;
}
