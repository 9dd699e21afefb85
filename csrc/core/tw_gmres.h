/* tw_gmres.h - restarted GMRES for A x = b (Saad and Schultz 1986), A known by its products. */
#ifndef TW_GMRES_H
#define TW_GMRES_H

#include "tw_kernels.h"

/* y = A x; nonzero stops the solve with TW_EINTR. */
typedef int (*tw_apply_fn)(void *ctx, const double *x, double *y);

size_t tw_gmres_doubles(size_t n8, size_t memory); /* length of the scratch */

/* Solve from x = 0 to |b - A x| <= tol |b| in the 2-norm, with a restart after `memory`
 * products.  Vectors are n8 long, a multiple of 8; cells past the unknowns hold zeros in b and
 * in what `apply` writes.  TW_NOCONV after max_products or when a cycle gains next to nothing:
 * x holds the best found then.  TW_ENUMERIC when a product is not finite or A is singular.
 * *products and *left (|b - A x| / |b|) tell what was done. */
tw_status tw_gmres(const tw_kernels *kern, size_t n8, size_t memory,
                   size_t max_products, double tol, tw_apply_fn apply, void *ctx,
                   const double *b, double *x, double *scratch, size_t *products,
                   double *left);

#endif /* TW_GMRES_H */
