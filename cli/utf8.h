/* utf8.h - bytes that came from anywhere, for output that must be UTF-8. */
#ifndef UD_UTF8_H
#define UD_UTF8_H

#include <stddef.h>

/* Length of the well-formed character at s, 0 if there is none; s ends with a zero byte. */
static inline size_t utf8_length(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;
	size_t n = c[0] < 0x80	 ? 1
		   : c[0] < 0xc2 ? 0
		   : c[0] < 0xe0 ? 2
		   : c[0] < 0xf0 ? 3
		   : c[0] < 0xf5 ? 4
				 : 0;

	for (size_t i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, a surrogate, beyond the last */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
		(c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return n;
}

#endif
