/* tw_ge_sweep.c - the equations of general equilibrium at a point z.  Built once per code path.
 *
 * Caliendo and Parro (2015, eqs 10-14 in changes), with export taxes, rents (Ossa 2014),
 * external scale, CES input and final use (Baqaee and Farhi 2019) and elastic labour.  With
 * Z = trade at the border price, c~ the cost of an input bundle:
 *     (1) ln c~ = gamma ln w + sum_k g ln P_k (or CES);  ln c = ln c~ - psi ln S - ln A
 *     (3) P[n]^-theta = sum_i K u,  u = c^-theta,  K = pi kap^-theta,  KT = K/(1+t'),
 *         KX = KT/(1+x')
 *     (5) X'[n,k] = sum_j g' (1-rho_j) Y'_j + alpha' I'
 *     (6) Z' = KT u q,  q = X'/Phi,  Phi = sum_i K u;  Y'[i] = u sum_n KX q
 *     (7) I' = w L V + sum rho Y' + R' + XR' + D',  R' = sum_j (X' - q sum_i KT u)
 *     (8) w L V = B = sum_j gamma' (1-rho) Y'
 *     (9) ln L = kappa (ln w + ln s - ln Pc),  s = (1 - tau_0)/(1 - tau'),  tau = R'/B
 * F = (ln B - ln w L V - ln(sum w L V / sum V), ln P_new - ln P, ln X_new - ln X',
 *      ln((Y'/Y)/c~) - ln S, limits).  The last term of the first makes world value added the
 * numeraire: with it the system is square and, by Walras' law, regular.
 */
#include "tw_ge.h"
#include "tw_level.h"
#include "tw_vmath.h"

static const double NEAR_ONE =
    0.1; /* elasticities this near to 1 use expm1 and log1p */
static const double SAFE_POWER = 600.0; /* exponents this large are shifted */
static const double LEAST = 1e-12;      /* ratios are bent up to this */
static const double LEAST_INCOME = 1e-6;

static void
vexp(size_t n, const double *x, double *y)
{
    for (size_t k = 0; k < n; k++) {
        y[k] = tw_exp1(x[k]);
    }
}

static void
vlog(size_t n, const double *x, double *y)
{
    for (size_t k = 0; k < n; k++) {
        y[k] = tw_log1(x[k]);
    }
}

/* y = exp(e x) - 1 or, where that loses nothing, exp(e x): *offset = 1 or 0 is left out. */
static double
power(size_t n, double e, const double *x, double *y)
{
    if (fabs(e) < NEAR_ONE) {
        for (size_t k = 0; k < n; k++) {
            y[k] = expm1(e * x[k]);
        }
        return 1.0;
    }
    for (size_t k = 0; k < n; k++) {
        y[k] = e * x[k];
    }
    vexp(n, y, y);
    return 0.0;
}

/* x = ln(offset + x) / e: the inverse of a mean of powers. */
static void
root(size_t n, double e, double offset, double *x)
{
    if (offset == 1.0) {
        for (size_t k = 0; k < n; k++) {
            x[k] = log1p(x[k]) / e;
        }
        return;
    }
    vlog(n, x, x);
    for (size_t k = 0; k < n; k++) {
        x[k] /= e;
    }
}

/* ---- (1) costs ------------------------------------------------------------------------- */

/* CES: the index of inputs M, the bundle c~, and the factors of the shares. */
static void
bundles_ces(tw_ge *ge, const double *ln_w, const double *ln_P)
{
    const tw_ge_base *b = ge->base;
    size_t J = b->J, N8 = b->N8, size = b->NJ8;
    double eta = b->closure.va_substitution, nu = b->closure.input_substitution;
    const double *gamma = b->gamma;
    double *ln_M = ge->ln_M, *v = ge->tmp, *y = ge->tmp2;
    double offset = 0.0;
    if (b->ces_inputs) {
        offset = power(size, 1.0 - nu, ln_P, ge->input);
    }
    ge->gk->by_user(J, N8, b->g, b->ces_inputs ? ge->input : ln_P, ln_M);
    for (size_t k = 0; k < size; k++) {
        double inputs = 1.0 - gamma[k];
        int none = !(inputs > 0.0);
        ln_M[k] = none ? 1.0 - offset : ln_M[k] / inputs;
    }
    if (b->ces_inputs) {
        root(size, 1.0 - nu, offset, ln_M);
    }
    for (size_t k = 0; k < size; k++) {
        ln_M[k] = 1.0 - gamma[k] > 0.0 ? ln_M[k] : 0.0;
        ge->input[k] = b->ces_inputs ? ge->input[k] + offset : 1.0;
    }
    double *ln_ct = ge->ln_ct;
    if (b->ces_va) {
        for (size_t j = 0; j < J; j++) {
            for (size_t n = 0; n < N8; n++) {
                v[j * N8 + n] = ln_w[n];
            }
        }
        offset = power(size, 1.0 - eta, v, v);
        power(size, 1.0 - eta, ln_M, y);
        for (size_t k = 0; k < size; k++) {
            ln_ct[k] = gamma[k] * v[k] + (1.0 - gamma[k]) * y[k];
        }
        root(size, 1.0 - eta, offset, ln_ct);
    }
    else {
        for (size_t j = 0; j < J; j++) {
            for (size_t n = 0; n < N8; n++) {
                size_t k = j * N8 + n;
                ln_ct[k] = gamma[k] * ln_w[n] + (1.0 - gamma[k]) * ln_M[k];
            }
        }
    }
    for (size_t j = 0; j < J; j++) {
        for (size_t n = 0; n < N8; n++) {
            size_t k = j * N8 + n;
            v[k] = (1.0 - eta) * (ln_w[n] - ln_ct[k]);
            y[k] = (nu - eta) * ln_M[k] + (eta - 1.0) * ln_ct[k];
        }
    }
    vexp(size, v, v);
    vexp(size, y, ge->user);
    for (size_t k = 0; k < size; k++) {
        ge->gamma[k] = gamma[k] * v[k];
    }
}

