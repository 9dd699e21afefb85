/* tw_ge_kernels.c - products of general equilibrium.  Built once per code path; all builds
 * give equal bits.
 *
 * Importers are lanes: flows are [j][i][n8], input use is [j][k][n8].  One sector at a time,
 * so that what importers buy is summed while the sector's flows are in cache.
 */
#include "tw_ge_linear.h"
#include "tw_level.h"
#include "tw_vec8.h"

enum { LANES = 8, ROWS = 32, MOST = 5 };

/* Lanes go in blocks of `wide` vectors whose sums stay in registers while the rows pass; with
 * `wide` known the loops over it vanish.  A sum runs over the rows, or the lanes, in their
 * order, whatever the blocks. */
#define BY_BLOCK(body)                                     \
    for (size_t n = 0, wide; n < n8; n += LANES * wide) {  \
        wide = TW_MIN((n8 - n) / LANES, (size_t)TW_WIDE8); \
        switch (wide) {                                    \
            case 5:                                        \
                body(5);                                   \
                break;                                     \
            case 4:                                        \
                body(4);                                   \
                break;                                     \
            case 3:                                        \
                body(3);                                   \
                break;                                     \
            case 2:                                        \
                body(2);                                   \
                break;                                     \
            default:                                       \
                body(1);                                   \
        }                                                  \
    }

/* ---- flows: the rows are exporters ----------------------------------------------------- */

/* out[n] = sum_i a[i][n] v[i] */
static inline void
rows_block(size_t wide, size_t N, size_t n8, const double *restrict a,
           const double *restrict v, double *restrict out)
{
    tw_vec8 sum[MOST], x;
    for (size_t k = 0; k < wide; k++) {
        TW_ZERO8(sum[k]);
    }
    for (size_t i = 0; i < N; i++) {
        const double *row = a + i * n8;
        for (size_t k = 0; k < wide; k++) {
            TW_LOAD8(x, row + LANES * k);
            TW_SCALE8(sum[k], x, v[i]);
        }
    }
    for (size_t k = 0; k < wide; k++) {
        TW_STORE8(out + LANES * k, sum[k]);
    }
}

static inline void
sector_rows(size_t N, size_t n8, const double *a, const double *v, double *out)
{
#define BODY(wide) rows_block(wide, N, n8, a + n, v, out + n)
    BY_BLOCK(BODY)
#undef BODY
}

/* acc[i] += a[i] x, lane by lane */
static inline void
cols_block(size_t wide, size_t count, size_t n8, const double *restrict a,
           const double *restrict x, double *restrict acc)
{
    tw_vec8 v[MOST], sum, y;
    for (size_t k = 0; k < wide; k++) {
        TW_LOAD8(v[k], x + LANES * k);
    }
    for (size_t i = 0; i < count; i++) {
        const double *row = a + i * n8;
        TW_LOAD8(sum, acc + LANES * i);
        for (size_t k = 0; k < wide; k++) {
            TW_LOAD8(y, row + LANES * k);
            TW_MULTIPLY8(sum, y, v[k]);
        }
        TW_STORE8(acc + LANES * i, sum);
    }
}

/* acc[i] += a[i] x, and out[n] += sum_i a[i][n] v[i] */
static inline void
both_block(size_t wide, size_t count, size_t n8, const double *restrict a,
           const double *restrict x, const double *restrict v, double *restrict acc,
           double *restrict out)
{
    tw_vec8 factor[MOST], total[MOST], sum, y;
    for (size_t k = 0; k < wide; k++) {
        TW_LOAD8(factor[k], x + LANES * k);
        TW_LOAD8(total[k], out + LANES * k);
    }
    for (size_t i = 0; i < count; i++) {
        const double *row = a + i * n8;
        TW_LOAD8(sum, acc + LANES * i);
        for (size_t k = 0; k < wide; k++) {
            TW_LOAD8(y, row + LANES * k);
            TW_SCALE8(total[k], y, v[i]);
            TW_MULTIPLY8(sum, y, factor[k]);
        }
        TW_STORE8(acc + LANES * i, sum);
    }
    for (size_t k = 0; k < wide; k++) {
        TW_STORE8(out + LANES * k, total[k]);
    }
}

/* acc[i] += a[i] x - b[i] y */
static inline void
apart_block(size_t wide, size_t count, size_t n8, const double *restrict a,
            const double *restrict b, const double *restrict x,
            const double *restrict y, double *restrict acc)
{
    tw_vec8 xk[MOST], yk[MOST], sum, ak, bk;
    for (size_t k = 0; k < wide; k++) {
        TW_LOAD8(xk[k], x + LANES * k);
        TW_LOAD8(yk[k], y + LANES * k);
    }
    for (size_t i = 0; i < count; i++) {
        const double *row_a = a + i * n8, *row_b = b + i * n8;
        TW_LOAD8(sum, acc + LANES * i);
        for (size_t k = 0; k < wide; k++) {
            TW_LOAD8(ak, row_a + LANES * k);
            TW_LOAD8(bk, row_b + LANES * k);
            TW_DIFFER8(sum, ak, xk[k], bk, yk[k]);
        }
        TW_STORE8(acc + LANES * i, sum);
    }
}

