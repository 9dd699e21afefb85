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
    memset(ln_M, 0, size * sizeof *ln_M);
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

/* u = exp(-theta (ln c - shift)); nonzero when an exponent is out of range without a shift */
static uint64_t
powers(size_t n8, double theta, double shift, const double *restrict ln_c,
       double *restrict u)
{
    uint64_t large = 0;
    for (size_t n = 0; n < n8; n++) {
        double x = -theta * (ln_c[n] - shift);
        large |= fabs(x) <= SAFE_POWER ? 0u : 1u;
        u[n] = x;
    }
    return large;
}

static void
cost_of_bundle(size_t size, const double *restrict ln_ct, const double *restrict ln_A,
               const double *restrict dead, double *restrict ln_c)
{
    for (size_t k = 0; k < size; k++) {
        ln_c[k] = dead[k] > 0.0 ? 0.0 : ln_ct[k] - ln_A[k];
    }
}

/* out[j][n] = a[j][n] x[n] */
static void
spread(size_t J, size_t n8, const double *restrict a, const double *restrict x,
       double *restrict out)
{
    for (size_t j = 0; j < J; j++) {
        for (size_t n = 0; n < n8; n++) {
            out[j * n8 + n] = a[j * n8 + n] * x[n];
        }
    }
}

static void
costs(tw_ge *ge, const double *ln_w, const double *ln_P, const double *ln_S)
{
    const tw_ge_base *b = ge->base;
    size_t J = b->J, N8 = b->N8, size = b->NJ8;
    if (b->ces_va || b->ces_inputs) {
        bundles_ces(ge, ln_w, ln_P);
    }
    else {
        spread(J, N8, b->gamma, ln_w, ge->ln_ct);
        if (b->has_inputs) {
            ge->gk->by_user(J, N8, b->g, ln_P, ge->ln_ct);
        }
    }
    cost_of_bundle(size, ge->ln_ct, ge->ln_A, b->dead_Y, ge->ln_c);
    for (size_t j = 0; j < J; j++) {
        double theta = b->theta[j], psi = b->psi[j];
        double *ln_c = ge->ln_c + j * N8, *u = ge->u + j * N8;
        for (size_t n = 0; ln_S != NULL && n < N8; n++) {
            ln_c[n] -= psi * ln_S[j * N8 + n];
        }
        ge->shift[j] = 0.0;
        if (powers(N8, theta, 0.0, ln_c, u)) {
            ge->shift[j] = middle(N8, b->dead_Y + j * N8, ln_c);
            powers(N8, theta, ge->shift[j], ln_c, u);
        }
    }
    vexp(size, ge->u, ge->u);
}

/* ---- (3), (6) trade -------------------------------------------------------------------- */

static void
multiply(size_t n, const double *restrict x, double *restrict y)
{
    for (size_t k = 0; k < n; k++) {
        y[k] *= x[k];
    }
}

