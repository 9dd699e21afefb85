/* tw_ge_step.c - from residuals to the step of a sweep, M F, and the transpose of M.
 *
 * M is nearly -(dF/dz)^-1, from a few numbers a market, at the baseline or at the state:
 *     a wage moves by what its market answers, 1 / (1 + theta (1 - home share));
 *     prices move at once with the wage in the home goods among them;
 *     without input use spending moves at once with wages, and sales with spending.
 */
#include "tw_ge.h"

#include <string.h>

/* ---- the numbers ------------------------------------------------------------------------ */

/* income[j][n]: part of n's value added */
static double
wage_step(const tw_ge_base *b, size_t n, const double *gamma, const double *home_pay,
          const double *income)
{
    double slope = 0.0;
    for (size_t j = 0; n < b->N && j < b->J; j++) {
        size_t k = j * b->N8 + n;
        slope += income[k] * b->theta[j] * (gamma[k] - home_pay[k]);
    }
    return 1.0 / (1.0 + slope);
}

/* Part of a country's income that follows its wage: all production, over what moves with it. */
static void
write_earned(const tw_ge_base *b, const double *Y, const double *X, const double *I,
             double *earned)
{
    for (size_t n = 0; n < b->N8; n++) {
        double made = 0.0;
        for (size_t k = n; k < b->NJ8; k += b->N8) {
            made += Y[k];
        }
        for (size_t k = n; k < b->NJ8; k += b->N8) {
            earned[k] = X[k] > 0.0 && I[n] > 0.0 ? made / I[n] : 0.0;
        }
    }
}

size_t
tw_ge_mixing_doubles(const tw_ge_base *b)
{
    return b->N8 + 3 * b->NJ8 + (b->sales != NULL ? b->N * b->N8 : 0);
}

tw_ge_mixing
tw_ge_mixing_base(const tw_ge *ge, double *scratch)
{
    const tw_ge_base *b = ge->base;
    double *step = scratch, *earned = step + b->N8, *income = earned + b->NJ8;
    for (size_t k = 0; k < b->NJ8; k++) {
        size_t j = k / b->N8, n = k % b->N8;
        income[k] = b->gamma[k] * (1.0 - b->rho[j]) * b->Y[k] * b->inv_V[n];
    }
    for (size_t n = 0; n < b->N8; n++) {
        step[n] = wage_step(b, n, b->gamma, b->home_pay, income);
    }
    if (b->sales != NULL) {
        int fixed = b->closure.deficits == TW_GE_FIXED;
        double *I = income;
        for (size_t n = 0; n < b->N8; n++) {
            I[n] = fixed ? b->I[n] : b->I[n] - b->D[n];
        }
        write_earned(b, b->Y, b->X, I, earned);
    }
    return (tw_ge_mixing){step, b->home_pay, b->budget, earned, b->sales};
}

/* How sales follow spending at the state. */
static void
write_sales(const tw_ge *ge, double *sales)
{
    const tw_ge_base *b = ge->base;
    const double *KX = ge->has_x ? ge->KX : ge->KT;
    memset(sales, 0, b->N * b->N8 * sizeof *sales);
    for (size_t row = 0; row < b->J * b->N; row++) {
        size_t j = row / b->N, i = row % b->N, at = j * b->N8;
        double pay =
            ge->B[i] > 0.0 ? ge->gamma[at + i] * (1.0 - b->rho[j]) / ge->B[i] : 0.0;
        double sold = pay * ge->u[at + i];
        const double *restrict flow = KX + row * b->N8, *restrict q = ge->q + at;
        double *restrict to = sales + i * b->N8;
        for (size_t n = 0; n < b->N8; n++) {
            to[n] += sold * (flow[n] * q[n]);
        }
    }
}

tw_ge_mixing
tw_ge_mixing_state(const tw_ge *ge, double *scratch)
{
    const tw_ge_base *b = ge->base;
    double *step = scratch, *earned = step + b->N8, *home_pay = earned + b->NJ8;
    double *budget = home_pay + b->NJ8, *sales = budget + b->NJ8, *income = budget;
    for (size_t k = 0; k < b->NJ8; k++) {
        size_t j = k / b->N8, n = k % b->N8;
        double own =
            n < b->N ? ge->K[tw_ge_cell(b, n, n, j)] * ge->u[k] / ge->Phi[k] : 0.0;
        home_pay[k] = own * ge->gamma[k];
        income[k] = ge->B[n] > 0.0
                        ? ge->gamma[k] * (1.0 - b->rho[j]) * ge->Y[k] / ge->B[n]
                        : 0.0;
    }
    for (size_t n = 0; n < b->N8; n++) {
        step[n] = wage_step(b, n, ge->gamma, home_pay, income);
    }
    if (b->sales == NULL) {
        return (tw_ge_mixing){.step = step, .home_pay = home_pay};
    }
    for (size_t n = 0; n < b->N8; n++) {
        double total = 0.0;
        for (size_t k = n; k < b->NJ8; k += b->N8) {
            total += ge->X[k];
        }
        for (size_t k = n; k < b->NJ8; k += b->N8) {
            budget[k] = total > 0.0 ? ge->X[k] / total : 0.0;
        }
    }
    double *I = ge->tmp;
    for (size_t n = 0; n < b->N8; n++) {
        I[n] = b->closure.deficits == TW_GE_INCOME ? ge->I[n] - ge->DD[n] : ge->I[n];
    }
    write_earned(b, ge->Y, ge->X, I, earned);
    write_sales(ge, sales);
    return (tw_ge_mixing){step, home_pay, budget, earned, sales};
}

/* ---- products ---------------------------------------------------------------------------- */

void
tw_ge_step(tw_ge *ge, const tw_ge_mixing *m, double *F)
{
    const tw_ge_base *b = ge->base;
    double *spent = ge->tmp, *sold = ge->tmp2;
    if (m->sales != NULL) {
        memset(spent, 0, b->N8 * sizeof *spent);
        ge->gk->pull(b->J, b->N8, m->budget, F + ge->at_X, spent);
        ge->gk->cols(1, b->N, b->N8, m->sales, spent, sold);
    }
    for (size_t n = 0; n < b->N8; n++) {
        F[n] = m->step[n] * (m->sales != NULL ? F[n] + sold[n] : F[n]);
    }
    ge->gk->pass(b->J, b->N8, m->home_pay, F, F + ge->at_P);
    if (m->sales != NULL) {
        ge->gk->pass(b->J, b->N8, m->earned, F, F + ge->at_X);
    }
}

void
tw_ge_step_transposed(tw_ge *ge, const tw_ge_mixing *m, const double *y, double *v)
{
    const tw_ge_base *b = ge->base;
    double *sold = ge->tmp;
    memcpy(v, y, ge->n8 * sizeof *v);
    ge->gk->pull(b->J, b->N8, m->home_pay, y + ge->at_P, v);
    if (m->sales != NULL) {
        ge->gk->pull(b->J, b->N8, m->earned, y + ge->at_X, v);
    }
    for (size_t n = 0; n < b->N8; n++) {
        v[n] *= m->step[n];
    }
    if (m->sales != NULL) {
        ge->gk->rows(1, b->N, b->N8, m->sales, v, sold);
        ge->gk->pass(b->J, b->N8, m->budget, sold, v + ge->at_X);
    }
}
