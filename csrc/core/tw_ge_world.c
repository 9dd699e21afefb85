/* tw_ge_world.c - check the economy of a batch and pack it: countries become lanes. */
#include "tw_ge.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double SHARES = 1e-9; /* cost and final shares sum to one within this */

/* ---- checks ------------------------------------------------------------------------- */

/* The first place where x is not in [low, high] (NaN is not), or -1. */
static ptrdiff_t
outside(size_t n, const double *x, double low, double high)
{
    enum { BLOCK = 256 };
    for (size_t first = 0; x != NULL && first < n; first += BLOCK) {
        size_t last = TW_MIN(first + BLOCK, n);
        uint64_t bad = 0; /* as wide as a double, so that the loop is vectorised */
        for (size_t k = first; k < last; k++) {
            bad |= ((x[k] >= low) & (x[k] <= high)) ? 0u : 1u;
        }
        for (size_t k = first; bad && k < last; k++) {
            if (!(x[k] >= low && x[k] <= high)) {
                return (ptrdiff_t)k;
            }
        }
    }
    return -1;
}

static int
refuse(tw_info *info, ptrdiff_t where, const char *what)
{
    if (where < 0) {
        return 0;
    }
    info->where = where;
    info->what = what;
    return 1;
}

static int
bad_world(const tw_ge_world *w, tw_info *info)
{
    const double top = 1.7976931348623157e308, below_one = 0x1.fffffffffffffp-1;
    size_t N = w->N, J = w->J;
    return refuse(info, outside(N * N * J, w->trade, 0.0, top),
                  "trade is negative or not finite") ||
           refuse(info, outside(N * N * J, w->tariff, -below_one, top),
                  "a tariff is -1 or below, or not finite") ||
           refuse(info, outside(N * N * J, w->export_tax, -below_one, top),
                  "an export tax is -1 or below, or not finite") ||
           refuse(info, outside(J, w->theta, 0x1p-1022, top),
                  "theta is not positive") ||
           refuse(info, outside(N * J, w->value_added, 0.0, top),
                  "value_added is negative or not finite") ||
           refuse(
               info,
               outside(w->input_use == NULL ? 0 : N * J * J, w->input_use, -top, top),
               "input_use is not finite") ||
           refuse(info, outside(J, w->rents, 0.0, below_one),
                  "rents is not in [0, 1)") ||
           refuse(info, outside(J, w->scale, 0.0, top),
                  "scale is negative or not finite") ||
           refuse(info, outside(N * J, w->final_share, -top, top),
                  "final_share is not finite") ||
           refuse(info, outside(N, w->deficit, -top, top), "deficit is not finite");
}

static int
bad_closure(const tw_ge_options *c, tw_info *info)
{
    double e[4] = {c->labour_supply, c->va_substitution, c->input_substitution,
                   c->final_substitution};
    int known = c->deficits >= TW_GE_FIXED && c->deficits <= TW_GE_INCOME &&
                c->revenue >= TW_GE_LUMP_SUM && c->revenue <= TW_GE_INCOME_TAX;
    return refuse(info, outside(4, e, 0.0, 1e6),
                  "an elasticity of the closure is negative or not finite") ||
           refuse(info, known ? -1 : 0, "an unknown closure");
}

/* From the packed arrays: b->g is 0 and gamma 1 where nothing is made. */
static int
bad_shares(const tw_ge_base *b, const tw_ge_world *w, tw_info *info)
{
    size_t N = b->N, J = b->J, N8 = b->N8;
    for (size_t j = 0; j < J; j++) {
        if (b->theta[j] * b->psi[j] >= 1.0) {
            return refuse(info, (ptrdiff_t)j, "theta times scale is 1 or above");
        }
    }
    for (size_t j = 0; j < J; j++) {
        for (size_t n = 0; n < N; n++) {
            double sum = b->gamma[j * N8 + n];
            for (size_t k = 0; b->has_inputs && k < J; k++) {
                sum += b->g[(j * J + k) * N8 + n];
            }
            if (!(fabs(sum - 1.0) <= SHARES)) {
                return refuse(info, (ptrdiff_t)(n * J + j),
                              "cost shares do not sum to 1");
            }
        }
    }
    for (size_t n = 0; n < N; n++) {
        double total = 0.0, spent = 0.0;
        for (size_t j = 0; j < J; j++) {
            total += w->final_share[n * J + j];
            spent += b->X[j * N8 + n];
        }
        if (spent > 0.0 && !(fabs(total - 1.0) <= SHARES)) {
            return refuse(info, (ptrdiff_t)n, "final shares do not sum to 1");
        }
    }
    return 0;
}