static double
middle(size_t n8, const double *dead, const double *x)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t n = 0; n < n8; n++) {
        low = !(dead[n] > 0.0) && x[n] < low ? x[n] : low;
        high = !(dead[n] > 0.0) && x[n] > high ? x[n] : high;
    }
    return low <= high ? 0.5 * (low + high) : 0.0;
}

static void
costs(tw_ge *ge, const double *ln_w, const double *ln_P, const double *ln_S)
{
    const tw_ge_base *b = ge->base;
    size_t J = b->J, N8 = b->N8, size = b->NJ8;
    double *ln_ct = ge->ln_ct, *ln_c = ge->ln_c;
    if (b->ces_va || b->ces_inputs) {
        bundles_ces(ge, ln_w, ln_P);
    }
    else if (b->has_inputs) {
        ge->gk->by_user(J, N8, b->g, ln_P, ln_ct);
        for (size_t j = 0; j < J; j++) {
            for (size_t n = 0; n < N8; n++) {
                ln_ct[j * N8 + n] += b->gamma[j * N8 + n] * ln_w[n];
            }
        }
    }
    else {
        for (size_t j = 0; j < J; j++) {
            for (size_t n = 0; n < N8; n++) {
                ln_ct[j * N8 + n] = b->gamma[j * N8 + n] * ln_w[n];
            }
        }
    }
    for (size_t k = 0; k < size; k++) {
        ln_c[k] = b->dead_Y[k] > 0.0 ? 0.0 : ln_ct[k] - ge->ln_A[k];
    }
    for (size_t j = 0; j < J; j++) {
        double theta = b->theta[j], psi = b->psi[j];
        int large = 0;
        for (size_t n = 0; n < N8; n++) {
            size_t k = j * N8 + n;
            ln_c[k] -= ln_S != NULL ? psi * ln_S[k] : 0.0;
            ge->u[k] = -theta * ln_c[k];
            large |= !(fabs(ge->u[k]) <= SAFE_POWER);
        }
        ge->shift[j] = large ? middle(N8, b->dead_Y + j * N8, ln_c + j * N8) : 0.0;
        for (size_t n = 0; large && n < N8; n++) {
            ge->u[j * N8 + n] = -theta * (ln_c[j * N8 + n] - ge->shift[j]);
        }
    }
    vexp(size, ge->u, ge->u);
}

/* ---- (3), (6) trade -------------------------------------------------------------------- */

static void
trade(tw_ge *ge, const double *ln_X)
{
    const tw_ge_base *b = ge->base;
    size_t size = b->NJ8;
    vexp(size, ln_X, ge->X);
    for (size_t k = 0; k < size; k++) {
        ge->X[k] *= b->X[k];
    }
    tw_ge_sweep_args args = {.K = ge->K,
                             .KT = ge->KT,
                             .KX = ge->has_x ? ge->KX : ge->KT,
                             .u = ge->u,
                             .X = ge->X,
                             .dead = b->dead_X,
                             .Phi = ge->Phi,
                             .M = ge->M,
                             .q = ge->q,
                             .Y = ge->Y,
                             .YT = ge->YT};
    ge->gk->sweep(b->J, b->N, b->N8, &args);
    for (size_t k = 0; k < size; k++) {
        ge->Y[k] *= ge->u[k];
        ge->YT[k] = ge->has_x ? ge->YT[k] * ge->u[k] : ge->Y[k];
    }
}

/* ---- (7)-(9) incomes ------------------------------------------------------------------- */

