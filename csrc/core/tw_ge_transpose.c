/* tw_ge_transpose.c - products with the transpose of dF/dz: the lines of tw_ge_eval from the
 * last to the first.  x_bar is the derivative of v.F + objective with respect to ln x unless
 * it is said to be with respect to the level.  Built once per code path. */
#include "tw_ge_linear.h"
#include "tw_level.h"

#include <string.h>

static void
add(size_t n, const double *restrict x, double *restrict sum)
{
    for (size_t k = 0; x != NULL && k < n; k++) {
        sum[k] += x[k];
    }
}

static inline void
add_scaled(size_t n, double scale, const double *restrict x, double *restrict sum)
{
    for (size_t k = 0; k < n; k++) {
        sum[k] += scale * x[k];
    }
}

/* The loops along one sector's countries are functions of their own: `restrict` counts on
 * parameters, and without it each visit would ask anew whether arrays overlap. */
static inline void
final_line(size_t n8, double away, double apart, const double *restrict vP,
           const double *restrict vX, const double *restrict inv_X,
           const double *restrict alpha, const double *restrict input,
           const double *restrict demand, const double *restrict I,
           double *restrict I_bar, double *restrict Pc_bar, double *restrict P_bar,
           double *restrict input_bar)
{
    for (size_t n = 0; n < n8; n++) {
        double x_bar = vX[n] * inv_X[n], final = x_bar * alpha[n];
        double shift = away * final * I[n];
        I_bar[n] += final;
        Pc_bar[n] -= shift;
        P_bar[n] = shift - vP[n] + apart * demand[n] * x_bar;
        input_bar[n] = input[n] * x_bar;
    }
}

/* F_X: I_bar (level) in a, Pc_bar in d, P_bar begun in dP; what falls on inputs in t1. */
static void
adjoint_final(tw_ge_linear *lin, const double *vP, const double *vX, double *dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    double away = 1.0 - b->closure.final_substitution;
    double apart = 1.0 - b->closure.input_substitution;
    for (size_t r = 0; r < b->NJ8; r += b->N8) {
        final_line(b->N8, away, apart, vP + r, vX + r, lin->inv_X_new + r,
                   ge->alpha + r, ge->input + r, lin->demand + r, ge->I, lin->a, lin->d,
                   dP + r, lin->t1 + r);
    }
}

static inline void
input_line(size_t n8, double keep, double eta, double nu, const double *restrict use,
           const double *restrict user, const double *restrict Y,
           const double *restrict inv_inputs, double *restrict Y_bar,
           double *restrict ct_bar, double *restrict M_bar)
{
    for (size_t n = 0; n < n8; n++) {
        double value = keep * user[n] * use[n], total = value * Y[n];
        Y_bar[n] += value;
        ct_bar[n] -= (1.0 - eta) * total;
        M_bar[n] = (nu - eta) * total * inv_inputs[n];
    }
}

/* Inputs: Y_bar (level) in dY, c~_bar in dct, what M adds to it in t2. */
static void
adjoint_inputs(tw_ge_linear *lin)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    tw_ge_by_user(ge, lin->t1, lin->t3);
    for (size_t j = 0; j < b->J; j++) {
        size_t r = j * b->N8;
        input_line(b->N8, 1.0 - b->rho[j], b->closure.va_substitution,
                   b->closure.input_substitution, lin->t3 + r, ge->user + r, ge->Y + r,
                   lin->inv_inputs + r, lin->dY + r, lin->dct + r, lin->t2 + r);
    }
}

/* F_X and F_S. */
static void
adjoint_demand(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    memset(lin->a, 0, b->N8 * sizeof(double));
    memset(lin->d, 0, b->N8 * sizeof(double));
    for (size_t n = 0; seed->income != NULL && n < b->N; n++) {
        lin->a[n] = ge->I[n] != 0.0 ? seed->income[n] / ge->I[n] : 0.0;
    }
    add(b->N, seed->price, lin->d);
    adjoint_final(lin, v + ge->at_P, v + ge->at_X, dP);
    memset(lin->dY, 0, b->NJ8 * sizeof(double));
    memset(lin->dct, 0, b->NJ8 * sizeof(double));
    add(b->NJ8, seed->output, lin->dY);
    if (b->has_scale) {
        const double *vS = v + ge->at_S;
        add(b->NJ8, vS, lin->dY);
        for (size_t r = 0; r < b->NJ8; r++) {
            lin->dct[r] = -vS[r];
        }
    }
    for (size_t r = 0; r < b->NJ8; r++) {
        lin->dY[r] *= lin->inv_Y[r];
    }
    if (b->has_inputs) {
        adjoint_inputs(lin);
    }
    else {
        memset(lin->t2, 0, b->NJ8 * sizeof(double));
    }
}

