/* tw_ge_step.c - from residuals to the step of a sweep, M F, and the transpose of M.
 *
 * M is nearly -(dF/dz)^-1 at the baseline, from a few numbers a market:
 *     a wage moves by what its market answers, 1 / (1 + theta (1 - home share));
 *     prices move at once with the wage in the home goods among them;
 *     without input use spending moves at once with wages, and sales with spending.
 */
#include "tw_ge.h"

#include <string.h>

void
tw_ge_wage_steps(const tw_ge *ge, double *step)
{
    const tw_ge_base *b = ge->base;
    for (size_t n = 0; n < b->N8; n++) {
        double slope = 0.0;
        for (size_t j = 0; n < b->N && j < b->J; j++) {
            size_t k = j * b->N8 + n;
            double income = b->gamma[k] * (1.0 - b->rho[j]) * b->Y[k] * b->inv_V[n];
            slope += income * b->theta[j] * (b->gamma[k] - b->home_pay[k]);
        }
        step[n] = 1.0 / (1.0 + slope);
    }
}

void
tw_ge_step(tw_ge *ge, const double *step, double *F)
{
    const tw_ge_base *b = ge->base;
    double *spent = ge->tmp, *sold = ge->tmp2;
    if (b->sales != NULL) {
        memset(spent, 0, b->N8 * sizeof *spent);
        ge->gk->pull(b->J, b->N8, b->budget, F + ge->at_X, spent);
        ge->gk->cols(1, b->N, b->N8, b->sales, spent, sold);
    }
    for (size_t n = 0; n < b->N8; n++) {
        F[n] = step[n] * (b->sales != NULL ? F[n] + sold[n] : F[n]);
    }
    ge->gk->pass(b->J, b->N8, b->home_pay, F, F + ge->at_P);
    if (b->sales != NULL) {
        ge->gk->pass(b->J, b->N8, b->earned, F, F + ge->at_X);
    }
}

void
tw_ge_step_transposed(tw_ge *ge, const double *step, const double *y, double *v)
{
    const tw_ge_base *b = ge->base;
    double *sold = ge->tmp;
    memcpy(v, y, ge->n8 * sizeof *v);
    ge->gk->pull(b->J, b->N8, b->home_pay, y + ge->at_P, v);
    if (b->sales != NULL) {
        ge->gk->pull(b->J, b->N8, b->earned, y + ge->at_X, v);
    }
    for (size_t n = 0; n < b->N8; n++) {
        v[n] *= step[n];
    }
    if (b->sales != NULL) {
        ge->gk->rows(1, b->N, b->N8, b->sales, v, sold);
        ge->gk->pass(b->J, b->N8, b->budget, sold, v + ge->at_X);
    }
}
