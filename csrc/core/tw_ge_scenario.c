/* tw_ge_scenario.c - the work space of one worker, and one scenario put into it: only flows
 * that change are touched on top of the world's shares. */
#include "tw_ge.h"

#include <math.h>
#include <string.h>

static const double SAFE_POWER =
    600.0; /* rows whose largest power is beyond are scaled */
static const double LEAST_WEIGHT = 1e-12; /* of a ban, part of the way to it */
static const double BALANCE = 1e-9; /* deficits sum to zero within this part of V */

static size_t
round8(size_t n)
{
    return (n + 7) / 8 * 8;
}

/* ---- room --------------------------------------------------------------------------- */

static int
any_export_tax(const tw_ge_scenarios *sc)
{
    size_t last = sc->ptr != NULL ? (size_t)sc->ptr[sc->nscenario] : 0;
    for (size_t k = 0; k < last; k++) {
        if (sc->export_tax[k] != 0.0) {
            return 1;
        }
    }
    size_t limits = sc->limits.ptr != NULL ? (size_t)sc->limits.ptr[sc->nscenario] : 0;
    for (size_t k = 0; k < limits; k++) {
        if (sc->limits.holder[k] == TW_GE_TO_EXPORTER) {
            return 1;
        }
    }
    return 0;
}

static size_t
most_changes(const tw_ge_scenarios *sc)
{
    size_t most = 0;
    for (size_t s = 0; sc->ptr != NULL && s < sc->nscenario; s++) {
        most = TW_MAX(most, (size_t)(sc->ptr[s + 1] - sc->ptr[s]));
    }
    return most;
}

typedef struct {
    double **to;
    size_t length;
} slice;

static size_t
length(const slice *slices, size_t count)
{
    size_t sum = 0;
    for (size_t k = 0; k < count; k++) {
        sum += slices[k].length;
    }
    return sum;
}

static void
divide_room(const slice *slices, size_t count, double *room)
{
    double *at = tw_ge_align(room);
    for (size_t k = 0; k < count; k++) {
        *slices[k].to = at;
        at += slices[k].length;
    }
}

/* The work space that the last call left to a packed world, if there is one that serves. */
static int
take_spare(tw_ge *ge, const tw_ge_base *b, const tw_ge_size *need)
{
    int full = TW_GE_SPARE;
    if (b->spare == NULL ||
        !atomic_compare_exchange_strong(&b->spare->state, &full, TW_GE_SPARE_MOVES)) {
        return 0;
    }
    *ge = b->spare->ge;
    atomic_store(&b->spare->state, TW_GE_NO_SPARE);
    const tw_ge_size *have = &ge->size;
    if (have->changes >= need->changes && have->limits >= need->limits &&
        have->members >= need->members && have->has_x == need->has_x &&
        have->ces == need->ces && have->ces_final == need->ces_final) {
        return 1;
    }
    tw_ge_free(ge);
    return 0;
}

void
tw_ge_leave(tw_ge *ge)
{
    int none = TW_GE_NO_SPARE;
    tw_ge_spare *spare = ge->base != NULL ? ge->base->spare : NULL;
    tw_free(ge->ladder);
    ge->ladder = NULL;
    if (ge->block == NULL || spare == NULL ||
        !atomic_compare_exchange_strong(&spare->state, &none, TW_GE_SPARE_MOVES)) {
        tw_ge_free(ge);
        return;
    }
    spare->ge = *ge;
    atomic_store(&spare->state, TW_GE_SPARE);
}

static tw_status allot(tw_ge *ge, const tw_ge_base *b);

tw_status
tw_ge_new(tw_ge *ge, const tw_ge_base *b, const tw_ge_scenarios *sc,
          const tw_options *opt)
{
    int level = opt->level == TW_LEVEL_AUTO ? tw_level_best() : opt->level;
    tw_ge_limit_room room = tw_ge_limits_room(sc);
    tw_ge_size need = {.changes = round8(most_changes(sc)),
                       .limits = round8(room.limits),
                       .members = round8(room.members),
                       .has_x = b->has_x || any_export_tax(sc),
                       .ces = b->ces_va || b->ces_inputs,
                       .ces_final = b->ces_final};
    if (!take_spare(ge, b, &need)) {
        *ge = (tw_ge){.size = need};
        tw_status rc = allot(ge, b);
        if (rc != TW_OK) {
            return rc;
        }
    }
    ge->base = b;
    ge->opt = opt;
    ge->kern = tw_kernels_get(level);
    ge->gk = tw_ge_kernels_get(level);
    ge->n8 = ge->most8 = ge->at_m + need.limits;
    ge->lim.most = room.members;
    return TW_OK;
}