/* ---- packing ------------------------------------------------------------------------ */

/* Eight importers from n on: E = (1+t) Z into pi and 1+t into pi_t (and 1+x into pi_x), and
 * the sums.  Eight rows of the data are read at once, so that cells are written in order. */
static void
pack_importers(tw_ge_base *b, const tw_ge_world *w, size_t n, double *R, double *XR)
{
    size_t N = b->N, J = b->J, N8 = b->N8, lanes = TW_MIN(N - n, 8);
    for (size_t i = 0; i < N; i++) {
        double tax = 0.0;
        for (size_t j = 0; j < J; j++) {
            size_t cell = tw_ge_cell(b, n, i, j);
            double Z[8] = {0.0}, T[8] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
            double sold = 0.0;
            for (size_t l = 0; l < lanes; l++) {
                size_t f = ((n + l) * N + i) * J + j;
                Z[l] = w->trade[f];
                T[l] = 1.0 + w->tariff[f];
                R[n + l] += w->tariff[f] * Z[l];
            }
            for (size_t l = 0; l < 8; l++) {
                b->pi[cell + l] = T[l] * Z[l];
                b->pi_t[cell + l] = T[l];
                b->X[j * N8 + n + l] += T[l] * Z[l];
            }
            for (size_t l = 0; l < lanes; l++) {
                double x = b->has_x ? w->export_tax[((n + l) * N + i) * J + j] : 0.0;
                double S = b->has_x ? Z[l] / (1.0 + x) : Z[l];
                sold += S;
                tax += x * S;
                if (b->has_x) {
                    b->pi_x[cell + l] = 1.0 + x;
                }
            }
            b->Y[j * N8 + i] += sold;
        }
        XR[i] += tax;
    }
}

/* pi = E/X, pi_t = pi/(1+t), pi_x = pi_t/(1+x); zeros where a market is empty. */
static void
divide(tw_ge_base *b)
{
    size_t N = b->N, N8 = b->N8;
    for (size_t row = 0; row < b->J * N; row++) {
        double *restrict pi = b->pi + row * N8, *restrict pi_t = b->pi_t + row * N8;
        const double *restrict X = b->X + row / N * N8;
        for (size_t n = 0; n < N8; n++) {
            pi[n] /= X[n] > 0.0 ? X[n] : 1.0;
            pi_t[n] = pi[n] / pi_t[n];
        }
        double *restrict pi_x = b->pi_x + row * N8;
        for (size_t n = 0; b->has_x && n < N; n++) {
            pi_x[n] = pi_t[n] / pi_x[n];
        }
    }
}

/* Input use of eight countries from n on, zero where nothing is made. */
static void
pack_inputs(tw_ge_base *b, const double *input_use, size_t n)
{
    size_t J = b->J, N8 = b->N8, lanes = TW_MIN(b->N - n, 8);
    for (size_t k = 0; k < J; k++) {
        for (size_t j = 0; j < J; j++) {
            double *g = b->g + (j * J + k) * N8 + n;
            const double *dead = b->dead_Y + j * N8 + n;
            for (size_t l = 0; l < lanes; l++) {
                double share = input_use[((n + l) * J + k) * J + j];
                g[l] = dead[l] > 0.0 ? 0.0 : share;
            }
        }
    }
}

/* Everything that is one number a country and sector. */
static void
pack_sectors(tw_ge_base *b, const tw_ge_world *w)
{
    size_t N = b->N, J = b->J, N8 = b->N8;
    for (size_t j = 0; j < J; j++) {
        b->theta[j] = w->theta[j];
        b->rho[j] = w->rents != NULL ? w->rents[j] : 0.0;
        b->psi[j] = w->scale != NULL ? w->scale[j] : 0.0;
        b->has_scale |= b->psi[j] > 0.0;
        for (size_t n = 0; n < N8; n++) {
            size_t k = j * N8 + n;
            int made = b->Y[k] > 0.0, bought = b->X[k] > 0.0;
            b->inv_X[k] = bought ? 1.0 / b->X[k] : 0.0;
            b->inv_Y[k] = made ? 1.0 / b->Y[k] : 0.0;
            b->dead_X[k] = bought ? 0.0 : 1.0;
            b->dead_Y[k] = made ? 0.0 : 1.0;
            b->gamma[k] = made ? w->value_added[n * J + j] : 1.0;
            b->alpha[k] = n < N ? w->final_share[n * J + j] : 0.0;
            double home = n < N ? b->pi[tw_ge_cell(b, n, n, j)] : 0.0;
            b->home_pay[k] = home * b->gamma[k];
        }
    }
}

