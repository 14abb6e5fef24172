// expect: kind=use-after-free access=READ bytes=8 offset=0 block=16 status=139
// expect: use=drop_all>main free=drop_all>main alloc=push>main
// test: access=- bytes=- call=free status=134
// The classic: walking a list while freeing it.
#include "bug.h"

struct node {
	struct node *next;
	long value;
};

NOINLINE static struct node *push(struct node *head)
{
	struct node *n = malloc(sizeof(*n));

	HIDE(n);
	n->next = head;
	KEEP();
	return n;
}

NOINLINE static void drop_all(struct node *n)
{
	struct node *next;

	while (n) {
		next = TWIN ? n->next : NULL;
		free(n);
		settle();
		n = TWIN ? next : *(struct node *volatile *)&n->next;
	}
	KEEP();
}

int main(void)
{
	struct node *head = NULL;
	int i;

	for (i = 0; i < 5; i++)
		head = push(head);
	drop_all(head);
	return 0;
}