static inline void
revenue_line(size_t n8, double rho, double own, const double *restrict base_bar,
             const double *restrict B_bar, const double *restrict gamma,
             const double *restrict Y, double *restrict Y_bar, double *restrict ct_bar,
             double *restrict w_bar)
{
    for (size_t n = 0; n < n8; n++) {
        double labour = B_bar[n] * gamma[n] * (1.0 - rho), shift = own * labour * Y[n];
        Y_bar[n] += labour + rho * base_bar[n];
        ct_bar[n] -= shift;
        w_bar[n] += shift;
    }
}

/* B and rents: Y_bar, c~_bar, w_bar. */
static void
adjoint_revenue(tw_ge_linear *lin, double *dw)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    double own = 1.0 - b->closure.va_substitution;
    for (size_t j = 0; j < b->J; j++) {
        size_t r = j * b->N8;
        revenue_line(b->N8, b->rho[j], own, lin->b, lin->c, ge->gamma + r, ge->Y + r,
                     lin->dY + r, lin->dct + r, dw);
    }
}

/* F_w and incomes: R_bar in a, XR_bar in b, B_bar in c (levels), Pc_bar in d. */
static void
adjoint_income(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dw)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    double kappa = b->closure.labour_supply, money = 0.0, lean = 0.0;
    int income = b->closure.deficits == TW_GE_INCOME;
    for (size_t n = 0; n < b->N; n++) {
        money += v[n];
        lean += income ? lin->a[n] * ge->I[n] / ge->carry[n] / lin->weight : 0.0;
    }
    memset(lin->b, 0, b->N8 * sizeof(double));
    memset(lin->c, 0, b->N8 * sizeof(double));
    for (size_t n = 0; n < b->N; n++) {
        double base = income ? (lin->a[n] - lean * (1.0 - ge->carry[n])) / ge->carry[n]
                             : lin->a[n];
        double wL = base * ge->wLV[n] - lin->omega[n] * money - v[n];
        double L = wL + (seed->labour != NULL ? seed->labour[n] : 0.0);
        double s = lin->relief[n] * L;
        dw[n] = wL + kappa * L;
        lin->d[n] -= kappa * L;
        lin->a[n] = base + s * lin->inv_B[n];
        lin->b[n] = base;
        lin->c[n] = (v[n] - (s != 0.0 ? s * ge->tau[n] : 0.0)) * lin->inv_B[n];
    }
    add(b->N, seed->wage, dw);
    add(b->N, seed->revenue, lin->a);
    adjoint_revenue(lin, dw);
}

/* Binding limits: what they add to the logs of their flows. */
static void
adjoint_limits(tw_ge_linear *lin, const double *vm, double *dm)
{
    const tw_ge_limit_set *lim = &lin->ge->lim;
    for (size_t f = 0; f < lim->nflow; f++) {
        lin->z_bar[f] = lin->h_bar[f] = lin->v_bar[f] = 0.0;
    }
    for (size_t s = 0; s < lim->n; s++) {
        int by_value = lim->kind[s] == TW_GE_FLOOR_VALUE;
        double sign = tw_ge_is_floor(lim->kind[s]) ? 1.0 : -1.0;
        dm[s] = lim->piece[s] != 1 ? vm[s] : 0.0;
        for (ptrdiff_t k = lim->member_ptr[s];
             lim->piece[s] == 1 && k < lim->member_ptr[s + 1]; k++) {
            size_t f = lim->place[k - lim->member_ptr[0]];
            double bar = sign * vm[s] / lim->total[s];
            if (by_value) {
                lin->z_bar[f] += bar * lim->value[f];
            }
            else {
                lin->h_bar[f] += bar * lim->volume[f];
                lin->v_bar[f] += bar * lim->volume[f];
            }
        }
    }
}

/* u (Y_bar - XR_bar) and u XR_bar; `both` = 0 where KT = KX: what XR adds cancels */
static inline void
seller_line(size_t n8, double both, const double *restrict u,
            const double *restrict Y_bar, const double *restrict XR_bar,
            double *restrict x, double *restrict y)
{
    for (size_t n = 0; n < n8; n++) {
        x[n] = u[n] * (Y_bar[n] - both * XR_bar[n]);
        y[n] = u[n] * XR_bar[n];
    }
}

