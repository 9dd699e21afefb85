/* tw_gmres.h - restarted GMRES for A x = b (Saad and Schultz 1986), A known by its products.
 *
 * Vectors are n8 long, a multiple of 8; cells past the unknowns hold zeros in b, in x and in
 * what the product writes.  Scratch is the caller's; nothing is allocated.
 */
#ifndef TW_GMRES_H
#define TW_GMRES_H

#include "tw_kernels.h"

/* y = A x; nonzero stops the solve with TW_EINTR. */
typedef int (*tw_product_fn)(void *ctx, const double *x, double *y);

typedef struct {
    size_t n8;
    size_t memory;   /* products before a restart */
    double *basis;   /* [memory + 1][n8] */
    double *h;       /* [memory + 1][memory], triangular after the rotations */
    double *c, *s;   /* [memory] rotations */
    double *g;       /* [memory + 1] the right-hand side in the basis */
    int products;    /* outputs of the last solve */
    double residual; /* |b - A x| / |b|, 2-norms */
} tw_gmres;

size_t tw_gmres_doubles(size_t n8, size_t memory); /* length of the scratch */
void tw_gmres_init(tw_gmres *gm, size_t n8, size_t memory, double *scratch);

/* x is the start on entry (zeros save a product) and the solution on return.  TW_OK when
 * |b - A x| <= tol |b|; TW_NOCONV after max_products or when a cycle gains nothing: x holds
 * the best found then.  TW_ENUMERIC when a product is not finite. */
tw_status tw_gmres_solve(tw_gmres *gm, const tw_kernels *kern, tw_product_fn product,
                         void *ctx, const double *b, double tol, int max_products,
                         double *x);

#endif /* TW_GMRES_H */
