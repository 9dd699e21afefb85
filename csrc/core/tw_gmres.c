/* tw_gmres.c - see tw_gmres.h.  Modified Gram-Schmidt and Givens rotations. */
#include "tw_gmres.h"

#include <math.h>
#include <string.h>

size_t
tw_gmres_doubles(size_t n8, size_t memory)
{
    return (memory + 1) * n8 + (memory + 1) * memory + 3 * memory + 1;
}

void
tw_gmres_init(tw_gmres *gm, size_t n8, size_t memory, double *scratch)
{
    *gm = (tw_gmres){.n8 = n8, .memory = memory, .basis = scratch};
    gm->h = scratch + (memory + 1) * n8;
    gm->c = gm->h + (memory + 1) * memory;
    gm->s = gm->c + memory;
    gm->g = gm->s + memory;
}

static void
scale_by(size_t n8, double factor, double *x)
{
    for (size_t k = 0; k < n8; k++) {
        x[k] *= factor;
    }
}

/* First vector of a cycle: the residual of x.  Its norm, or NaN when asked to stop. */
static double
start(tw_gmres *gm, const tw_kernels *kern, tw_product_fn product, void *ctx,
      const double *b, const double *x, tw_status *rc)
{
    double *v = gm->basis;
    if (kern->differ_from(gm->n8, x, 0.0)) {
        gm->products++;
        if (product(ctx, x, v)) {
            *rc = TW_EINTR;
            return NAN;
        }
        for (size_t k = 0; k < gm->n8; k++) {
            v[k] = b[k] - v[k];
        }
    }
    else {
        memcpy(v, b, gm->n8 * sizeof *v);
    }
    double norm = sqrt(kern->dot(gm->n8, v, v));
    if (norm > 0.0) {
        scale_by(gm->n8, 1.0 / norm, v);
    }
    gm->g[0] = norm;
    return norm;
}

/* Column k of the Hessenberg matrix and vector k + 1 of the basis. */
static tw_status
expand(tw_gmres *gm, const tw_kernels *kern, tw_product_fn product, void *ctx, size_t k)
{
    size_t n8 = gm->n8, m = gm->memory;
    double *v = gm->basis + (k + 1) * n8;
    gm->products++;
    if (product(ctx, gm->basis + k * n8, v)) {
        return TW_EINTR;
    }
    for (size_t j = 0; j <= k; j++) {
        double dot = kern->dot(n8, gm->basis + j * n8, v);
        gm->h[j * m + k] = dot;
        kern->axpy(n8, -dot, gm->basis + j * n8, v);
    }
    double norm = sqrt(kern->dot(n8, v, v));
    if (!isfinite(norm)) {
        return TW_ENUMERIC;
    }
    if (norm > 0.0) {
        scale_by(n8, 1.0 / norm, v);
    }
    gm->h[(k + 1) * m + k] = norm;
    return TW_OK;
}

/* Rotate column k to triangular form.  The residual norm is |g[k + 1]| then. */
static void
rotate(tw_gmres *gm, size_t k)
{
    size_t m = gm->memory;
    double *h = gm->h;
    for (size_t j = 0; j < k; j++) {
        double top = h[j * m + k], low = h[(j + 1) * m + k];
        h[j * m + k] = gm->c[j] * top + gm->s[j] * low;
        h[(j + 1) * m + k] = gm->c[j] * low - gm->s[j] * top;
    }
    double top = h[k * m + k], low = h[(k + 1) * m + k], norm = hypot(top, low);
    gm->c[k] = norm > 0.0 ? top / norm : 1.0;
    gm->s[k] = norm > 0.0 ? low / norm : 0.0;
    h[k * m + k] = norm;
    h[(k + 1) * m + k] = 0.0;
    gm->g[k + 1] = -gm->s[k] * gm->g[k];
    gm->g[k] *= gm->c[k];
}

/* Add the best combination of `count` vectors to x. */
static tw_status
finish(tw_gmres *gm, const tw_kernels *kern, size_t count, double *x)
{
    size_t m = gm->memory;
    for (size_t k = count; k-- > 0;) {
        double sum = gm->g[k];
        for (size_t j = k + 1; j < count; j++) {
            sum -= gm->h[k * m + j] * gm->g[j];
        }
        if (!(fabs(gm->h[k * m + k]) > 0.0)) {
            return TW_ENUMERIC; /* singular: the product maps the space into itself */
        }
        gm->g[k] = sum / gm->h[k * m + k];
    }
    for (size_t k = 0; k < count; k++) {
        kern->axpy(gm->n8, gm->g[k], gm->basis + k * gm->n8, x);
    }
    return TW_OK;
}

tw_status
tw_gmres_solve(tw_gmres *gm, const tw_kernels *kern, tw_product_fn product, void *ctx,
               const double *b, double tol, int max_products, double *x)
{
    double size = sqrt(kern->dot(gm->n8, b, b)), before = INFINITY;
    tw_status rc = TW_OK;
    gm->products = 0;
    gm->residual = 0.0;
    if (size == 0.0) {
        memset(x, 0, gm->n8 * sizeof *x);
        return TW_OK;
    }
    for (;;) {
        double norm = start(gm, kern, product, ctx, b, x, &rc);
        if (rc != TW_OK) {
            return rc;
        }
        gm->residual = norm / size;
        if (!isfinite(norm)) {
            return TW_ENUMERIC;
        }
        if (gm->residual <= tol) {
            return TW_OK;
        }
        if (gm->products >= max_products || !(gm->residual < 0.9 * before)) {
            return TW_NOCONV;
        }
        before = gm->residual;
        size_t count = 0;
        while (count < gm->memory && gm->products < max_products &&
               fabs(gm->g[count]) > tol * size) {
            rc = expand(gm, kern, product, ctx, count);
            if (rc != TW_OK) {
                return rc;
            }
            rotate(gm, count++);
            if (gm->g[count] == 0.0) {
                break;
            }
        }
        double estimate = fabs(gm->g[count]) / size;
        if ((rc = finish(gm, kern, count, x)) != TW_OK) {
            return rc;
        }
        if (estimate <= tol) { /* exact up to rounding: saves the product of a check */
            gm->residual = estimate;
            return TW_OK;
        }
    }
}