static inline void
buyer_line(size_t n8, const double *restrict q, const double *restrict M,
           const double *restrict R_bar, double *restrict q_bar)
{
    for (size_t n = 0; n < n8; n++) {
        q_bar[n] = q[n] * (q_bar[n] - R_bar[n] * M[n]);
    }
}

static inline void
demand_line(size_t n8, double inv_theta, const double *restrict q_bar,
            const double *restrict R_bar, const double *restrict X,
            const double *restrict vP, const double *restrict vX,
            double *restrict X_bar, double *restrict phi_bar)
{
    for (size_t n = 0; n < n8; n++) {
        X_bar[n] = q_bar[n] + R_bar[n] * X[n] - vX[n];
        phi_bar[n] = -q_bar[n] - vP[n] * inv_theta;
    }
}

static inline void
order_line(size_t n8, const double *restrict phi_bar, const double *restrict q,
           const double *restrict inv_X, const double *restrict R_bar,
           double *restrict x, double *restrict y)
{
    for (size_t n = 0; n < n8; n++) {
        x[n] = phi_bar[n] * q[n] * inv_X[n];
        y[n] = q[n] * R_bar[n];
    }
}

static inline void
supply_line(size_t n8, const double *restrict Y_bar, const double *restrict Y,
            const double *restrict XR_bar, const double *restrict YT,
            const double *restrict u, double *restrict u_bar)
{
    for (size_t n = 0; n < n8; n++) {
        double own = Y_bar[n] * Y[n] + XR_bar[n] * (YT[n] - Y[n]);
        u_bar[n] = u[n] * u_bar[n] + own;
    }
}

/* Through the flows and back, sector by sector while they are in cache: q_bar in dYT, X_bar in
 * dX, Phi_bar in dq, u_bar in du. */
static void
adjoint_flows(tw_ge_linear *lin, const double *vP, const double *vX, double *dX)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const tw_ge_limit_set *lim = &ge->lim;
    const double *KX = ge->has_x ? ge->KX : ge->KT;
    size_t N = b->N, N8 = b->N8;
    memset(lin->du, 0, b->NJ8 * sizeof *lin->du); /* so far what limits add to q_bar */
    for (size_t f = 0; f < lim->nflow; f++) {
        lin->du[lim->row[f]] += lin->z_bar[f] + lin->h_bar[f];
    }
    for (size_t j = 0; j < b->J; j++) {
        size_t r = j * N8, cell = r * N;
        seller_line(N8, ge->has_x ? 1.0 : 0.0, ge->u + r, lin->dY + r, lin->b,
                    lin->t1 + r, lin->t3 + r);
        ge->gk->rows(1, N, N8, KX + cell, lin->t1 + r, lin->dYT + r);
        if (ge->has_x) {
            ge->gk->rows(1, N, N8, ge->KT + cell, lin->t3 + r, lin->dq + r);
            add(N8, lin->dq + r, lin->dYT + r);
        }
        buyer_line(N8, ge->q + r, ge->M + r, lin->a, lin->dYT + r);
        add(N8, lin->du + r, lin->dYT + r);
        demand_line(N8, 1.0 / b->theta[j], lin->dYT + r, lin->a, ge->X + r, vP + r,
                    vX + r, dX + r, lin->dq + r);
        order_line(N8, lin->dq + r, ge->q + r, lin->inv_X + r, lin->a, lin->t1 + r,
                   lin->t3 + r);
        ge->gk->cols_apart(1, N, N8, ge->K + cell, ge->KT + cell, lin->t1 + r,
                           lin->t3 + r, lin->du + r);
        supply_line(N8, lin->dY + r, ge->Y + r, lin->b, ge->YT + r, ge->u + r,
                    lin->du + r);
    }
    for (size_t f = 0; f < lim->nflow; f++) {
        double theta = b->theta[lim->col[f] / b->N8];
        lin->du[lim->col[f]] += lin->z_bar[f] + lin->h_bar[f] + lin->v_bar[f] / theta;
    }
}

/* u = c^-theta, c = c~ S^-psi: c~_bar in dct, S_bar in dS. */
static void
adjoint_scale(tw_ge_linear *lin, const double *vS, double *dS)
{
    const tw_ge_base *b = lin->ge->base;
    for (size_t j = 0; j < b->J; j++) {
        double theta = b->theta[j], pass = b->psi[j] * b->theta[j];
        size_t r = j * b->N8;
        add_scaled(b->N8, -theta, lin->du + r, lin->dct + r);
        if (b->has_scale && pass != 0.0) {
            add_scaled(b->N8, pass, lin->du + r, dS + r); /* dS is zero so far */
            add_scaled(b->N8, -1.0, vS + r, dS + r);
        }
    }
}

