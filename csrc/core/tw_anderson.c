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
    aa->dh = scratch;
    aa->df = scratch + memory * n8;
    aa->h_last = scratch + 2 * memory * n8;
    aa->f_last = aa->h_last + n8;
    aa->gram = aa->f_last + n8;
}

void
tw_anderson_step(tw_anderson *aa, const tw_kernels *kern, double *y, const double *f)
{
    size_t n8 = aa->n8, memory = aa->memory, newest = aa->head;
    if (!aa->started) {
        aa->started = 1;
        for (size_t k = 0; k < n8; k++) {
            y[k] += f[k];
        }
        memcpy(aa->h_last, y, n8 * sizeof *y);
        memcpy(aa->f_last, f, n8 * sizeof *f);
        return;
    }
    kern->difference(n8, y, f, aa->h_last, aa->f_last, aa->dh + newest * n8,
                     aa->df + newest * n8);
    aa->head = (newest + 1) % memory;
    aa->count = TW_MIN(aa->count + 1, memory);
    double column[M], g[M], scale[M], system[M * M];
    kern->dots(n8, aa->count, aa->df, aa->df + newest * n8, f, column, g);
    for (size_t j = 0; j < aa->count; j++) {
        aa->gram[newest * memory + j] = aa->gram[j * memory + newest] = column[j];
    }
    size_t m = 0, use[M];
    for (size_t j = 0; j < aa->count; j++) {
        double norm = aa->gram[j * memory + j];
        if (norm > 1e-290 && isfinite(norm)) {
            scale[m] = 1.0 / sqrt(norm);
            g[m] = g[j] * scale[m];
            use[m++] = j;
        }
    }
    for (size_t j = 0; j < m; j++) {
        for (size_t k = 0; k < m; k++) {
            system[j * m + k] =
                aa->gram[use[j] * memory + use[k]] * scale[j] * scale[k];
        }
        system[j * m + j] += 1e-12; /* keeps collinear columns apart */
    }
    if (m == 0 || tw_lu_solve(m, system, g) != TW_OK) {
        return;
    }
    memset(column, 0, sizeof column);
    for (size_t j = 0; j < m; j++) {
        column[use[j]] = -g[j] * scale[j];
    }
    kern->combine(n8, aa->count, aa->dh, column, y);
}