/* The arrays of a work space of ge->size. */
static tw_status
allot(tw_ge *ge, const tw_ge_base *b)
{
    tw_ge_limit_set *lim = &ge->lim;
    size_t N8 = b->N8, size = b->NJ8, nc = ge->size.changes;
    size_t nl = ge->size.limits, ns = ge->size.members;
    int has_x = ge->size.has_x, ces = ge->size.ces;
    ge->at_P = N8;
    ge->at_X = N8 + size;
    ge->at_S = ge->at_X + size;
    ge->at_m = ge->at_S + (b->has_scale ? size : 0);
    size_t n8 = ge->at_m + nl;
    size_t mixing = tw_anderson_doubles(n8, TW_GE_MEMORY_LONG);
    const slice unset[] = {{&ge->K, b->cells},
                           {&ge->KT, b->cells},
                           {&ge->KX, has_x ? b->cells : 0},
                           {&ge->aa_scratch, mixing}};
    const slice zeros[] = {
        {&ge->ln_A, size},
        {&ge->row_shift, size},
        {&ge->D, N8},
        {&lim->K0, ns},
        {&lim->KT0, ns},
        {&lim->KX0, ns},
        {&lim->d_t, ns},
        {&lim->d_x, ns},
        {&lim->d_w, ns},
        {&lim->volume, ns},
        {&lim->value, ns},
        {&lim->total, nl},
        {&lim->gap, nl},
        {&ge->ln_ct, size},
        {&ge->ln_c, size},
        {&ge->u, size},
        {&ge->shift, round8(b->J)},
        {&ge->Phi, size},
        {&ge->M, size},
        {&ge->q, size},
        {&ge->X, size},
        {&ge->X_new, size},
        {&ge->Y, size},
        {&ge->YT, size},
        {&ge->gamma, ces ? size : 0},
        {&ge->alpha, b->ces_final ? size : 0},
        {&ge->user, size},
        {&ge->input, size},
        {&ge->ln_M, ces ? size : 0},
        {&ge->tmp, size},
        {&ge->tmp2, size},
        {&ge->w, N8},
        {&ge->L, N8},
        {&ge->s, N8},
        {&ge->tau, N8},
        {&ge->B, N8},
        {&ge->R, N8},
        {&ge->XR, N8},
        {&ge->wLV, N8},
        {&ge->I, N8},
        {&ge->ln_Pc, N8},
        {&ge->DD, N8},
        {&ge->carry, N8},
        {&ge->point, n8},
        {&ge->F, n8},
        {&ge->best, n8},
        {&ge->mixing, tw_ge_mixing_doubles(b)},
        {&ge->change, 2 * nc},
    };
    enum { UNSET = sizeof unset / sizeof *unset, ZEROS = sizeof zeros / sizeof *zeros };
    ge->room = tw_reserve(length(unset, UNSET) + 8, sizeof *ge->room);
    ge->block = tw_alloc(length(zeros, ZEROS) + 8, sizeof *ge->block);
    ge->sizes = tw_alloc(nc + 5 * ns + 8, sizeof *ge->sizes);
    ge->ints = tw_alloc(2 * nl + 8, sizeof *ge->ints);
    if (ge->room == NULL || ge->block == NULL || ge->sizes == NULL ||
        ge->ints == NULL) {
        tw_ge_free(ge);
        return TW_ENOMEM;
    }
    divide_room(unset, UNSET, ge->room);
    divide_room(zeros, ZEROS, ge->block);
    ge->changed = ge->sizes;
    lim->place = ge->changed + nc;
    lim->flow = lim->place + ns;
    lim->cell = lim->flow + ns;
    lim->row = lim->cell + ns;
    lim->col = lim->row + ns;
    lim->piece = ge->ints;
    lim->end = lim->piece + nl;
    if (!has_x) {
        ge->KX = ge->KT;
    }
    if (!ces) {
        ge->gamma = b->gamma;
    }
    if (!b->ces_final) {
        ge->alpha = b->alpha;
    }
    for (size_t k = 0; k < size; k++) {
        ge->user[k] = ge->input[k] = 1.0;
    }
    ge->dirty = 1;
    return TW_OK;
}

void
tw_ge_free(tw_ge *ge)
{
    tw_free(ge->room);
    tw_free(ge->block);
    tw_free(ge->sizes);
    tw_free(ge->ints);
    tw_free(ge->ladder);
    ge->room = ge->block = ge->ladder = NULL;
    ge->sizes = NULL;
    ge->ints = NULL;
}

