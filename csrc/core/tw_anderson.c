/* tw_anderson.c - see tw_anderson.h. */
#include "tw_anderson.h"

#include <math.h>
#include <string.h>

enum { M = TW_ANDERSON_MOST };

size_t
tw_anderson_doubles(size_t n8, size_t memory)
{
    return (2 * memory + 2) * n8 + (memory * memory + 7) / 8 * 8;
}

void
tw_anderson_init(tw_anderson *aa, size_t n8, size_t memory, double *scratch)
{
    *aa = (tw_anderson){.n8 = n8, .memory = memory};
    aa->dy = scratch;
    aa->df = scratch + memory * n8;
    aa->y_last = scratch + 2 * memory * n8;
    aa->f_last = aa->y_last + n8;
    aa->gram = aa->f_last + n8;
}

/* Store the newest difference and its products with the others. */
static void
push(tw_anderson *aa, const tw_kernels *kern, const double *y, const double *f)
{
    size_t n8 = aa->n8, h = aa->head, memory = aa->memory;
    double *dy = aa->dy + h * n8, *df = aa->df + h * n8;
    for (size_t k = 0; k < n8; k++) {
        dy[k] = y[k] - aa->y_last[k];
        df[k] = f[k] - aa->f_last[k];
    }
    aa->count = TW_MIN(aa->count + 1, memory);
    aa->head = (h + 1) % memory;
    for (size_t j = 0; j < aa->count; j++) {
        double g = kern->dot(n8, df, aa->df + j * n8);
        aa->gram[h * memory + j] = aa->gram[j * memory + h] = g;
    }
}

void
tw_anderson_step(tw_anderson *aa, const tw_kernels *kern, double *y, const double *f)
{
    size_t n8 = aa->n8;
    if (aa->started) {
        push(aa, kern, y, f);
    }
    aa->started = 1;
    memcpy(aa->y_last, y, n8 * sizeof *y);
    memcpy(aa->f_last, f, n8 * sizeof *f);

    size_t m = 0, use[M];
    double scale[M], system[M * M], g[M];
    for (size_t j = 0; j < aa->count; j++) {
        double norm = aa->gram[j * aa->memory + j];
        if (norm > 1e-290 && isfinite(norm)) {
            scale[m] = 1.0 / sqrt(norm);
            use[m++] = j;
        }
    }
    for (size_t j = 0; j < m; j++) {
        for (size_t k = 0; k < m; k++) {
            system[j * m + k] =
                aa->gram[use[j] * aa->memory + use[k]] * scale[j] * scale[k];
        }
        system[j * m + j] += 1e-12; /* keeps collinear columns apart */
        g[j] = kern->dot(n8, f, aa->df + use[j] * n8) * scale[j];
    }
    for (size_t k = 0; k < n8; k++) {
        y[k] += f[k];
    }
    if (m == 0 || tw_lu_solve(m, system, g) != TW_OK) {
        return;
    }
    for (size_t j = 0; j < m; j++) {
        double w = -g[j] * scale[j];
        kern->axpy(n8, w, aa->dy + use[j] * n8, y);
        kern->axpy(n8, w, aa->df + use[j] * n8, y);
    }
}
