/* tw_ge_kernels.c - products of general equilibrium.  Built once per code path; all builds
 * give equal bits.
 *
 * Importers are lanes: flows are [j][i][n8], input use is [j][k][n8].  One sector at a time,
 * so that what importers buy is summed while the sector's flows are in cache.
 */
#include "tw_ge_linear.h"
#include "tw_level.h"

#include <string.h>

enum { LANES = 8, ROWS = 32 };

static inline void
add_row(size_t n8, const double *restrict a, double s, double *restrict sum)
{
    for (size_t n = 0; n < n8; n++) {
        sum[n] += a[n] * s;
    }
}

static inline void
add_rows4(size_t n8, const double *restrict a, const double *s, double *restrict sum)
{
    const double *a1 = a + n8, *a2 = a + 2 * n8, *a3 = a + 3 * n8;
    double s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
    for (size_t n = 0; n < n8; n++) {
        sum[n] += (a[n] * s0 + a1[n] * s1) + (a2[n] * s2 + a3[n] * s3);
    }
}

static inline void
add_rows8(size_t n8, const double *restrict a, const double *s, double *restrict sum)
{
    const double *a1 = a + n8, *a2 = a + 2 * n8, *a3 = a + 3 * n8, *a4 = a + 4 * n8;
    const double *a5 = a + 5 * n8, *a6 = a + 6 * n8, *a7 = a + 7 * n8;
    double s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
    double s4 = s[4], s5 = s[5], s6 = s[6], s7 = s[7];
    for (size_t n = 0; n < n8; n++) {
        double low = (a[n] * s0 + a1[n] * s1) + (a2[n] * s2 + a3[n] * s3);
        double high = (a4[n] * s4 + a5[n] * s5) + (a6[n] * s6 + a7[n] * s7);
        sum[n] += low + high;
    }
}

/* out[n] = sum_i a[i][n] v[i] of one sector */
static inline void
sector_rows(size_t N, size_t N8, const double *a, const double *v, double *out)
{
    size_t i = 0;
    memset(out, 0, N8 * sizeof *out);
    for (; i + 8 <= N; i += 8) {
        add_rows8(N8, a + i * N8, v + i, out);
    }
    if (i + 4 <= N) {
        add_rows4(N8, a + i * N8, v + i, out);
        i += 4;
    }
    for (; i < N; i++) {
        add_row(N8, a + i * N8, v[i], out);
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

static inline void
products(size_t n8, const double *restrict x, const double *restrict y,
         double *restrict out)
{
    double acc[LANES] = {0};
    for (size_t n = 0; n < n8; n += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            acc[k] += x[n + k] * y[n + k];
        }
    }
    memcpy(out, acc, sizeof acc);
}

/* out[i] = sum_n a[i][n] v[n] of one sector */
static inline void
sector_cols(size_t N, size_t N8, const double *a, const double *v, double *out)
{
    double acc[LANES * ROWS];
    for (size_t first = 0; first < N; first += ROWS) {
        size_t count = first + ROWS < N ? ROWS : N - first;
        for (size_t i = 0; i < count; i++) {
            products(N8, a + (first + i) * N8, v, acc + LANES * i);
        }
        sum_lanes(count, acc, out + first);
    }
    for (size_t i = N; i < N8; i++) {
        out[i] = 0.0;
    }
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

/* One visit of the flows: Phi (+ dead), M, q = X/Phi, and the sums over importers of KT q
 * (and of KX q where it differs).  The factor u of exporters is left to the caller. */
static inline void
sweep_any(size_t J, size_t N, size_t N8, const tw_ge_sweep_args *s)
{
    for (size_t j = 0; j < J; j++) {
        size_t k = j * N8, cell = k * N;
        double *restrict Phi = s->Phi + k, *restrict q = s->q + k;
        const double *restrict X = s->X + k, *restrict dead = s->dead + k;
        sector_rows(N, N8, s->K + cell, s->u + k, Phi);
        sector_rows(N, N8, s->KT + cell, s->u + k, s->M + k);
        for (size_t n = 0; n < N8; n++) {
            Phi[n] += dead[n];
            q[n] = X[n] / Phi[n];
        }
        sector_cols(N, N8, s->KX + cell, q, s->Y + k);
        if (s->KX != s->KT) {
            sector_cols(N, N8, s->KT + cell, q, s->YT + k);
        }
    }
}

/* sum += a[0] x[0] + ... + a[3] x[3], vectors of n8 apart by da and dx */
static inline void
add_products4(size_t n8, const double *restrict a, size_t da, const double *restrict x,
              size_t dx, double *restrict sum)
{
    for (size_t n = 0; n < n8; n++) {
        sum[n] += (a[n] * x[n] + a[da + n] * x[dx + n]) +
                  (a[2 * da + n] * x[2 * dx + n] + a[3 * da + n] * x[3 * dx + n]);
    }
}

static inline void
add_product(size_t n8, const double *restrict a, const double *restrict x,
            double *restrict sum)
{
    for (size_t n = 0; n < n8; n++) {
        sum[n] += a[n] * x[n];
    }
}

static inline void
by_user_any(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    for (size_t j = 0; j < J; j++) {
        double *sum = out + j * N8;
        const double *a = g + j * J * N8;
        size_t k = 0;
        for (; k + 4 <= J; k += 4) {
            add_products4(N8, a + k * N8, N8, v + k * N8, N8, sum);
        }
        for (; k < J; k++) {
            add_product(N8, a + k * N8, v + k * N8, sum);
        }
    }
}

static inline void
by_input_any(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    size_t j = 0;
    for (; j + 4 <= J; j += 4) {
        for (size_t k = 0; k < J; k++) {
            add_products4(N8, g + (j * J + k) * N8, J * N8, v + j * N8, N8,
                          out + k * N8);
        }
    }
    for (; j < J; j++) {
        for (size_t k = 0; k < J; k++) {
            add_product(N8, g + (j * J + k) * N8, v + j * N8, out + k * N8);
        }
    }
}

/* Few countries are one vector: with its length known the loops over it vanish. */
static void
by_user(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    if (N8 == LANES) {
        by_user_any(J, LANES, g, v, out);
    }
    else {
        by_user_any(J, N8, g, v, out);
    }
}

static void
by_input(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    if (N8 == LANES) {
        by_input_any(J, LANES, g, v, out);
    }
    else {
        by_input_any(J, N8, g, v, out);
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
    .sweep = sweep,
    .by_user = by_user,
    .by_input = by_input,
    .eval = TW_LEVEL_NAME(tw_ge_eval),
    .tangent = TW_LEVEL_NAME(tw_ge_tangent),
    .adjoint = TW_LEVEL_NAME(tw_ge_transpose),
    .flow_bars = TW_LEVEL_NAME(tw_ge_flow_bars),
};