/* out[i] = sum of acc[i][8], as lane_sum of tw_kernels.c, for many rows at once. */
static inline void
sum_lanes(size_t count, const double *restrict acc, double *restrict out)
{
    double half[4 * ROWS];
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 4; k++) {
            half[4 * i + k] = acc[LANES * i + k] + acc[LANES * i + k + 4];
        }
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = (half[4 * i] + half[4 * i + 2]) + (half[4 * i + 1] + half[4 * i + 3]);
    }
}

/* out[i] = sum_n a[i][n] x[n] of one sector */
static inline void
sector_cols(size_t N, size_t n8, const double *a, const double *x, double *out)
{
    double acc[LANES * ROWS];
    for (size_t first = 0; first < N; first += ROWS) {
        size_t count = TW_MIN(N - first, (size_t)ROWS);
        memset(acc, 0, count * LANES * sizeof *acc);
#define BODY(wide) cols_block(wide, count, n8, a + first * n8 + n, x + n, acc)
        BY_BLOCK(BODY)
#undef BODY
        sum_lanes(count, acc, out + first);
    }
    memset(out + N, 0, (n8 - N) * sizeof *out);
}

/* out[i] = sum_n a[i][n] x[n] and M[n] = sum_i a[i][n] v[i] */
static inline void
sector_both(size_t N, size_t n8, const double *a, const double *x, const double *v,
            double *out, double *M)
{
    double acc[LANES * ROWS];
    memset(M, 0, n8 * sizeof *M);
    for (size_t first = 0; first < N; first += ROWS) {
        size_t count = TW_MIN(N - first, (size_t)ROWS);
        memset(acc, 0, count * LANES * sizeof *acc);
#define BODY(wide) \
    both_block(wide, count, n8, a + first * n8 + n, x + n, v + first, acc, M + n)
        BY_BLOCK(BODY)
#undef BODY
        sum_lanes(count, acc, out + first);
    }
    memset(out + N, 0, (n8 - N) * sizeof *out);
}

/* out[i] = sum_n a[i][n] x[n] - b[i][n] y[n] */
static inline void
sector_apart(size_t N, size_t n8, const double *a, const double *b, const double *x,
             const double *y, double *out)
{
    double acc[LANES * ROWS];
    for (size_t first = 0; first < N; first += ROWS) {
        size_t count = TW_MIN(N - first, (size_t)ROWS);
        memset(acc, 0, count * LANES * sizeof *acc);
#define BODY(wide)                                                                     \
    apart_block(wide, count, n8, a + first * n8 + n, b + first * n8 + n, x + n, y + n, \
                acc)
        BY_BLOCK(BODY)
#undef BODY
        sum_lanes(count, acc, out + first);
    }
    memset(out + N, 0, (n8 - N) * sizeof *out);
}

static void
rows(size_t J, size_t N, size_t N8, const double *a, const double *v, double *out)
{
    for (size_t j = 0; j < J; j++) {
        sector_rows(N, N8, a + j * N * N8, v + j * N8, out + j * N8);
    }
}

static void
cols(size_t J, size_t N, size_t N8, const double *a, const double *v, double *out)
{
    for (size_t j = 0; j < J; j++) {
        sector_cols(N, N8, a + j * N * N8, v + j * N8, out + j * N8);
    }
}

static void
cols_apart(size_t J, size_t N, size_t N8, const double *a, const double *b,
           const double *x, const double *y, double *out)
{
    for (size_t j = 0; j < J; j++) {
        size_t k = j * N8, cell = k * N;
        sector_apart(N, N8, a + cell, b + cell, x + k, y + k, out + k);
    }
}

/* One visit of the flows: Phi (+ dead), q = X/Phi, M, and the sums over importers of KT q
 * (and of KX q where it differs).  The factor u of exporters is left to the caller. */
static inline void
sweep_any(size_t J, size_t N, size_t N8, const tw_ge_sweep_args *s)
{
    for (size_t j = 0; j < J; j++) {
        size_t k = j * N8, cell = k * N;
        double *restrict Phi = s->Phi + k, *restrict q = s->q + k;
        const double *restrict X = s->X + k, *restrict dead = s->dead + k;
        sector_rows(N, N8, s->K + cell, s->u + k, Phi);
        for (size_t n = 0; n < N8; n++) {
            Phi[n] += dead[n];
            q[n] = X[n] / Phi[n];
        }
        double *Y = s->KX != s->KT ? s->YT + k : s->Y + k;
        sector_both(N, N8, s->KT + cell, q, s->u + k, Y, s->M + k);
        if (s->KX != s->KT) {
            sector_cols(N, N8, s->KX + cell, q, s->Y + k);
        }
    }
}

/* ---- input use: the rows are inputs, or users ------------------------------------------ */

