/* tw_ge_kernels.c - products of general equilibrium: flows [j][n][i8], input use [j][k][n8].
 * Built once per code path; all builds give equal bits. */
#include "tw_ge_linear.h"
#include "tw_level.h"

#include <string.h>

enum { LANES = 8 };

static inline double
dot(size_t n8, const double *restrict x, const double *restrict y)
{
    double acc[LANES] = {0};
    for (size_t n = 0; n < n8; n += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            acc[k] += x[n + k] * y[n + k];
        }
    }
    return ((acc[0] + acc[4]) + (acc[2] + acc[6])) +
           ((acc[1] + acc[5]) + (acc[3] + acc[7]));
}

static inline void
add_row(size_t n8, const double *restrict a, double s, double *restrict sum)
{
    for (size_t n = 0; n < n8; n++) {
        sum[n] += a[n] * s;
    }
}

static inline void
add_rows4(size_t n8, const double *restrict a, const double *scale,
          double *restrict sum)
{
    const double *a1 = a + n8, *a2 = a + 2 * n8, *a3 = a + 3 * n8;
    double s0 = scale[0], s1 = scale[1], s2 = scale[2], s3 = scale[3];
    for (size_t n = 0; n < n8; n++) {
        sum[n] += (a[n] * s0 + a1[n] * s1) + (a2[n] * s2 + a3[n] * s3);
    }
}

static void
rows(size_t J, size_t N, size_t N8, const double *a, const double *v, double *out)
{
    for (size_t j = 0; j < J; j++) {
        for (size_t n = 0; n < N; n++) {
            out[j * N8 + n] = dot(N8, a + (j * N + n) * N8, v + j * N8);
        }
        for (size_t n = N; n < N8; n++) {
            out[j * N8 + n] = 0.0;
        }
    }
}

static void
cols(size_t J, size_t N, size_t N8, const double *a, const double *v, double *out)
{
    for (size_t j = 0; j < J; j++) {
        const double *aj = a + j * N * N8, *vj = v + j * N8;
        double *sum = out + j * N8;
        memset(sum, 0, N8 * sizeof *sum);
        size_t n = 0;
        for (; n + 4 <= N; n += 4) {
            add_rows4(N8, aj + n * N8, vj + n, sum);
        }
        for (; n < N; n++) {
            add_row(N8, aj + n * N8, vj[n], sum);
        }
    }
}

/* One visit of the flows: Phi (+ dead), M, q = X/Phi, and the sums over importers of KT q
 * (and of KX q where it differs).  The factor u of exporters is left to the caller. */
static void
sweep(size_t J, size_t N, size_t N8, const tw_ge_sweep_args *s)
{
    for (size_t j = 0; j < J; j++) {
        const double *K = s->K + j * N * N8, *KT = s->KT + j * N * N8;
        const double *KX = s->KX + j * N * N8, *u = s->u + j * N8;
        double *Phi = s->Phi + j * N8, *M = s->M + j * N8, *q = s->q + j * N8;
        double *Y = s->Y + j * N8, *YT = s->YT + j * N8;
        const double *X = s->X + j * N8, *dead = s->dead + j * N8;
        memset(Y, 0, N8 * sizeof *Y);
        memset(YT, 0, N8 * sizeof *YT);
        for (size_t n = 0; n < N8; n += 4) {
            size_t end = n + 4 <= N ? n + 4 : n < N ? N : n;
            for (size_t r = n; r < end; r++) {
                Phi[r] = dot(N8, K + r * N8, u);
                M[r] = dot(N8, KT + r * N8, u);
            }
            for (size_t r = end; r < n + 4; r++) {
                Phi[r] = M[r] = 0.0;
            }
            for (size_t r = n; r < n + 4; r++) {
                Phi[r] += dead[r];
                q[r] = X[r] / Phi[r];
            }
            if (end == n + 4) {
                add_rows4(N8, KX + n * N8, q + n, Y);
                if (KX != KT) {
                    add_rows4(N8, KT + n * N8, q + n, YT);
                }
                continue;
            }
            for (size_t r = n; r < end; r++) {
                add_row(N8, KX + r * N8, q[r], Y);
                if (KX != KT) {
                    add_row(N8, KT + r * N8, q[r], YT);
                }
            }
        }
    }
}

static void
by_user(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    for (size_t j = 0; j < J; j++) {
        double *restrict sum = out + j * N8;
        memset(sum, 0, N8 * sizeof *sum);
        for (size_t k = 0; k < J; k++) {
            const double *restrict a = g + (j * J + k) * N8, *restrict x = v + k * N8;
            for (size_t n = 0; n < N8; n++) {
                sum[n] += a[n] * x[n];
            }
        }
    }
}

static void
by_input(size_t J, size_t N8, const double *g, const double *v, double *out)
{
    memset(out, 0, J * N8 * sizeof *out);
    for (size_t j = 0; j < J; j++) {
        const double *restrict x = v + j * N8;
        for (size_t k = 0; k < J; k++) {
            const double *restrict a = g + (j * J + k) * N8;
            double *restrict sum = out + k * N8;
            for (size_t n = 0; n < N8; n++) {
                sum[n] += a[n] * x[n];
            }
        }
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
};