static inline void
cost_line(size_t n8, const double *restrict gamma, const double *restrict alpha,
          const double *restrict user, const double *restrict ct_bar,
          const double *restrict M_bar, const double *restrict Pc_bar,
          double *restrict w_bar, double *restrict P_bar, double *restrict use)
{
    for (size_t n = 0; n < n8; n++) {
        w_bar[n] += gamma[n] * ct_bar[n];
        P_bar[n] += alpha[n] * Pc_bar[n];
        use[n] = user[n] * (ct_bar[n] + M_bar[n]);
    }
}

static inline void
add_product(size_t n, const double *restrict x, const double *restrict y,
            double *restrict sum)
{
    for (size_t k = 0; k < n; k++) {
        sum[k] += x[k] * y[k];
    }
}

/* c~ and Pc: the rest of w_bar and P_bar. */
static void
adjoint_cost(tw_ge_linear *lin, double *dw, double *dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    for (size_t r = 0; r < b->NJ8; r += b->N8) {
        cost_line(b->N8, ge->gamma + r, ge->alpha + r, ge->user + r, lin->dct + r,
                  lin->t2 + r, lin->d, dw, dP + r, lin->t1 + r);
    }
    if (b->has_inputs) {
        tw_ge_by_input(ge, lin->t1, lin->t3);
        add_product(b->NJ8, ge->input, lin->t3, dP);
    }
    for (size_t n = 0; n < b->N8; n++) {
        dw[n] = b->dead_V[n] != 0.0 ? 0.0 : dw[n];
    }
}

/* The wedges of limits. */
static void
adjoint_wedges(tw_ge_linear *lin, double *dm)
{
    const tw_ge_limit_set *lim = &lin->ge->lim;
    for (size_t s = 0; s < lim->n; s++) {
        double sum = 0.0;
        for (ptrdiff_t k = lim->member_ptr[s]; k < lim->member_ptr[s + 1]; k++) {
            tw_ge_flow_bar bar =
                tw_ge_special_bar(lin, lim->place[k - lim->member_ptr[0]]);
            sum += lim->holder[s] == TW_GE_TO_IMPORTER   ? bar.tariff
                   : lim->holder[s] == TW_GE_TO_EXPORTER ? bar.export_tax
                                                         : bar.waste;
        }
        dm[s] += tw_ge_is_floor(lim->kind[s]) ? -sum : sum;
    }
}

void
TW_LEVEL_NAME(tw_ge_transpose)(tw_ge_linear *lin, const double *v,
                               const tw_ge_seed *seed, double *dz)
{
    const tw_ge *ge = lin->ge;
    memset(dz, 0, ge->n8 * sizeof *dz);
    adjoint_demand(lin, v, seed, dz + ge->at_P);
    adjoint_income(lin, v, seed, dz);
    adjoint_limits(lin, v + ge->at_m, dz + ge->at_m);
    adjoint_flows(lin, v + ge->at_P, v + ge->at_X, dz + ge->at_X);
    adjoint_scale(lin, v + ge->at_S, dz + ge->at_S);
    adjoint_cost(lin, dz, dz + ge->at_P);
    adjoint_wedges(lin, dz + ge->at_m);
}

/* Exporter i's flows of sector j by importer, u left to the end; zeros where none is. */
void
TW_LEVEL_NAME(tw_ge_flow_bars)(const tw_ge_linear *lin, size_t i, size_t j,
                               double *restrict tariff, double *restrict export_tax,
                               double *restrict cost)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    size_t N8 = b->N8, cell = tw_ge_cell(b, 0, i, j), at = j * N8;
    const double *K = ge->K + cell, *KT = ge->KT + cell;
    const double *KX = ge->has_x ? ge->KX + cell : KT;
    const double *q = ge->q + at, *inv_X = lin->inv_X + at, *phi_bar = lin->dq + at;
    const double *R_bar = lin->a;
    double theta = b->theta[j], XR_bar = lin->b[i], own = lin->dY[at + i] - lin->b[i];
    double u = ge->u[at + i];
    for (size_t n = 0; n < N8; n++) {
        double uq = u * q[n];
        double z = (XR_bar - R_bar[n]) * (KT[n] * uq), h = own * (KX[n] * uq);
        double k = -theta * (phi_bar[n] * (K[n] * uq * inv_X[n]) + z + h);
        tariff[n] = k - z - h;
        export_tax[n] = k - h;
        cost[n] = k;
    }
}
