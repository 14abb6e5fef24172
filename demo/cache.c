// A pointer kept in a cache outlives its block; writing through it destroys somebody else's data.
// expect: use-after-free: WRITE of size
// status: 139
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *cached;

static char *session_open(const char *user)
{
	char *s = malloc(48);

	strcpy(s, user);
	cached = s;
	return s;
}

int main(void)
{
	char *session = session_open("guest"), *password;

	free(session);
	password = malloc(48); /* with an ordinary malloc: the same memory */
	strcpy(password, "secret-of-root");
	memcpy(cached, "changed", 8); /* the bug */
	printf("the password is now \"%s\"\n", password);
	return 0;
}
