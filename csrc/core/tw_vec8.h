/* tw_vec8.h - eight doubles as one value, for loops that keep their sums in registers.
 *
 * Every code path does the same operations in the same order, so that all builds give equal
 * bits.  Compilers without vector types take a plain array.
 */
#ifndef TW_VEC8_H
#define TW_VEC8_H

#include <string.h>

#if defined(__GNUC__)

typedef double tw_vec8 __attribute__((vector_size(64)));
typedef double tw_vec8_at __attribute__((vector_size(64), aligned(8), may_alias));

#define TW_LOAD8(v, p) ((v) = *(const tw_vec8_at *)(p))
#define TW_STORE8(p, v) (*(tw_vec8_at *)(p) = (v))
#define TW_ZERO8(v) ((v) = (tw_vec8){0.0})
/* sum += a b, b a number or a vector; sum += a b - c d */
#define TW_SCALE8(sum, a, b) ((sum) += (a) * (b))
#define TW_MULTIPLY8(sum, a, b) ((sum) += (a) * (b))
#define TW_DIFFER8(sum, a, b, c, d) ((sum) += (a) * (b) - (c) * (d))

#else

typedef struct {
    double x[8];
} tw_vec8;

#define TW_EACH8(statement)          \
    for (int k8 = 0; k8 < 8; k8++) { \
        statement;                   \
    }
#define TW_LOAD8(v, p) memcpy((v).x, (p), sizeof(tw_vec8))
#define TW_STORE8(p, v) memcpy((p), (v).x, sizeof(tw_vec8))
#define TW_ZERO8(v) memset((v).x, 0, sizeof(tw_vec8))
#define TW_SCALE8(sum, a, b) TW_EACH8((sum).x[k8] += (a).x[k8] * (b))
#define TW_MULTIPLY8(sum, a, b) TW_EACH8((sum).x[k8] += (a).x[k8] * (b).x[k8])
#define TW_DIFFER8(sum, a, b, c, d) \
    TW_EACH8((sum).x[k8] += (a).x[k8] * (b).x[k8] - (c).x[k8] * (d).x[k8])

#endif

/* Values that stay in registers at once, by how wide and many those are. */
#if defined(__AVX512F__)
enum { TW_WIDE8 = 5 };
#elif defined(__AVX__)
enum { TW_WIDE8 = 3 };
#else
enum { TW_WIDE8 = 1 };
#endif

#endif /* TW_VEC8_H */
