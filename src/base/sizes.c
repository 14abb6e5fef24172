/*
 * sizes.c - see sizes.h. pure but for its own read-only table.
 *
 * 16-byte steps up to 128, then four per doubling as long as another slot fits in a page.
 */
#include "sizes.h"

const uint16_t small_size[SMALL_CLASSES] = {16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256,
	320, 384, 448, 512, 576, 672, 800, 1024, 1360, 2048, 4096};
uint8_t small_class[SMALL_MAX / 16 + 1];

void small_init(void)
{
	for (unsigned i = 0, c = 0; i < sizeof(small_class); i++) {
		while (small_size[c] < i * 16)
			c++;
		small_class[i] = (uint8_t)c;
	}
}
