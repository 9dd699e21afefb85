/* tw_vec8.h - eight doubles as one value, for loops that keep their sums in registers.
 *
 * Every code path does the same operations in the same order, so that all builds give equal
 * bits.  A value is one, two or four of the machine's vectors; compilers without vector types
 * take a plain array.
 */
#ifndef TW_VEC8_H
#define TW_VEC8_H

#include <string.h>

/* TW_WIDE8: values that fit into the registers at once, as sums and as factors.
 * TW_EACH8: one statement for each vector of a value, which begins at number `from`. */
#if defined(__GNUC__) && defined(__AVX512F__)
enum { TW_WIDE8 = 5 };
#define TW_BYTES8 64
#define TW_EACH8(op, ...) op(p0, 0, __VA_ARGS__)
#elif defined(__GNUC__) && defined(__AVX__)
enum { TW_WIDE8 = 2 };
#define TW_BYTES8 32
#define TW_EACH8(op, ...) op(p0, 0, __VA_ARGS__) op(p1, 4, __VA_ARGS__)
#elif defined(__GNUC__)
enum { TW_WIDE8 = 1 };
#define TW_BYTES8 16
#define TW_EACH8(op, ...)                                                \
    op(p0, 0, __VA_ARGS__) op(p1, 2, __VA_ARGS__) op(p2, 4, __VA_ARGS__) \
        op(p3, 6, __VA_ARGS__)
#endif

#if defined(__GNUC__)

typedef double tw_part8 __attribute__((vector_size(TW_BYTES8)));
typedef double tw_part8_at
    __attribute__((vector_size(TW_BYTES8), aligned(8), may_alias));
typedef struct {
    tw_part8 p0;
#if TW_BYTES8 < 64
    tw_part8 p1;
#endif
#if TW_BYTES8 < 32
    tw_part8 p2, p3;
#endif
} tw_vec8;

#define TW_LOAD_(part, from, v, p) (v).part = *(const tw_part8_at *)((p) + (from));
#define TW_STORE_(part, from, v, p) *(tw_part8_at *)((p) + (from)) = (v).part;
#define TW_ZERO_(part, from, v) (v).part = (tw_part8){0.0};

#else

enum { TW_WIDE8 = 1 };
typedef struct {
    double x[8];
} tw_vec8;

#define TW_EACH8(op, ...)            \
    for (int k8 = 0; k8 < 8; k8++) { \
        op(x[k8], k8, __VA_ARGS__)   \
    }
#define TW_LOAD_(part, from, v, p) (v).part = (p)[from];
#define TW_STORE_(part, from, v, p) (p)[from] = (v).part;
#define TW_ZERO_(part, from, v) (v).part = 0.0;

#endif

#define TW_SCALE_(part, from, sum, a, b) (sum).part += (a).part * (b);
#define TW_MULTIPLY_(part, from, sum, a, b) (sum).part += (a).part * (b).part;
#define TW_DIFFER_(part, from, sum, a, b, c, d) \
    (sum).part += (a).part * (b).part - (c).part * (d).part;

#define TW_LOAD8(v, p)           \
    do {                         \
        TW_EACH8(TW_LOAD_, v, p) \
    } while (0)
#define TW_STORE8(p, v)           \
    do {                          \
        TW_EACH8(TW_STORE_, v, p) \
    } while (0)
#define TW_ZERO8(v)           \
    do {                      \
        TW_EACH8(TW_ZERO_, v) \
    } while (0)
/* sum += a b, b one number;  sum += a b, b a value;  sum += a b - c d */
#define TW_SCALE8(sum, a, b)           \
    do {                               \
        TW_EACH8(TW_SCALE_, sum, a, b) \
    } while (0)
#define TW_MULTIPLY8(sum, a, b)           \
    do {                                  \
        TW_EACH8(TW_MULTIPLY_, sum, a, b) \
    } while (0)
#define TW_DIFFER8(sum, a, b, c, d)           \
    do {                                      \
        TW_EACH8(TW_DIFFER_, sum, a, b, c, d) \
    } while (0)

#endif /* TW_VEC8_H */