/* b->I holds R and b->keep holds XR on entry. */
static void
pack_incomes(tw_ge_base *b, const tw_ge_world *w)
{
    b->world_V = 0.0;
    for (size_t n = 0; n < b->N8; n++) {
        double V = 0.0, profits = 0.0, R = b->I[n], XR = b->keep[n];
        for (size_t j = 0; j < b->J; j++) {
            size_t k = j * b->N8 + n;
            V += b->gamma[k] * ((1.0 - b->rho[j]) * b->Y[k]);
            profits += b->rho[j] * b->Y[k];
        }
        b->V[n] = V;
        b->inv_V[n] = V > 0.0 ? 1.0 / V : 0.0;
        b->dead_V[n] = V > 0.0 ? 0.0 : 1.0;
        b->D[n] = n < b->N ? w->deficit[n] : 0.0;
        b->I[n] = V + profits + R + XR + b->D[n];
        b->keep[n] = V > 0.0 ? 1.0 - R / V : 1.0;
        b->world_V += V;
    }
}

/* How sales follow spending, where nobody uses inputs. */
static void
pack_demand(tw_ge_base *b)
{
    size_t N = b->N, N8 = b->N8;
    for (size_t n = 0; n < N; n++) {
        double total = 0.0;
        for (size_t k = n; k < b->NJ8; k += N8) {
            total += b->X[k];
        }
        for (size_t k = n; k < b->NJ8; k += N8) {
            b->budget[k] = total > 0.0 ? b->X[k] / total : 0.0;
        }
    }
    for (size_t row = 0; row < b->J * N; row++) {
        size_t j = row / N, i = row % N;
        double pay = b->gamma[j * N8 + i] * (1.0 - b->rho[j]) * b->inv_V[i];
        const double *restrict pi_x = b->pi_x + row * N8, *restrict X = b->X + j * N8;
        double *restrict sales = b->sales + i * N8;
        for (size_t n = 0; n < N8; n++) {
            sales[n] += pay * (pi_x[n] * X[n]);
        }
    }
}

/* Relief from income tax needs labour income above tariff revenue. */
static int
bad_relief(const tw_ge_base *b, tw_info *info)
{
    for (size_t n = 0; b->closure.revenue == TW_GE_INCOME_TAX && n < b->N; n++) {
        if (!(b->keep[n] > 0.0)) {
            return refuse(info, (ptrdiff_t)n, "tariff revenue exceeds labour income");
        }
    }
    return 0;
}

static double *
slice(double **at, size_t length)
{
    double *here = *at;
    *at += length;
    return here;
}

/* The first multiple of 64 bytes: vectors of 8 doubles then lie in one cache line. */
double *
tw_ge_align(double *p)
{
    return p + (8 - ((uintptr_t)p / sizeof *p) % 8) % 8;
}

struct tw_ge_packed {
    tw_ge_base base;
    tw_ge_spare spare;
};

