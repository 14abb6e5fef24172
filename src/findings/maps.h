/*
 * maps.h - system calls by which a program changes how its own blocks are mapped: told to the
 * engine before they are made.
 *
 * app context. nr: the call's number, a: its first five arguments.
 */
#ifndef UD_MAPS_H
#define UD_MAPS_H

/* May wait for the engine's locks, and take memory; what cannot be done is left as it is. */
void maps_before(long nr, const long *a);

#endif
