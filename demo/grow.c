// A pointer into an array is kept while realloc moves the array.
// expect: use-after-free: READ of size 4
// status: 139
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	int *numbers = malloc(4 * sizeof(int)), *first = numbers, *pin;

	numbers[0] = 42;
	pin = malloc(64);
	numbers = realloc(numbers, 100000 * sizeof(int));
	if (!numbers || !pin)
		return 1;
	numbers[0] = 43;
	printf("the first number is %d\n", *first); /* the bug: *first is where the array was */
	free(pin);
	free(numbers);
	return 0;
}