/* Pc, and the final shares at it. */
static void
final_demand(tw_ge *ge, const double *ln_P)
{
    const tw_ge_base *b = ge->base;
    size_t J = b->J, N8 = b->N8, size = b->NJ8;
    double e = 1.0 - b->closure.final_substitution, offset = 0.0;
    const double *p = ln_P;
    double *ln_Pc = ge->ln_Pc, *v = ge->tmp;
    if (b->ces_final) {
        offset = power(size, e, ln_P, v);
        p = v;
    }
    for (size_t n = 0; n < N8; n++) {
        ln_Pc[n] = b->ces_final && offset == 0.0 && n >= b->N ? 1.0 : 0.0;
    }
    for (size_t j = 0; j < J; j++) {
        for (size_t n = 0; n < N8; n++) {
            ln_Pc[n] += b->alpha[j * N8 + n] * p[j * N8 + n];
        }
    }
    if (!b->ces_final) {
        return;
    }
    root(N8, e, offset, ln_Pc);
    for (size_t j = 0; j < J; j++) {
        for (size_t n = 0; n < N8; n++) {
            v[j * N8 + n] = e * (ln_P[j * N8 + n] - ln_Pc[n]);
        }
    }
    vexp(size, v, v);
    for (size_t k = 0; k < size; k++) {
        ge->alpha[k] = b->alpha[k] * v[k];
    }
}

/* dbar such that sum (delta - dbar) I' = 0 with I' = G / (1 - delta + dbar). */
static void
income_closure(tw_ge *ge, const double *G)
{
    const tw_ge_base *b = ge->base;
    double top = -1.0, total = 0.0;
    for (size_t n = 0; n < b->N; n++) {
        top = ge->D[n] > top ? ge->D[n] : top;
        total += G[n];
    }
    double low = top - 1.0, dbar = 0.0; /* low: the pole */
    for (int it = 0; it < 60; it++) {
        double f = -total, slope = 0.0;
        for (size_t n = 0; n < b->N; n++) {
            double h = 1.0 - ge->D[n] + dbar;
            f += G[n] / h;
            slope -= G[n] / (h * h);
        }
        double move = -f / slope;
        dbar = dbar + move > low ? dbar + move : 0.5 * (dbar + low);
        if (!(fabs(move) > 1e-16)) {
            break;
        }
    }
    ge->dbar = dbar;
    for (size_t n = 0; n < b->N8; n++) {
        ge->carry[n] = n < b->N ? 1.0 - ge->D[n] + dbar : 1.0;
    }
}

static void
incomes(tw_ge *ge, const double *ln_w)
{
    const tw_ge_base *b = ge->base;
    size_t J = b->J, N = b->N, N8 = b->N8;
    double *R = ge->R, *XR = ge->XR, *B = ge->B, *G = ge->I;
    double kappa = b->closure.labour_supply;
    for (size_t n = 0; n < N8; n++) {
        R[n] = XR[n] = B[n] = G[n] = 0.0;
    }
    for (size_t j = 0; j < J; j++) {
        const double *X = ge->X + j * N8, *q = ge->q + j * N8, *M = ge->M + j * N8;
        const double *Y = ge->Y + j * N8, *YT = ge->YT + j * N8,
                     *gamma = ge->gamma + j * N8;
        double rho = b->rho[j];
        for (size_t n = 0; n < N8; n++) {
            R[n] += X[n] - q[n] * M[n];
            XR[n] += YT[n] - Y[n];
            B[n] += gamma[n] * ((1.0 - rho) * Y[n]);
            G[n] += rho * Y[n];
        }
    }
    double money = 0.0;
    int bent = 0;
    for (size_t n = 0; n < N8; n++) {
        double dead = b->dead_V[n], relief = 1.0;
        ge->tau[n] = R[n] / (B[n] + dead);
        if (b->closure.revenue == TW_GE_INCOME_TAX) {
            relief = (1.0 - ge->tau[n]) / b->keep[n];
            bent |= !(relief > LEAST_INCOME);
            relief = relief > LEAST_INCOME ? relief : LEAST_INCOME;
        }
        ge->s[n] = 1.0 / relief;
    }
    ge->bent |= bent;
    vlog(N8, ge->s, ge->L);
    for (size_t n = 0; n < N8; n++) {
        ge->L[n] = kappa * (ln_w[n] + ge->L[n] - ge->ln_Pc[n]);
        ge->tmp[n] = ln_w[n] + ge->L[n]; /* ln w L, which labour_market reads */
    }
    vexp(N8, ge->L, ge->L);
    vexp(N8, ln_w, ge->w);
    vexp(N8, ge->tmp, ge->wLV);
    for (size_t n = 0; n < N8; n++) {
        ge->wLV[n] *= b->V[n];
        G[n] += ge->wLV[n] + R[n] + XR[n];
    }
    for (size_t n = 0; n < N; n++) {
        money += ge->wLV[n];
    }
    ge->money = money / b->world_V;
    if (b->closure.deficits == TW_GE_INCOME) {
        income_closure(ge, G);
    }
    for (size_t n = 0; n < N8; n++) {
        double rest = G[n];
        G[n] =
            b->closure.deficits == TW_GE_INCOME ? rest / ge->carry[n] : rest + ge->D[n];
        ge->DD[n] = G[n] - rest;
        if (n < N && !(G[n] > LEAST_INCOME * b->I[n]) && b->I[n] > 0.0) {
            ge->poor = ge->poor < 0 ? (int)n : ge->poor;
            G[n] = LEAST_INCOME * b->I[n];
        }
    }
}