/* ---- one scenario ------------------------------------------------------------------- */

static tw_status
refuse(tw_ge *ge, int what, size_t where)
{
    ge->what = what;
    ge->where = (ptrdiff_t)where;
    return TW_EDOMAIN;
}

/* j N8 + n of a cell of K */
static size_t
row_of(const tw_ge_base *b, size_t cell)
{
    return cell / b->N8 / b->N * b->N8 + cell % b->N8;
}

/* Back to the world's shares. */
static void
undo(tw_ge *ge)
{
    const tw_ge_base *b = ge->base;
    int separate = ge->KX != ge->KT;
    if (ge->dirty) {
        memcpy(ge->K, b->pi, b->cells * sizeof *ge->K);
        memcpy(ge->KT, b->pi_t, b->cells * sizeof *ge->K);
        if (separate) {
            memcpy(ge->KX, b->pi_x, b->cells * sizeof *ge->K);
        }
        memset(ge->row_shift, 0, b->NJ8 * sizeof *ge->row_shift);
    }
    for (size_t k = 0; !ge->dirty && k < ge->nchange; k++) {
        size_t at = ge->changed[k];
        ge->K[at] = b->pi[at];
        ge->KT[at] = b->pi_t[at];
        ge->KX[at] = b->pi_x[at];
    }
    for (size_t k = 0; !ge->dirty && k < ge->lim.nflow; k++) {
        size_t at = ge->lim.cell[k];
        ge->K[at] = b->pi[at];
        ge->KT[at] = b->pi_t[at];
        ge->KX[at] = b->pi_x[at];
    }
    ge->dirty = 0;
    ge->nchange = 0;
    ge->lim.nflow = 0;
}

/* Rows whose largest factor leaves the range of doubles: scale them by it.  power[k] is
 * ln K/(pi weight) of change k. */
static void
scale_rows(tw_ge *ge, const tw_ge_scenarios *sc, size_t first, size_t count,
           const double *power)
{
    const tw_ge_base *b = ge->base;
    size_t N = b->N, N8 = b->N8;
    double *top = ge->tmp, *left = ge->tmp2;
    for (size_t row = 0; row < b->NJ8; row++) { /* flows that do not change */
        size_t j = row / N8, n = row % N8;
        top[row] = -INFINITY;
        left[row] = 0.0;
        for (size_t i = 0; n < N && i < N; i++) {
            left[row] += b->pi[tw_ge_cell(b, n, i, j)] > 0.0 ? 1.0 : 0.0;
        }
    }
    for (size_t k = 0; k < count; k++) {
        size_t at = ge->changed[k], row = row_of(b, at);
        left[row] -= b->pi[at] > 0.0 ? 1.0 : 0.0;
        if (b->pi[at] * sc->weight[first + k] > 0.0 && power[k] > top[row]) {
            top[row] = power[k];
        }
    }
    for (size_t row = 0; row < b->NJ8; row++) {
        size_t j = row / N8, n = row % N8;
        double high = left[row] > 0.0 ? TW_MAX(top[row], 0.0) : top[row];
        if (!isfinite(high) || fabs(high) <= SAFE_POWER) {
            continue;
        }
        ge->row_shift[row] = -high;
        ge->dirty = 1;
        double factor = exp(-high);
        for (size_t i = 0; n < N && i < N; i++) {
            size_t at = tw_ge_cell(b, n, i, j);
            ge->K[at] *= factor;
            ge->KT[at] *= factor;
            if (ge->KX != ge->KT) {
                ge->KX[at] *= factor;
            }
        }
    }
}

/* Part way from a to b > 0 in logs, b itself at the end. */
static double
between(double a, double b, double part)
{
    return part >= 1.0 ? b : a * pow(TW_MAX(b, LEAST_WEIGHT) / a, part);
}

