/* tw_anderson.h - Anderson acceleration of a fixed-point map (Walker and Ni 2011, type II).
 *
 * y + f(y) is the plain next iterate.  The step minimises |f - sum_j g_j df_j| over the last
 * `memory` differences by normal equations on normalised columns, one column a step.
 */
#ifndef TW_ANDERSON_H
#define TW_ANDERSON_H

#include "tw_kernels.h"

enum { TW_ANDERSON_MOST = 24 }; /* largest memory */

typedef struct {
    size_t memory; /* differences kept, at most TW_ANDERSON_MOST */
    size_t n8;     /* length of the vectors, a multiple of 8 (pad with zeros) */
    size_t count;  /* differences stored */
    size_t head;   /* where the next one goes */
    int started;
    double *dh, *df;         /* [memory][n8] differences of y + f and of f */
    double *h_last, *f_last; /* [n8] the last y + f and f */
    double *gram;            /* [memory][memory] */
} tw_anderson;

size_t tw_anderson_doubles(size_t n8, size_t memory); /* length of the scratch */
void tw_anderson_init(tw_anderson *aa, size_t n8, size_t memory, double *scratch);
void tw_anderson_step(tw_anderson *aa, const tw_kernels *kern, double *y,
                      const double *f);

#endif /* TW_ANDERSON_H */
