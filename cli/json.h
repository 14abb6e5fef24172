/* json.h - s as a JSON string with its quotes, or null. For the verbs that write JSON. */
#ifndef UD_JSON_H
#define UD_JSON_H

#include <stdio.h>

void json_string(FILE *out, const char *s);

#endif