/* All that does not depend on the closure. */
static tw_status
pack(tw_ge_base *b, const tw_ge_world *w, tw_info *info)
{
    *b = (tw_ge_base){.N = w->N, .J = w->J, .world = w};
    if (w->N == 0 || w->J == 0) {
        info->what = "no countries or no sectors";
        return TW_EDOMAIN;
    }
    if (bad_world(w, info)) {
        return TW_EDOMAIN;
    }
    size_t N = w->N, J = w->J, N8 = (N + 7) / 8 * 8, size = J * N8;
    b->N8 = N8;
    b->NJ8 = size;
    b->cells = J * N * N8;
    b->has_x =
        outside(w->export_tax == NULL ? 0 : N * N * J, w->export_tax, 0.0, 0.0) >= 0;
    b->has_inputs =
        outside(w->input_use == NULL ? 0 : N * J * J, w->input_use, 0.0, 0.0) >= 0;
    size_t J8 = (J + 7) / 8 * 8, inputs = b->has_inputs ? J * size : 0;
    size_t demand = b->has_inputs ? 0 : size + N * N8;
    size_t total = (2 + (size_t)b->has_x) * b->cells + inputs + demand + 9 * size +
                   6 * N8 + 3 * J8;
    b->block = tw_alloc(total + 8, sizeof *b->block);
    if (b->block == NULL) {
        return TW_ENOMEM;
    }
    double *at = tw_ge_align(b->block);
    double **const by_sector[9] = {&b->gamma,  &b->alpha,  &b->X,
                                   &b->Y,      &b->inv_X,  &b->inv_Y,
                                   &b->dead_X, &b->dead_Y, &b->home_pay};
    double **const by_country[6] = {&b->V, &b->inv_V, &b->dead_V,
                                    &b->I, &b->D,     &b->keep};
    for (size_t k = 0; k < 9; k++) {
        *by_sector[k] = slice(&at, size);
    }
    for (size_t k = 0; k < 6; k++) {
        *by_country[k] = slice(&at, N8);
    }
    b->theta = slice(&at, J8);
    b->rho = slice(&at, J8);
    b->psi = slice(&at, J8);
    b->g = b->has_inputs ? slice(&at, inputs) : NULL;
    if (!b->has_inputs) {
        b->budget = slice(&at, size);
        b->sales = slice(&at, N * N8);
    }
    b->pi = slice(&at, b->cells);
    b->pi_t = slice(&at, b->cells);
    b->pi_x = b->has_x ? slice(&at, b->cells) : b->pi_t;
    for (size_t n = 0; n < N; n += 8) {
        pack_importers(b, w, n, b->I, b->keep);
    }
    divide(b);
    pack_sectors(b, w);
    for (size_t n = 0; b->has_inputs && n < N; n += 8) {
        pack_inputs(b, w->input_use, n);
    }
    pack_incomes(b, w);
    if (!b->has_inputs) {
        pack_demand(b);
    }
    if (bad_shares(b, w, info)) {
        return TW_EDOMAIN;
    }
    if (!(b->world_V > 0.0)) {
        info->what = "the world has no value added";
        return TW_EDOMAIN;
    }
    return TW_OK;
}

tw_status
tw_ge_base_new(tw_ge_base *b, const tw_ge_world *w, const tw_ge_options *closure,
               tw_info *info)
{
    b->block = NULL;
    if (bad_closure(closure, info)) {
        return TW_EDOMAIN;
    }
    if (w->packed != NULL) {
        *b = w->packed->base;
        b->block = NULL; /* not ours */
        b->world = w;
    }
    else {
        tw_status rc = pack(b, w, info);
        if (rc != TW_OK) {
            return rc;
        }
    }
    b->closure = *closure;
    b->ces_va = b->has_inputs && closure->va_substitution != 1.0;
    b->ces_inputs = b->has_inputs && closure->input_substitution != 1.0;
    b->ces_final = closure->final_substitution != 1.0;
    return bad_relief(b, info) ? TW_EDOMAIN : TW_OK;
}

void
tw_ge_base_free(tw_ge_base *b)
{
    tw_free(b->block);
    b->block = NULL;
}

tw_status
tw_ge_pack(const tw_ge_world *world, tw_ge_packed **packed, tw_info *info)
{
    *info = (tw_info){.where = -1};
    *packed = tw_alloc(1, sizeof **packed);
    if (*packed == NULL) {
        return TW_ENOMEM;
    }
    tw_status rc = pack(&(*packed)->base, world, info);
    (*packed)->base.spare = &(*packed)->spare;
    atomic_init(&(*packed)->spare.state, TW_GE_NO_SPARE);
    if (rc != TW_OK) {
        tw_ge_packed_free(*packed);
        *packed = NULL;
    }
    return rc;
}

void
tw_ge_packed_free(tw_ge_packed *packed)
{
    if (packed != NULL) {
        if (atomic_load(&packed->spare.state) == TW_GE_SPARE) {
            tw_ge_free(&packed->spare.ge);
        }
        tw_ge_base_free(&packed->base);
        tw_free(packed);
    }
}
