/*
 * calls.h - what each system call's arguments are: the tables made from the .def files.
 *
 * pure: constant data. syscalls.def explains the words. Read by kvm/translate.c, which rewrites
 * arguments, and by findings/judge.c, which looks for the one that a call failed of.
 */
#ifndef UD_CALLS_H
#define UD_CALLS_H

#include "words.h"

enum desc_kind {
	D_VALUE,
	D_ANY,
	D_STRING,
	D_STRINGS,
	D_MEM,
	D_STRUCT,
	D_SELF,
	D_RANGE,
	D_SCAN,
	D_PROBE,
	D_IOC
};
enum size_src { SZ_NONE, SZ_CONST, SZ_ARG, SZ_BITS, SZ_AT, SZ_FIELD };

struct desc {
	uint8_t kind, src;
	bool write;    /* the kernel writes there                                      */
	bool part;     /* fewer elements are legal                                     */
	uint8_t at;    /* SZ_ARG, SZ_BITS, SZ_AT: which argument; SZ_FIELD: byte offset */
	uint8_t width; /* SZ_FIELD: bits                                            */
	uint8_t st;    /* D_STRUCT, D_SELF                                          */
	uint32_t n;    /* bytes, or bytes per element                               */
};

struct field {
	uint8_t off; /* of the pointer in its structure */
	struct desc d;
};

struct shape { /* a structure with pointers inside */
	const struct field *fields;
	uint8_t nfields;
	bool back; /* the kernel writes into it */
	uint16_t bytes;
};

#define CALLS_ARGS 7 /* of a function of libc */

enum calls_libc {
#define LIBC(name, ...) LIBC_##name,
#include "libc.def"
#undef LIBC
	LIBC_COUNT
};

enum row_state { ROW_UNKNOWN, ROW_DESCRIBED, ROW_NONE, ROW_REFUSED };

struct call_row {
	char name
		[24]; /* here, for each page of pointers costs every process a copy when it starts */
	uint8_t state, key, key2, err;
	uint32_t mask;
	struct desc a[6];
};

/* The row of a call, or NULL if there is none. */
const struct call_row *calls_row(long nr);

/* The descriptions of its six arguments, by command where there are commands. */
const struct desc *calls_desc(const struct call_row *r, long nr, const uint64_t args[6]);

/* Of a function of libc in libc.def, all CALLS_ARGS. */
const struct desc *calls_libc(enum calls_libc which);

/* The structure that a D_STRUCT or D_SELF description names. */
const struct shape *calls_shape(const struct desc *d);

#endif