/* ---- F --------------------------------------------------------------------------------- */

static void
labour_markets(tw_ge *ge, double *F)
{
    const tw_ge_base *b = ge->base;
    double ln_money = tw_log1(ge->money);
    for (size_t n = 0; n < b->N8; n++) {
        F[n] = ge->B[n] * b->inv_V[n] + b->dead_V[n];
    }
    vlog(b->N8, F, F);
    for (size_t n = 0; n < b->N8; n++) {
        F[n] -= ge->tmp[n] + ln_money;
        F[n] = b->dead_V[n] > 0.0 ? 0.0 : F[n];
    }
}

static void
price_equations(tw_ge *ge, const double *ln_P, double *F)
{
    const tw_ge_base *b = ge->base;
    size_t N8 = b->N8;
    vlog(b->NJ8, ge->Phi, F);
    for (size_t j = 0; j < b->J; j++) {
        double theta = b->theta[j], shift = ge->shift[j];
        for (size_t n = 0; n < N8; n++) {
            size_t k = j * N8 + n;
            double ln_new = (ge->row_shift[k] - F[k]) / theta + shift;
            F[k] = b->dead_X[k] > 0.0 ? 0.0 : ln_new - ln_P[k];
        }
    }
}

static void
goods_markets(tw_ge *ge, const double *ln_X, double *F)
{
    const tw_ge_base *b = ge->base;
    size_t J = b->J, N8 = b->N8, size = b->NJ8;
    int ces = b->ces_va || b->ces_inputs;
    double *X = ge->X_new, *y = ge->tmp;
    if (b->has_inputs) {
        for (size_t j = 0; j < J; j++) {
            double keep = 1.0 - b->rho[j];
            for (size_t n = 0; n < N8; n++) {
                size_t k = j * N8 + n;
                y[k] = ces ? ge->user[k] * (keep * ge->Y[k]) : keep * ge->Y[k];
            }
        }
        ge->gk->by_input(J, N8, b->g, y, X);
    }
    int bent = 0;
    for (size_t j = 0; j < J; j++) {
        for (size_t n = 0; n < N8; n++) {
            size_t k = j * N8 + n;
            double inputs = !b->has_inputs ? 0.0 : ces ? ge->input[k] * X[k] : X[k];
            X[k] = inputs + ge->alpha[k] * ge->I[n];
            double ratio = X[k] * b->inv_X[k] + b->dead_X[k];
            bent |= !(ratio > LEAST);
            F[k] = ratio > LEAST ? ratio : LEAST;
        }
    }
    ge->bent |= bent;
    vlog(size, F, F);
    for (size_t k = 0; k < size; k++) {
        F[k] -= ln_X[k];
    }
}

static void
scale_equations(tw_ge *ge, const double *ln_S, double *F)
{
    const tw_ge_base *b = ge->base;
    size_t N8 = b->N8;
    for (size_t k = 0; k < b->NJ8; k++) {
        F[k] = ge->Y[k] * b->inv_Y[k] + b->dead_Y[k];
    }
    vlog(b->NJ8, F, F);
    for (size_t j = 0; j < b->J; j++) {
        int on = b->psi[j] > 0.0;
        for (size_t n = 0; n < N8; n++) {
            size_t k = j * N8 + n;
            F[k] = on && !(b->dead_Y[k] > 0.0) ? F[k] - ge->ln_ct[k] - ln_S[k] : 0.0;
        }
    }
}

void
TW_LEVEL_NAME(tw_ge_eval)(tw_ge *ge, const double *z, double *F)
{
    const double *ln_P = z + ge->at_P, *ln_X = z + ge->at_X;
    const double *ln_S = ge->base->has_scale ? z + ge->at_S : NULL;
    ge->z = z;
    ge->poor = -1;
    ge->bent = 0;
    costs(ge, z, ln_P, ln_S);
    trade(ge, ln_X);
    final_demand(ge, ln_P);
    incomes(ge, z);
    labour_markets(ge, F);
    price_equations(ge, ln_P, F + ge->at_P);
    goods_markets(ge, ln_X, F + ge->at_X);
    if (ln_S != NULL) {
        scale_equations(ge, ln_S, F + ge->at_S);
    }
}
