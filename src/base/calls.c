/*
 * calls.c - expands syscalls.def, structs.def, commands.def and libc.def into the tables of
 * calls.h.
 *
 * pure: constant data and four lookups.
 */
#include "calls.h"

#include <asm/ioctls.h>

/* A macro for the braces: clang-format then leaves one description on one line. */
#define DESC(...)           \
	{                   \
		__VA_ARGS__ \
	}

#define V	     DESC(.kind = D_VALUE)
#define ANY	     DESC(.kind = D_ANY)
#define S	     DESC(.kind = D_STRING)
#define STRS	     DESC(.kind = D_STRINGS)
#define IN(b)	     DESC(.kind = D_MEM, .src = SZ_CONST, .n = (b))
#define OUT(b)	     DESC(.kind = D_MEM, .src = SZ_CONST, .n = (b), .write = true)
#define IO(b)	     OUT(b)
#define IN_BY(a, b)  DESC(.kind = D_MEM, .src = SZ_ARG, .at = (a), .n = (b))
#define OUT_BY(a, b) DESC(.kind = D_MEM, .src = SZ_ARG, .at = (a), .n = (b), .write = true)
#define IO_BY(a, b)  OUT_BY(a, b)
#define PIN(a, b)    DESC(.kind = D_MEM, .src = SZ_ARG, .at = (a), .n = (b), .part = true)
#define POUT(a, b) \
	DESC(.kind = D_MEM, .src = SZ_ARG, .at = (a), .n = (b), .part = true, .write = true)
#define IN_BITS(a)    DESC(.kind = D_MEM, .src = SZ_BITS, .at = (a))
#define IO_BITS(a)    DESC(.kind = D_MEM, .src = SZ_BITS, .at = (a), .write = true)
#define OUT_AT(a)     DESC(.kind = D_MEM, .src = SZ_AT, .at = (a), .n = 1, .write = true)
#define P_IN	      DESC(.kind = D_MEM, .src = SZ_CONST, .n = 1)
#define P_OUT	      DESC(.kind = D_MEM, .src = SZ_CONST, .n = 1, .write = true)
#define P_IO	      P_OUT
#define ONE(s)	      DESC(.kind = D_STRUCT, .src = SZ_CONST, .n = 1, .st = ST_##s)
#define ARR(s, a)     DESC(.kind = D_STRUCT, .src = SZ_ARG, .at = (a), .n = 1, .st = ST_##s)
#define SELF(s, a)    DESC(.kind = D_SELF, .src = SZ_ARG, .at = (a), .n = 1, .st = ST_##s)
#define MM(a)	      DESC(.kind = D_RANGE, .src = SZ_ARG, .at = (a), .n = 1)
#define SCAN(a)	      DESC(.kind = D_SCAN, .src = SZ_ARG, .at = (a), .n = 1, .write = true)
#define SCAN_N(b)     DESC(.kind = D_SCAN, .src = SZ_CONST, .n = (b), .write = true)
#define PROBE(b)      DESC(.kind = D_PROBE, .src = SZ_CONST, .n = (b))
#define IOC	      DESC(.kind = D_IOC)
#define IN_F(w, o, b) DESC(.kind = D_MEM, .src = SZ_FIELD, .width = (w), .at = (o), .n = (b))
#define OUT_F(w, o, b) \
	DESC(.kind = D_MEM, .src = SZ_FIELD, .width = (w), .at = (o), .n = (b), .write = true)
#define PIN_F(w, o, b) \
	DESC(.kind = D_MEM, .src = SZ_FIELD, .width = (w), .at = (o), .n = (b), .part = true)
#define POUT_F(w, o, b)                                                                       \
	DESC(.kind = D_MEM, .src = SZ_FIELD, .width = (w), .at = (o), .n = (b), .part = true, \
		.write = true)
#define ARR_F(s, w, o) \
	DESC(.kind = D_STRUCT, .src = SZ_FIELD, .width = (w), .at = (o), .n = 1, .st = ST_##s)
#define PTR(s) ONE(s)

#define STRUCT(name, ...) ST_##name,
enum {
#include "structs.def"
	ST_COUNT
};
#undef STRUCT

#define F(o, ...)			 DESC((o), __VA_ARGS__)
#define STRUCT(name, bytes, isback, ...) static const struct field fields_##name[] = {__VA_ARGS__};
#include "structs.def"
#undef STRUCT

static const struct shape shapes[ST_COUNT] = {
#define STRUCT(name, size, isback, ...) \
	[ST_##name] = {fields_##name, ARRAY_LEN(fields_##name), isback, size},
#include "structs.def"
#undef STRUCT
};

static const struct call_row rows[] = {
#define SYS(nr, call, ...)	[nr] = {#call, ROW_DESCRIBED, 0, 0, 0, 0, {__VA_ARGS__}},
#define SYS_NONE(nr, call)	[nr] = {.name = #call, .state = ROW_NONE},
#define SYS_REFUSE(nr, call, e) [nr] = {.name = #call, .state = ROW_REFUSED, .err = (e)},
#define SYS_KEY(nr, call, k1, k2, keymask, ...) \
	[nr] = {#call, ROW_DESCRIBED, k1, k2, 0, keymask, {__VA_ARGS__}},
#include "syscalls.def"
};

#undef SYS
#undef SYS_NONE
#undef SYS_REFUSE
#undef SYS_KEY
#define SYS(nr, call, ...)
#define SYS_NONE(nr, call)
#define SYS_REFUSE(nr, call, e)
#define SYS_KEY(nr, call, ...) NR_##call = (nr),
enum {
#include "syscalls.def"
};

static const struct desc libc[LIBC_COUNT][CALLS_ARGS] = {
#define LIBC(name, ...) [LIBC_##name] = {__VA_ARGS__},
#include "libc.def"
};

static const struct command {
	uint16_t nr;
	uint32_t key, key2;
	struct desc a[6];
} commands[] = {
#define CMD(call, k, ...)      {NR_##call, (k), 0, {__VA_ARGS__}},
#define CMD2(call, k, k2, ...) {NR_##call, (k), (k2), {__VA_ARGS__}},
#include "commands.def"
};

const struct call_row *calls_row(long nr)
{
	if (nr < 0 || nr >= (long)ARRAY_LEN(rows) || rows[nr].state == ROW_UNKNOWN)
		return NULL;
	return &rows[nr];
}

const struct desc *calls_desc(const struct call_row *r, long nr, const uint64_t args[6])
{
	uint32_t key, key2;
	size_t i;

	if (!r->key)
		return r->a;
	key = args[r->key - 1] & r->mask;
	key2 = r->key2 ? args[r->key2 - 1] & r->mask : 0;
	for (i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].nr == nr && commands[i].key == key && commands[i].key2 == key2)
			return commands[i].a;
	return r->a;
}

const struct shape *calls_shape(const struct desc *d)
{
	return &shapes[d->st];
}

const struct desc *calls_libc(enum calls_libc which)
{
	return libc[which];
}