/* The changes of the scenario: ratios of the buyer price, then their powers. */
static tw_status
read_changes(tw_ge *ge, const tw_ge_scenarios *sc, size_t first, size_t count)
{
    const tw_ge_base *b = ge->base;
    const tw_ge_world *w = b->world;
    size_t N = b->N, J = b->J, total = N * N * J;
    for (size_t k = 0; k < count; k++) {
        size_t c = first + k;
        double t = sc->tariff[c], x = sc->export_tax[c];
        int fine = t > -1.0 && t < INFINITY && x > -1.0 && x < INFINITY &&
                   sc->cost[c] > 0.0 && sc->cost[c] < INFINITY &&
                   sc->weight[c] >= 0.0 && sc->weight[c] < INFINITY;
        int placed = sc->flow[c] >= 0 && (size_t)sc->flow[c] < total &&
                     (k == 0 || sc->flow[c] > sc->flow[c - 1]);
        if (!fine || !placed) {
            return refuse(ge, TW_GE_BAD_CHANGE, c);
        }
        size_t f = (size_t)sc->flow[c], j = f % J, i = f / J % N, n = f / J / N;
        double x0 = w->export_tax != NULL ? w->export_tax[f] : 0.0;
        ge->changed[k] = tw_ge_cell(b, n, i, j);
        ge->change[k] =
            sc->cost[c] * ((1.0 + t) * (1.0 + x)) / ((1.0 + w->tariff[f]) * (1.0 + x0));
        ge->has_x |= x != 0.0;
    }
    return TW_OK;
}

static tw_status
apply_changes(tw_ge *ge, const tw_ge_scenarios *sc, size_t s, double part)
{
    const tw_ge_base *b = ge->base;
    size_t first = sc->ptr != NULL ? (size_t)sc->ptr[s] : 0;
    size_t count = sc->ptr != NULL ? (size_t)sc->ptr[s + 1] - first : 0;
    size_t N = b->N, J = b->J;
    tw_status rc = read_changes(ge, sc, first, count);
    if (rc != TW_OK) {
        return rc;
    }
    ge->nchange = count;
    double *power = ge->change, *factor = ge->change + count;
    int large = 0;
    ge->kern->log(count, power, power);
    for (size_t k = 0; k < count; k++) {
        power[k] *= -b->theta[(size_t)sc->flow[first + k] % J] * part;
        large |= !(fabs(power[k]) <= SAFE_POWER);
    }
    if (large) {
        scale_rows(ge, sc, first, count, power);
        for (size_t k = 0; k < count; k++) {
            size_t at = ge->changed[k], row = row_of(b, at);
            power[k] += ge->row_shift[row];
        }
    }
    ge->kern->exp(count, power, factor);
    int closed = 0;
    for (size_t k = 0; k < count; k++) {
        size_t at = ge->changed[k], c = first + k, f = (size_t)sc->flow[c];
        double t = 1.0 + sc->tariff[c], x = 1.0 + sc->export_tax[c];
        double weight = sc->weight[c];
        if (part < 1.0) {
            const tw_ge_world *w = b->world;
            t = between(1.0 + w->tariff[f], t, part);
            x = between(w->export_tax != NULL ? 1.0 + w->export_tax[f] : 1.0, x, part);
            weight = between(1.0, weight, part);
        }
        ge->K[at] = b->pi[at] * weight * factor[k];
        ge->KT[at] = ge->K[at] / t;
        if (ge->KX != ge->KT) {
            ge->KX[at] = ge->KT[at] / x;
        }
        closed |= !(ge->K[at] > 0.0) && b->pi[at] > 0.0;
    }
    for (size_t k = 0; closed && k < count; k++) {
        size_t at = ge->changed[k];
        double left = 0.0, *flow = ge->K + tw_ge_cell(b, at % b->N8, 0, at / b->N8 / N);
        for (size_t i = 0; b->pi[at] > 0.0 && !(ge->K[at] > 0.0) && i < N; i++) {
            left += flow[i * b->N8];
        }
        if (b->pi[at] > 0.0 && !(ge->K[at] > 0.0) && !(left > 0.0)) {
            size_t f = (size_t)sc->flow[first + k];
            return refuse(ge, TW_GE_NO_SOURCE, f / J / N * J + f % J);
        }
    }
    return TW_OK;
}

static tw_status
load_productivity(tw_ge *ge, const double *A, double part)
{
    const tw_ge_base *b = ge->base;
    memset(ge->ln_A, 0, b->NJ8 * sizeof *ge->ln_A);
    for (size_t n = 0; A != NULL && n < b->N; n++) {
        for (size_t j = 0; j < b->J; j++) {
            double a = A[n * b->J + j];
            if (!(a > 0.0 && a < INFINITY)) {
                return refuse(ge, TW_GE_BAD_PRODUCTIVITY, n * b->J + j);
            }
            ge->ln_A[j * b->N8 + n] = part * log(a);
        }
    }
    return TW_OK;
}

