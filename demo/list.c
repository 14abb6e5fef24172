// A list's node is freed, then asked for its successor: works by luck, until it does not.
// expect: use-after-free: READ of size 8
// status: 139
#include <stdio.h>
#include <stdlib.h>

struct customer {
	char name[32];
	struct customer *next;
};

static struct customer *customer_add(struct customer *next, const char *name)
{
	struct customer *c = malloc(sizeof(*c));

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->next = next;
	return c;
}

static void list_free(struct customer *c)
{
	for (; c; c = c->next) /* the bug: c is already freed here */
		free(c);
}

int main(void)
{
	struct customer *list = customer_add(customer_add(NULL, "Berta"), "Anna");

	list_free(list);
	puts("all customers freed");
	return 0;
}
