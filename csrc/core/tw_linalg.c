/* tw_linalg.c - small dense systems: elimination with row pivoting and row scaling. */
#include "tw_internal.h"

#include <math.h>

tw_status
tw_lu_solve(size_t n, double *a, double *b)
{
    /* Scale rows, so that pivots compare like with like. */
    for (size_t i = 0; i < n; i++) {
        double top = 0.0;
        for (size_t j = 0; j < n; j++) {
            top = TW_MAX(top, fabs(a[i * n + j]));
        }
        if (!(top > 0.0) || !isfinite(top) || !isfinite(b[i])) {
            return TW_ENUMERIC;
        }
        for (size_t j = 0; j < n; j++) {
            a[i * n + j] /= top;
        }
        b[i] /= top;
    }
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++) {
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k])) {
                pivot = i;
            }
        }
        if (!(fabs(a[pivot * n + k]) > 0.0)) {
            return TW_ENUMERIC;
        }
        if (pivot != k) {
            for (size_t j = k; j < n; j++) {
                double t = a[k * n + j];
                a[k * n + j] = a[pivot * n + j];
                a[pivot * n + j] = t;
            }
            double t = b[k];
            b[k] = b[pivot];
            b[pivot] = t;
        }
        for (size_t i = k + 1; i < n; i++) {
            double factor = a[i * n + k] / a[k * n + k];
            if (factor == 0.0) {
                continue;
            }
            for (size_t j = k + 1; j < n; j++) {
                a[i * n + j] -= factor * a[k * n + j];
            }
            b[i] -= factor * b[k];
        }
    }
    for (size_t k = n; k-- > 0;) {
        double sum = b[k];
        for (size_t j = k + 1; j < n; j++) {
            sum -= a[k * n + j] * b[j];
        }
        b[k] = sum / a[k * n + k];
    }
    return TW_OK;
}
