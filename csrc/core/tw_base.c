/* tw_base.c - status words, allocation, clock.  Platform differences end here. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "tw_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#ifndef TW_VERSION
#define TW_VERSION "0"
#endif

const char *
tw_version(void)
{
    return TW_VERSION;
}

const char *
tw_status_name(tw_status status)
{
    switch (status) {
        case TW_OK:
            return "converged";
        case TW_NOCONV:
            return "not converged";
        case TW_EDOMAIN:
            return "outside the domain";
        case TW_ENOMEM:
            return "out of memory";
        case TW_EINTR:
            return "interrupted";
        case TW_ENUMERIC:
            return "numerical failure";
        default:
            return "unknown status";
    }
}

void *
tw_alloc(size_t count, size_t size)
{
    if (count == 0 || size == 0 || count > SIZE_MAX / size) {
        return NULL;
    }
    return calloc(count, size);
}

void *
tw_reserve(size_t count, size_t size)
{
    if (count == 0 || size == 0 || count > SIZE_MAX / size) {
        return NULL;
    }
    return malloc(count * size);
}

void
tw_free(void *p)
{
    free(p);
}

double
tw_clock(void)
{
    struct timespec t;
#if defined(_WIN32)
    timespec_get(&t, TIME_UTC);
#else
    clock_gettime(CLOCK_MONOTONIC, &t);
#endif
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
