/* Checks for the C tests: each test program is a plain main that counts its checks
 * and ends with `return TEST_END();`, which prints "N passed, N failed". */
#ifndef TW_TEST_H
#define TW_TEST_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tw_test_passed;
static int tw_test_failed;

enum { TW_TEST_SHOWN = 20 }; /* further failures are only counted */

static inline int
tw_test_count(int ok)
{
    if (ok) {
        tw_test_passed++;
        return 0;
    }
    tw_test_failed++;
    return tw_test_failed <= TW_TEST_SHOWN; /* worth a message */
}

static inline void
tw_test_check(int ok, const char *file, int line, const char *text)
{
    if (tw_test_count(ok)) {
        printf("%s:%d: failed: %s\n", file, line, text);
    }
}

/* |a - b| <= tol * max(1, |b|); a NaN on either side fails, equal infinities pass. */
static inline void
tw_test_close(double a, double b, double tol, const char *file, int line,
              const char *text)
{
    int ok = a == b || fabs(a - b) <= tol * fmax(1.0, fabs(b));
    if (tw_test_count(ok)) {
        printf("%s:%d: failed: %s: %.17g is not %.17g within %g\n", file, line, text, a,
               b, tol);
    }
}

/* The same bytes: NaN equals NaN, -0 differs from 0. */
static inline void
tw_test_bytes(const void *a, const void *b, size_t size, const char *file, int line,
              const char *text)
{
    if (tw_test_count(memcmp(a, b, size) == 0)) {
        printf("%s:%d: failed: %s: bytes differ\n", file, line, text);
    }
}

static inline int
tw_test_end(const char *file)
{
    const char *slash = strrchr(file, '/');
    printf("%s: %d passed, %d failed\n", slash != NULL ? slash + 1 : file,
           tw_test_passed, tw_test_failed);
    return tw_test_failed != 0 || tw_test_passed == 0;
}

/* True under valgrind and ThreadSanitizer, which are some 20 times slower: do less. */
static inline int
tw_test_quick(void)
{
    return getenv("TW_TEST_QUICK") != NULL;
}

/* A seeded stream of uniform numbers in (0, 1): splitmix64. */
static inline double
tw_test_uniform(unsigned long long *state)
{
    unsigned long long z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    return ((double)(z >> 11) + 0.5) / 9007199254740992.0;
}

#define CHECK(cond) tw_test_check((cond) != 0, __FILE__, __LINE__, #cond)
#define CHECK_CLOSE(a, b, tol) \
    tw_test_close((a), (b), (tol), __FILE__, __LINE__, #a " == " #b)
#define CHECK_BYTES(a, b, size) \
    tw_test_bytes((a), (b), (size), __FILE__, __LINE__, #a " == " #b)
#define TEST_END() tw_test_end(__FILE__)

#endif