/* sum[n] += a[0][n] x[0][n] + ..., `count` vectors that are da and dx apart */
static inline void
use_block(size_t wide, size_t count, const double *restrict a, size_t da,
          const double *restrict x, size_t dx, double *restrict sum)
{
    tw_vec8 s[MOST], y, z;
    for (size_t k = 0; k < wide; k++) {
        TW_LOAD8(s[k], sum + LANES * k);
    }
    for (size_t i = 0; i < count; i++) {
        const double *row_a = a + i * da, *row_x = x + i * dx;
        for (size_t k = 0; k < wide; k++) {
            TW_LOAD8(y, row_a + LANES * k);
            TW_LOAD8(z, row_x + LANES * k);
            TW_MULTIPLY8(s[k], y, z);
        }
    }
    for (size_t k = 0; k < wide; k++) {
        TW_STORE8(sum + LANES * k, s[k]);
    }
}

static inline void
use(size_t n8, size_t count, const double *a, size_t da, const double *x, double *sum)
{
#define BODY(wide) use_block(wide, count, a + n, da, x + n, n8, sum + n)
    BY_BLOCK(BODY)
#undef BODY
}

static inline void
by_user_any(size_t J, size_t n8, const double *g, const double *v, double *out)
{
    for (size_t j = 0; j < J; j++) {
        use(n8, J, g + j * J * n8, n8, v, out + j * n8);
    }
}

/* Eight users at a time: their rows of g are read side by side, in order. */
static inline void
by_input_any(size_t J, size_t n8, const double *g, const double *v, double *out)
{
    for (size_t j = 0; j < J; j += 8) {
        for (size_t k = 0; k < J; k++) {
            use(n8, TW_MIN(J - j, (size_t)8), g + (j * J + k) * n8, J * n8, v + j * n8,
                out + k * n8);
        }
    }
}

/* Few countries are one vector: four sums at once, that the additions of one need not wait for
 * each other.  sum[o] += a[o do + i di] x[i], all places in vectors. */
static inline void
use_four(size_t count, size_t of, const double *restrict a, size_t d_of, size_t di,
         const double *restrict x, double *restrict sum)
{
    tw_vec8 s[4], y, z;
    for (size_t o = 0; o < of; o++) {
        TW_LOAD8(s[o], sum + LANES * o);
    }
    for (size_t i = 0; i < count; i++) {
        TW_LOAD8(z, x + LANES * i);
        for (size_t o = 0; o < of; o++) {
            TW_LOAD8(y, a + LANES * (o * d_of + i * di));
            TW_MULTIPLY8(s[o], y, z);
        }
    }
    for (size_t o = 0; o < of; o++) {
        TW_STORE8(sum + LANES * o, s[o]);
    }
}

static void
use_few(size_t J, const double *g, size_t d_of, size_t di, const double *v, double *out)
{
    size_t o = 0;
    for (; o + 4 <= J; o += 4) {
        use_four(J, 4, g + LANES * o * d_of, d_of, di, v, out + LANES * o);
    }
    for (; o < J; o++) {
        use_four(J, 1, g + LANES * o * d_of, d_of, di, v, out + LANES * o);
    }
}

static void
by_user(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    if (N8 == LANES) {
        use_few(J, g, J, 1, v, out);
    }
    else {
        by_user_any(J, N8, g, v, out);
    }
}

static void
by_input(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    if (N8 == LANES) {
        use_few(J, g, 1, J, v, out);
    }
    else {
        by_input_any(J, N8, g, v, out);
    }
}

/* ---- steps ------------------------------------------------------------------------------ */

static void
pass(size_t J, size_t N8, const double *restrict c, const double *restrict w,
     double *restrict P)
{
    for (size_t k = 0; k < J * N8; k += N8) {
        for (size_t n = 0; n < N8; n++) {
            P[k + n] += c[k + n] * w[n];
        }
    }
}

static void
pull(size_t J, size_t N8, const double *restrict c, const double *restrict P,
     double *restrict w)
{
    for (size_t k = 0; k < J * N8; k += N8) {
        for (size_t n = 0; n < N8; n++) {
            w[n] += c[k + n] * P[k + n];
        }
    }
}

static void
sweep(size_t J, size_t N, size_t N8, const tw_ge_sweep_args *s)
{
    if (N8 == LANES) {
        sweep_any(J, N, LANES, s);
    }
    else {
        sweep_any(J, N, N8, s);
    }
}

extern const tw_ge_kernels TW_LEVEL_NAME(tw_ge_kernels);

const tw_ge_kernels TW_LEVEL_NAME(tw_ge_kernels) = {
    .rows = rows,
    .cols = cols,
    .cols_apart = cols_apart,
    .sweep = sweep,
    .pass = pass,
    .pull = pull,
    .by_user = by_user,
    .by_input = by_input,
    .eval = TW_LEVEL_NAME(tw_ge_eval),
    .tangent = TW_LEVEL_NAME(tw_ge_tangent),
    .adjoint = TW_LEVEL_NAME(tw_ge_transpose),
    .flow_bars = TW_LEVEL_NAME(tw_ge_flow_bars),
};
