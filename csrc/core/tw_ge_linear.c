/* tw_ge_linear.c - what products with dF/dz and its transpose share: see tw_ge_linear.h. */
#include "tw_ge_linear.h"

#include <string.h>

enum { ROW_ARRAYS = 14, COUNTRY_ARRAYS = 8, FLOW_ARRAYS = 5 };

size_t
tw_ge_linear_doubles(const tw_ge_base *b, size_t nflow)
{
    return ROW_ARRAYS * b->NJ8 + COUNTRY_ARRAYS * b->N8 +
           FLOW_ARRAYS * ((nflow + 7) / 8 * 8);
}

/* 1/x, and 0 where x is: dead markets, and producers whose every buyer is banned. */
static void
invert(size_t n, const double *x, double *out)
{
    for (size_t k = 0; k < n; k++) {
        out[k] = x[k] > 0.0 ? 1.0 / x[k] : 0.0;
    }
}

/* Cost shares of inputs, and demand for inputs, by price of the good. */
static void
prepare_inputs(tw_ge_linear *lin)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    if (!b->has_inputs) {
        memset(lin->inputs, 0, b->NJ8 * sizeof(double));
        memset(lin->inv_inputs, 0, b->NJ8 * sizeof(double));
        memset(lin->demand, 0, b->NJ8 * sizeof(double));
        return;
    }
    tw_ge_by_user(ge, ge->input, lin->inputs);
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double keep = 1.0 - b->rho[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            lin->inputs[r] *= ge->user[r];
            lin->inv_inputs[r] = lin->inputs[r] > 0.0 ? 1.0 / lin->inputs[r] : 0.0;
            lin->t1[r] = ge->user[r] * keep * ge->Y[r];
        }
    }
    tw_ge_by_input(ge, lin->t1, lin->demand);
    for (size_t r = 0; r < b->NJ8; r++) {
        lin->demand[r] *= ge->input[r];
    }
}

void
tw_ge_linear_init(tw_ge_linear *lin, const tw_ge *ge, double *scratch)
{
    const tw_ge_base *b = ge->base;
    *lin = (tw_ge_linear){.ge = ge};
    double **rows[ROW_ARRAYS] = {
        &lin->inv_X_new,  &lin->inv_Y, &lin->inv_X, &lin->inputs, &lin->demand,
        &lin->inv_inputs, &lin->dct,   &lin->du,    &lin->dq,     &lin->dY,
        &lin->dYT,        &lin->t1,    &lin->t2,    &lin->t3};
    double **countries[COUNTRY_ARRAYS] = {&lin->omega, &lin->inv_B, &lin->relief,
                                          &lin->a,     &lin->b,     &lin->c,
                                          &lin->d,     &lin->e};
    double **flows[FLOW_ARRAYS] = {&lin->z, &lin->h, &lin->z_bar, &lin->h_bar,
                                   &lin->v_bar};
    for (size_t k = 0; k < ROW_ARRAYS; k++, scratch += b->NJ8) {
        *rows[k] = scratch;
    }
    for (size_t k = 0; k < COUNTRY_ARRAYS; k++, scratch += b->N8) {
        *countries[k] = scratch;
    }
    for (size_t k = 0; k < FLOW_ARRAYS; k++, scratch += (ge->lim.nflow + 7) / 8 * 8) {
        *flows[k] = scratch;
    }
    invert(b->NJ8, ge->X_new, lin->inv_X_new);
    invert(b->NJ8, ge->X, lin->inv_X);
    invert(b->NJ8, ge->Y, lin->inv_Y);
    invert(b->N8, ge->B, lin->inv_B);
    prepare_inputs(lin);
    double world = 0.0;
    for (size_t n = 0; n < b->N8; n++) {
        world += ge->wLV[n];
    }
    int income_tax = b->closure.revenue == TW_GE_INCOME_TAX;
    for (size_t n = 0; n < b->N8; n++) {
        lin->omega[n] = ge->wLV[n] / world;
        lin->relief[n] = income_tax && b->dead_V[n] == 0.0
                             ? b->closure.labour_supply / (1.0 - ge->tau[n])
                             : 0.0;
    }
    for (size_t n = 0; b->closure.deficits == TW_GE_INCOME && n < b->N; n++) {
        lin->weight += ge->I[n] / ge->carry[n];
    }
    const tw_ge_limit_set *lim = &ge->lim;
    const double *kx = ge->has_x ? ge->KX : ge->KT;
    for (size_t f = 0; f < lim->nflow; f++) {
        double uq = ge->u[lim->col[f]] * ge->q[lim->row[f]];
        lin->z[f] = ge->KT[lim->cell[f]] * uq;
        lin->h[f] = kx[lim->cell[f]] * uq;
    }
}

tw_ge_flow_bar
tw_ge_special_bar(const tw_ge_linear *lin, size_t f)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_limit_set *lim = &ge->lim;
    size_t N8 = ge->base->N8, r = lim->row[f], c = lim->col[f], n = r % N8, i = c % N8;
    double theta = ge->base->theta[r / N8];
    double e = ge->K[lim->cell[f]] * ge->u[c] * ge->q[r] * lin->inv_X[r];
    double z = (lin->b[i] - lin->a[n]) * lin->z[f] + lin->z_bar[f];
    double h = (lin->dY[c] - lin->b[i]) * lin->h[f] + lin->h_bar[f];
    double k = -theta * (lin->dq[r] * e + z + h);
    return (tw_ge_flow_bar){.tariff = k - z - h,
                            .export_tax = k - h,
                            .cost = k,
                            .waste = k - lin->v_bar[f]};
}

void
tw_ge_jacobian(tw_ge_linear *lin, double *unit, double *column, double *a)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    size_t n8 = ge->n8;
    memset(unit, 0, n8 * sizeof *unit);
    for (size_t k = 0; k < n8; k++) {
        unit[k] = 1.0;
        tw_ge_jvp(lin, unit, column);
        unit[k] = 0.0;
        int empty = k < ge->at_P   ? b->dead_V[k] != 0.0
                    : k < ge->at_X ? b->dead_X[k - ge->at_P] != 0.0
                    : k < ge->at_S ? b->dead_X[k - ge->at_X] != 0.0
                    : k < ge->at_m ? b->dead_Y[k - ge->at_S] != 0.0 ||
                                         b->psi[(k - ge->at_S) / b->N8] == 0.0
                                   : k - ge->at_m >= ge->lim.n;
        for (size_t i = 0; i < n8; i++) {
            a[i * n8 + k] = empty ? 0.0 : column[i];
        }
        if (empty) {
            a[k * n8 + k] = -1.0;
        }
    }
}

void
tw_ge_jvp(tw_ge_linear *lin, const double *dz, double *dF)
{
    lin->ge->gk->tangent(lin, dz, dF);
}

void
tw_ge_adjoint(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dz)
{
    lin->ge->gk->adjoint(lin, v, seed, dz);
}

void
tw_ge_vjp(tw_ge_linear *lin, const double *v, double *dz)
{
    const tw_ge_seed none = {0};
    tw_ge_adjoint(lin, v, &none, dz);
}
