/* The program whose layout is compared: not PIE, in low memory as in the notes. */
int main(void)
{
	return 3; /* never reached under `undangle layout` */
}