static tw_status
load_deficits(tw_ge *ge, const double *D, double part)
{
    const tw_ge_base *b = ge->base;
    int mode = b->closure.deficits;
    double sum = 0.0;
    for (size_t n = 0; n < b->N8; n++) {
        double d = n >= b->N || mode == TW_GE_ZERO ? 0.0 : D != NULL ? D[n] : b->D[n];
        if (!(fabs(d) < INFINITY)) {
            return refuse(ge, TW_GE_BAD_DEFICIT, n);
        }
        sum += d;
        if (part < 1.0 && n < b->N) {
            /* deficits go first: trade that shrinks cannot carry them */
            d = b->D[n] + TW_MIN(4.0 * part, 1.0) * (d - b->D[n]);
        }
        ge->D[n] = mode != TW_GE_INCOME ? d : b->I[n] > 0.0 ? d / b->I[n] : 0.0;
        if (mode == TW_GE_INCOME && !(ge->D[n] < 1.0)) {
            return refuse(ge, TW_GE_BAD_DEFICIT, n);
        }
    }
    if (!(fabs(sum) <= BALANCE * b->world_V)) {
        return refuse(ge, TW_GE_BAD_DEFICIT, 0);
    }
    for (size_t n = 0; mode == TW_GE_FIXED && n < b->N8; n++) {
        ge->D[n] -= sum / b->world_V * b->V[n]; /* rounding of the data */
    }
    return TW_OK;
}

tw_status
tw_ge_load_part(tw_ge *ge, const tw_ge_scenarios *sc, size_t s, double part)
{
    const tw_ge_base *b = ge->base;
    size_t N = b->N, J = b->J;
    undo(ge);
    ge->what = TW_GE_FINE;
    ge->where = -1;
    ge->has_x = b->has_x;
    ge->lim.n = 0;
    ge->n8 = ge->at_m;
    tw_status rc = load_productivity(
        ge, sc->productivity == NULL ? NULL : sc->productivity + s * N * J, part);
    if (rc == TW_OK) {
        rc = load_deficits(ge, sc->deficit == NULL ? NULL : sc->deficit + s * N, part);
    }
    if (rc == TW_OK) {
        rc = apply_changes(ge, sc, s, part);
    }
    if (rc == TW_OK) {
        rc = tw_ge_limits_load(ge, sc, s);
    }
    return rc;
}

tw_status
tw_ge_load(tw_ge *ge, const tw_ge_scenarios *sc, size_t s)
{
    ge->iterations = 0;
    ge->residual = 0.0;
    ge->poor_once = -1;
    return tw_ge_load_part(ge, sc, s, 1.0);
}

/* ---- points ------------------------------------------------------------------------- */

static void
read_sectors(const tw_ge_base *b, const double *from, const double *dead, double *to)
{
    for (size_t n = 0; from != NULL && n < b->N; n++) {
        for (size_t j = 0; j < b->J; j++) {
            size_t k = j * b->N8 + n;
            to[k] = dead[k] > 0.0 ? 0.0 : from[n * b->J + j];
        }
    }
}

tw_status
tw_ge_read_point(tw_ge *ge, const tw_ge_scenarios *sc, const tw_ge_point *p, size_t s,
                 double *z)
{
    const tw_ge_base *b = ge->base;
    size_t N = b->N, size = N * b->J;
    memset(z, 0, ge->n8 * sizeof *z);
    if (p == NULL) {
        return TW_OK;
    }
    size_t row = p->count > 1 ? s : 0;
    memcpy(z, p->ln_w + row * N, N * sizeof *z);
    for (size_t n = 0; n < N; n++) {
        z[n] = b->dead_V[n] > 0.0 ? 0.0 : z[n];
    }
    read_sectors(b, p->ln_P + row * size, b->dead_X, z + ge->at_P);
    read_sectors(b, p->ln_X + row * size, b->dead_X, z + ge->at_X);
    if (b->has_scale && p->ln_S != NULL) {
        read_sectors(b, p->ln_S + row * size, b->dead_Y, z + ge->at_S);
        for (size_t j = 0; j < b->J; j++) {
            for (size_t n = 0; n < b->N8 && !(b->psi[j] > 0.0); n++) {
                z[ge->at_S + j * b->N8 + n] = 0.0;
            }
        }
    }
    for (size_t l = 0; p->multiplier != NULL && l < ge->lim.n; l++) {
        z[ge->at_m + l] = p->multiplier[(size_t)sc->limits.ptr[s] + l];
    }
    for (size_t k = 0; k < ge->n8; k++) {
        if (!(fabs(z[k]) < 1e3)) {
            return refuse(ge, TW_GE_BAD_START, k);
        }
    }
    return TW_OK;
}