static void
trade(tw_ge *ge, const double *ln_X)
{
    const tw_ge_base *b = ge->base;
    size_t size = b->NJ8;
    vexp(size, ln_X, ge->X);
    multiply(size, b->X, ge->X);
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
    multiply(size, ge->u, ge->Y);
    if (ge->has_x) {
        multiply(size, ge->u, ge->YT);
    }
    else {
        memcpy(ge->YT, ge->Y, size * sizeof *ge->Y);
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

/* R', XR', B and profits of one sector are added. */
static void
add_sector(const tw_ge *ge, size_t j, double *restrict R, double *restrict XR,
           double *restrict B, double *restrict G)
{
    size_t N8 = ge->base->N8, at = j * N8;
    double rho = ge->base->rho[j], keep = 1.0 - rho;
    const double *restrict X = ge->X + at, *restrict q = ge->q + at;
    const double *restrict M = ge->M + at, *restrict Y = ge->Y + at;
    const double *restrict YT = ge->YT + at, *restrict gamma = ge->gamma + at;
    for (size_t n = 0; n < N8; n++) {
        R[n] += X[n] - q[n] * M[n];
        XR[n] += YT[n] - Y[n];
        B[n] += gamma[n] * (keep * Y[n]);
        G[n] += rho * Y[n];
    }
}

static void
incomes(tw_ge *ge, const double *ln_w)
{
    const tw_ge_base *b = ge->base;
    size_t N = b->N, N8 = b->N8;
    double *R = ge->R, *XR = ge->XR, *B = ge->B, *G = ge->I;
    double kappa = b->closure.labour_supply;
    for (size_t n = 0; n < N8; n++) {
        R[n] = XR[n] = B[n] = G[n] = 0.0;
    }
    for (size_t j = 0; j < b->J; j++) {
        add_sector(ge, j, R, XR, B, G);
    }
    double money = 0.0;
    for (size_t n = 0; n < N8; n++) {
        double dead = b->dead_V[n], relief = 1.0;
        ge->tau[n] = R[n] / (B[n] + dead);
        if (b->closure.revenue == TW_GE_INCOME_TAX) {
            relief = (1.0 - ge->tau[n]) / b->keep[n];
            ge->poor = relief > LEAST_INCOME ? ge->poor : (int)n;
            relief = relief > LEAST_INCOME ? relief : LEAST_INCOME;
        }
        ge->s[n] = 1.0 / relief;
    }
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
        double ratio = ge->B[n] * b->inv_V[n] + b->dead_V[n];
        if (!(ratio > LEAST)) { /* nobody buys from n */
            ge->poor = (int)n;
            ratio = LEAST;
        }
        F[n] = ratio;
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
        const double *restrict row_shift = ge->row_shift + j * N8;
        const double *restrict dead = b->dead_X + j * N8, *restrict p = ln_P + j * N8;
        double *restrict f = F + j * N8;
        for (size_t n = 0; n < N8; n++) {
            double ln_new = (row_shift[n] - f[n]) / theta + shift;
            f[n] = dead[n] > 0.0 ? 0.0 : ln_new - p[n];
        }
    }
}

/* (1 - rho) Y', times the user's factor of CES shares */
static void
used_output(const tw_ge *ge, int ces, double *restrict y)
{
    const tw_ge_base *b = ge->base;
    for (size_t j = 0; j < b->J; j++) {
        double keep = 1.0 - b->rho[j];
        const double *restrict Y = ge->Y + j * b->N8, *restrict user =
                                                          ge->user + j * b->N8;
        for (size_t n = 0; n < b->N8; n++) {
            y[j * b->N8 + n] = keep * Y[n];
        }
        for (size_t n = 0; ces && n < b->N8; n++) {
            y[j * b->N8 + n] *= user[n];
        }
    }
}

/* ratio = X_new / X, bent up to LEAST: nonzero if any was */
static uint64_t
ratios(size_t size, const double *restrict X, const double *restrict inv_X,
       const double *restrict dead, double *restrict ratio)
{
    uint64_t bent = 0;
    for (size_t k = 0; k < size; k++) {
        double r = X[k] * inv_X[k] + dead[k];
        bent |= r > LEAST ? 0u : 1u;
        ratio[k] = r > LEAST ? r : LEAST;
    }
    return bent;
}

static void
subtract(size_t n, const double *restrict x, double *restrict y)
{
    for (size_t k = 0; k < n; k++) {
        y[k] -= x[k];
    }
}

static void
goods_markets(tw_ge *ge, const double *ln_X, double *F)
{
    const tw_ge_base *b = ge->base;
    size_t J = b->J, N8 = b->N8, size = b->NJ8;
    int ces = b->ces_va || b->ces_inputs;
    double *X = ge->X_new, *inputs = ge->tmp2;
    spread(J, N8, ge->alpha, ge->I, X);
    if (b->has_inputs) {
        used_output(ge, ces, ge->tmp);
        if (ces) {
            memset(inputs, 0, size * sizeof *inputs);
        }
        ge->gk->by_input(J, N8, b->g, ge->tmp, ces ? inputs : X);
        for (size_t k = 0; ces && k < size; k++) {
            X[k] += ge->input[k] * inputs[k];
        }
    }
    ge->bent |= ratios(size, X, b->inv_X, b->dead_X, F) != 0;
    vlog(size, F, F);
    subtract(size, ln_X, F);
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
            int open = on && ge->Y[k] > 0.0; /* else its cost matters to nobody */
            F[k] = open ? F[k] - ge->ln_ct[k] - ln_S[k] : -ln_S[k];
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
