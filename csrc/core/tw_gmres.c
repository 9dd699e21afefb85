/* tw_gmres.c - see tw_gmres.h.  Givens rotations, and classical Gram-Schmidt, always twice: once
 * lets what is not orthogonal grow from vector to vector, until the estimate of the residual
 * is fiction (Giraud, Langou, Rozloznik and van den Eshof 2005).
 *
 * The space is spanned with I + A, which spans the same one: the matrices of equilibrium are
 * near -I, so that A v is nearly -v, and taking that away would leave rounding. */
#include "tw_gmres.h"

#include <math.h>
#include <string.h>

static const double GONE =
    0.1; /* of a vector that the second projection shortens so much
                                   nothing but rounding was left */
static const double SINGULAR = 1e-14; /* see regularity() */
static const double ROUNDING = 1e-14; /* of a product, in units of |A| |x| */

typedef struct {
    const tw_kernels *kern;
    tw_apply_fn apply;
    void *ctx;
    size_t n8, memory, products;
    double *basis; /* [memory + 1][n8] */
    double *h;     /* [memory + 1][memory], triangular after the rotations */
    double *c, *s; /* [memory] rotations */
    double *g;     /* [memory + 1] the right-hand side in the basis */
    double *w;     /* [memory] weights of a projection */
} gmres;

size_t
tw_gmres_doubles(size_t n8, size_t memory)
{
    return (memory + 1) * n8 + (memory + 1) * memory + 4 * memory + 1;
}

static void
scale_by(size_t n8, double factor, double *x)
{
    for (size_t k = 0; k < n8; k++) {
        x[k] *= factor;
    }
}

/* First vector of a cycle, the residual of x; its norm. */
static tw_status
start(gmres *gm, const double *b, const double *x, double *norm)
{
    double *v = gm->basis;
    memcpy(v, b, gm->n8 * sizeof *v);
    if (gm->products > 0) { /* else x = 0 */
        double *ax = gm->basis + gm->n8;
        gm->products++;
        if (gm->apply(gm->ctx, x, ax)) {
            return TW_EINTR;
        }
        gm->kern->axpy(gm->n8, -1.0, ax, v);
    }
    *norm = sqrt(gm->kern->dot(gm->n8, v, v));
    if (*norm > 0.0) {
        scale_by(gm->n8, 1.0 / *norm, v);
    }
    gm->g[0] = *norm;
    return isfinite(*norm) ? TW_OK : TW_ENUMERIC;
}

/* Take from v what it has in common with vectors 0 to k, and add that to column k. */
static void
project(gmres *gm, size_t k, double *v)
{
    size_t n8 = gm->n8, m = gm->memory;
    for (size_t j = 0; j <= k; j++) {
        double dot = gm->kern->dot(n8, gm->basis + j * n8, v);
        gm->h[j * m + k] += dot;
        gm->w[j] = -dot;
    }
    gm->kern->combine(n8, k + 1, gm->basis, gm->w, v);
}

/* Column k of the Hessenberg matrix and vector k + 1 of the basis. */
static tw_status
expand(gmres *gm, size_t k)
{
    size_t n8 = gm->n8, m = gm->memory;
    double *v = gm->basis + (k + 1) * n8;
    gm->products++;
    if (gm->apply(gm->ctx, gm->basis + k * n8, v)) {
        return TW_EINTR;
    }
    for (size_t j = 0; j <= k; j++) {
        gm->h[j * m + k] = 0.0;
    }
    gm->kern->axpy(n8, 1.0, gm->basis + k * n8, v); /* (I + A) v */
    project(gm, k, v);
    double once = gm->kern->dot(n8, v, v);
    project(gm, k, v);
    double norm = sqrt(gm->kern->dot(n8, v, v));
    norm = norm < GONE * sqrt(once) ? 0.0 : norm; /* v is in the space */
    if (!isfinite(norm)) {
        return TW_ENUMERIC;
    }
    if (norm > 0.0) {
        scale_by(n8, 1.0 / norm, v);
    }
    gm->h[k * m + k] -= 1.0;
    gm->h[(k + 1) * m + k] = norm;
    return TW_OK;
}

/* Rotate column k to triangular form.  The residual norm is |g[k + 1]| then. */
static void
rotate(gmres *gm, size_t k)
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

/* Smallest over largest diagonal of the triangle; *largest is of the size of A. */
static double
regularity(const gmres *gm, size_t count, double *largest)
{
    double low = INFINITY, high = 0.0;
    for (size_t k = 0; k < count; k++) {
        double d = fabs(gm->h[k * gm->memory + k]);
        low = TW_MIN(low, d);
        high = TW_MAX(high, d);
    }
    *largest = high;
    return high > 0.0 ? low / high : 0.0;
}

/* Add the best combination of `count` vectors to x. */
static void
finish(gmres *gm, size_t count, double *x)
{
    size_t m = gm->memory;
    for (size_t k = count; k-- > 0;) {
        double sum = gm->g[k];
        for (size_t j = k + 1; j < count; j++) {
            sum -= gm->h[k * m + j] * gm->g[j];
        }
        gm->g[k] = sum / gm->h[k * m + k];
        gm->w[k] = gm->g[k];
    }
    gm->kern->combine(gm->n8, count, gm->basis, gm->w, x);
}

/* Directions until the estimate of the residual reaches `goal` or the cycle is full. */
static tw_status
cycle(gmres *gm, size_t max_products, double goal, size_t *count)
{
    *count = 0;
    while (*count < gm->memory && gm->products < max_products &&
           fabs(gm->g[*count]) > goal) {
        tw_status rc = expand(gm, *count);
        if (rc != TW_OK) {
            return rc;
        }
        rotate(gm, (*count)++);
    }
    return TW_OK;
}

tw_status
tw_gmres(const tw_kernels *kern, size_t n8, size_t memory, size_t max_products,
         double tol, tw_apply_fn apply, void *ctx, const double *b, double *x,
         double *scratch, size_t *products, double *left)
{
    gmres gm = {.kern = kern, .apply = apply, .ctx = ctx, .n8 = n8, .memory = memory};
    gm.basis = scratch;
    gm.h = gm.basis + (memory + 1) * n8;
    gm.c = gm.h + (memory + 1) * memory;
    gm.s = gm.c + memory;
    gm.g = gm.s + memory;
    gm.w = gm.g + memory + 1;
    memset(x, 0, n8 * sizeof *x);
    double size = sqrt(kern->dot(n8, b, b)), before = INFINITY;
    tw_status rc = TW_OK;
    *left = 0.0;
    *products = 0;
    while (size != 0.0) {
        double norm;
        size_t count;
        if ((rc = start(&gm, b, x, &norm)) != TW_OK) {
            break;
        }
        *left = norm / size;
        if (*left <= tol) {
            break;
        }
        if (gm.products >= max_products || !(*left < 0.9 * before)) {
            rc = TW_NOCONV;
            break;
        }
        before = *left;
        if ((rc = cycle(&gm, max_products, tol * size, &count)) != TW_OK) {
            break;
        }
        double large, regular = regularity(&gm, count, &large);
        double estimate = fabs(gm.g[count]) / size;
        if (!(regular > SINGULAR)) {
            rc = TW_ENUMERIC; /* A maps the space into itself, and not onto it */
            break;
        }
        finish(&gm, count, x);
        /* The estimate is exact up to the rounding of A x, which is large where A is nearly
         * singular: trusting it elsewhere saves a product. */
        double rounding = ROUNDING * large * sqrt(kern->dot(n8, x, x)) / size;
        if (estimate <= tol && rounding <= tol) {
            *left = estimate;
            break;
        }
    }
    *products = gm.products;
    return rc;
}
