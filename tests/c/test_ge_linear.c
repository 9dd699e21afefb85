/* The derivative of the general-equilibrium equations: forward against differences of F,
 * backward against forward, gradients against differences of solutions; every switch. */
#include "tw_ge_linear.h"
#include "tw_ge_random.h"

/* <v, J x> and <J' v, x>, relative to |v| |J x|: rounding of a thousand terms. */
static const double ADJOINT_TOL = 1e-13;
/* Central differences of F with step 1e-5: error about 1e-10 times third derivatives. */
static const double STEP = 1e-5, FORWARD_TOL = 1e-7;

/* Central differences of solutions: error about 1e-10 times third derivatives,
 * relative to the sum of what the direction adds up. */
static const double GRADIENT_STEP = 2e-5, GRADIENT_TOL = 1e-6;

enum { MAX_LIMITS = 5, MAX_MEMBERS = 64 };

/* One case: an economy, its closure, and a scenario with limits. */
typedef struct {
    economy e;
    tw_ge_options closure;
    tw_ge_scenarios sc;
    ptrdiff_t ptr[2], limit_ptr[2], member_ptr[MAX_LIMITS + 1], member[MAX_MEMBERS];
    int kind[MAX_LIMITS], holder[MAX_LIMITS];
    double bound[MAX_LIMITS], upper[MAX_LIMITS];
    ptrdiff_t *flow;
    double *change; /* tariff, export tax, cost, weight of every flow */
} trial;

/* Limits of every kind and holder, each flow in one of them or in two. */
static void
add_limits(trial *t, double tightness, int overlap, unsigned long long *seed)
{
    static const int kind[MAX_LIMITS] = {TW_GE_EXPORT_LIMIT, TW_GE_IMPORT_LIMIT,
                                         TW_GE_FLOOR_QUANTITY, TW_GE_FLOOR_VALUE,
                                         TW_GE_EXPORT_LIMIT};
    static const int holder[MAX_LIMITS] = {TW_GE_TO_EXPORTER, TW_GE_TO_IMPORTER,
                                           TW_GE_TO_IMPORTER, TW_GE_TO_EXPORTER,
                                           TW_GE_WASTED};
    size_t N = t->e.N, J = t->e.J, at = 0;
    for (size_t s = 0; s < MAX_LIMITS; s++) {
        double base = 0.0;
        size_t end = at + MAX_MEMBERS / MAX_LIMITS, count = 0;
        t->kind[s] = kind[s];
        t->holder[s] = holder[s];
        t->member_ptr[s] = (ptrdiff_t)at;
        for (size_t f = 0; f < N * N * J && at < end; f++) {
            if (f / (N * J) == f / J % N || !(t->e.trade[f] > 0.0)) {
                continue;
            }
            int second = overlap && (count + 1) % MAX_LIMITS == s;
            if (count % MAX_LIMITS == s || second) {
                t->member[at++] = (ptrdiff_t)f;
                base += t->e.trade[f] / (1.0 + t->e.export_tax[f]);
            }
            count++;
        }
        /* a cap below and a floor above what is traded bind */
        double part = 1.0 + tightness * between(0.5, 1.0, seed);
        t->bound[s] = base * (s == 2 || s == 3 ? part : 1.0 / part);
        t->upper[s] = s == 4 ? 0.02 : INFINITY;
    }
    t->member_ptr[MAX_LIMITS] = (ptrdiff_t)at;
    t->limit_ptr[1] = MAX_LIMITS;
    t->sc.limits = (tw_ge_limits){t->limit_ptr, t->kind,       t->holder, t->bound,
                                  t->upper,     t->member_ptr, t->member};
}

static trial *
trial_new(size_t N, size_t J, int with, tw_ge_options closure, double tightness,
          int overlap, double shock, unsigned long long seed)
{
    trial *t = calloc(1, sizeof *t);
    if (t == NULL) {
        abort();
    }
    t->e = economy_new(N, J, with, seed);
    t->closure = closure;
    size_t flows = N * N * J;
    t->flow = calloc(flows, sizeof *t->flow);
    t->change = calloc(4 * flows, sizeof *t->change);
    for (size_t f = 0; f < flows; f++) {
        int home = f / (N * J) == f / J % N;
        double *c = t->change + f;
        t->flow[f] = (ptrdiff_t)f;
        c[0] = home ? 0.0 : t->e.tariff[f] + shock * between(0.0, 1.0, &seed);
        c[flows] = t->e.export_tax[f];
        c[flows] += home || !(with & WITH_EXPORT_TAX)
                        ? 0.0
                        : 0.3 * shock * between(0.0, 1.0, &seed);
        c[2 * flows] = exp(0.3 * shock * between(-1.0, 1.0, &seed));
        c[3 * flows] = (with & WITH_HOLES) && f == 1 * J ? 0.0 : 1.0;
    }
    t->ptr[1] = (ptrdiff_t)flows;
    t->sc = (tw_ge_scenarios){.nscenario = 1,
                              .ptr = t->ptr,
                              .flow = t->flow,
                              .tariff = t->change,
                              .export_tax = t->change + flows,
                              .cost = t->change + 2 * flows,
                              .weight = t->change + 3 * flows};
    if (tightness > 0.0) {
        add_limits(t, tightness, overlap, &seed);
    }
    return t;
}

static void
trial_free(trial *t)
{
    economy_free(&t->e);
    free(t->flow);
    free(t->change);
    free(t);
}

/* ---- products at a point ----------------------------------------------------------------- */

/* 1 where z has an unknown. */
static void
live_cells(const tw_ge *ge, double *live)
{
    const tw_ge_base *b = ge->base;
    memset(live, 0, ge->n8 * sizeof *live);
    for (size_t n = 0; n < b->N; n++) {
        live[n] = 1.0 - b->dead_V[n];
    }
    for (size_t r = 0; r < b->NJ8; r++) {
        live[ge->at_P + r] = live[ge->at_X + r] = 1.0 - b->dead_X[r];
        if (b->has_scale && b->psi[r / b->N8] > 0.0) {
            live[ge->at_S + r] = 1.0 - b->dead_Y[r];
        }
    }
    for (size_t s = 0; s < ge->lim.n; s++) {
        live[ge->at_m + s] = 1.0;
    }
}

static void
noise(size_t n, const double *live, double size, unsigned long long *seed, double *x)
{
    for (size_t k = 0; k < n; k++) {
        x[k] = live[k] * size * between(-1.0, 1.0, seed);
    }
}

static double
dot(size_t n, const double *x, const double *y)
{
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) {
        sum += x[k] * y[k];
    }
    return sum;
}

static void
forward_against_differences(tw_ge *ge, const double *z, const double *dz,
                            const double *dF, double *scratch)
{
    size_t n8 = ge->n8;
    double *up = scratch, *down = scratch + n8, *at = scratch + 2 * n8;
    double top = 0.0, size = 0.0;
    for (size_t k = 0; k < n8; k++) {
        at[k] = z[k] + STEP * dz[k];
    }
    tw_ge_eval(ge, at, up);
    for (size_t k = 0; k < n8; k++) {
        at[k] = z[k] - STEP * dz[k];
    }
    tw_ge_eval(ge, at, down);
    for (size_t k = 0; k < n8; k++) {
        top = fmax(top, fabs((up[k] - down[k]) / (2.0 * STEP) - dF[k]));
        size = fmax(size, fabs(dF[k]));
    }
    CHECK(size > 0.1);
    CHECK_CLOSE(top / size, 0.0, FORWARD_TOL);
}

static size_t pieces[3]; /* how often limits were slack, binding, at the end */

static void
check_products(trial *t, unsigned long long seed)
{
    tw_ge_base base;
    tw_ge ge = {0};
    tw_ge_linear lin;
    tw_info info;
    tw_options opt = {
        .tol = 1e-12, .max_iter = 500, .threads = 1, .level = TW_LEVEL_AUTO};
    CHECK(tw_ge_base_new(&base, &t->e.world, &t->closure, &info) == TW_OK);
    CHECK(tw_ge_new(&ge, &base, &t->sc, &opt) == TW_OK);
    CHECK(tw_ge_load(&ge, &t->sc, 0) == TW_OK);
    size_t n8 = ge.n8;
    double *block = calloc(9 * n8 + n8 * n8, sizeof *block);
    double *live = block, *z = live + n8, *F = z + n8, *x = F + n8, *Jx = x + n8;
    double *v = Jx + n8, *JTv = v + n8, *a = JTv + n8, *extra = a + n8 * n8;
    double *scratch = calloc(tw_ge_linear_doubles(&base, MAX_MEMBERS), sizeof *scratch);
    double *work = calloc(3 * n8, sizeof *work);
    live_cells(&ge, live);
    noise(n8, live, 0.05, &seed, z);
    for (size_t s = 0; s < ge.lim.n; s++) {
        z[ge.at_m + s] = 0.05 + 0.02 * (double)s;
    }
    tw_ge_eval(&ge, z, F);
    CHECK(isfinite(tw_ge_residual(&ge, F)));
    for (size_t s = 0; s < ge.lim.n; s++) {
        pieces[ge.lim.piece[s]]++;
    }
    tw_ge_linear_init(&lin, &ge, scratch);
    tw_ge_jacobian(&lin, x, Jx, a);
    for (int round = 0; round < 3; round++) {
        noise(n8, live, 1.0, &seed, x);
        noise(n8, live, 1.0, &seed, v);
        tw_ge_jvp(&lin, x, Jx);
        tw_ge_vjp(&lin, v, JTv);
        double size = sqrt(dot(n8, v, v) * dot(n8, Jx, Jx));
        CHECK_CLOSE((dot(n8, v, Jx) - dot(n8, JTv, x)) / size, 0.0, ADJOINT_TOL);
        double worst = 0.0;
        for (size_t k = 0; k < n8; k++) {
            worst = fmax(worst, fabs(dot(n8, a + k * n8, x) - Jx[k]));
            CHECK(live[k] != 0.0 || (Jx[k] == 0.0 && JTv[k] == 0.0));
            CHECK(live[k] != 0.0 || a[k * n8 + k] == -1.0);
        }
        CHECK_CLOSE(worst, 0.0, 1e-11);
    }
    /* J is regular: Newton's step exists. */
    memcpy(extra, F, n8 * sizeof *F);
    CHECK(tw_lu_solve(n8, a, extra) == TW_OK);
    forward_against_differences(&ge, z, x, Jx, work);
    free(work);
    free(scratch);
    free(block);
    tw_ge_free(&ge);
    tw_ge_base_free(&base);
}

static const tw_ge_options CLOSURES[] = {
    {0.0, 1.0, 1.0, 1.0, TW_GE_FIXED, TW_GE_LUMP_SUM},
    {0.7, 1.0, 1.0, 1.0, TW_GE_ZERO, TW_GE_LUMP_SUM},
    {0.7, 0.4, 1.0, 1.0, TW_GE_FIXED, TW_GE_INCOME_TAX},
    {0.0, 1.0, 0.2, 1.0, TW_GE_INCOME, TW_GE_INCOME_TAX},
    {0.0, 1.0, 1.0, 2.5, TW_GE_FIXED, TW_GE_LUMP_SUM},
    {1.5, 0.3, 0.2, 0.5, TW_GE_INCOME, TW_GE_INCOME_TAX},
};
enum { NCLOSURE = sizeof CLOSURES / sizeof CLOSURES[0] };

static void
products(void)
{
    static const int with[] = {0,
                               WITH_INPUTS,
                               WITH_EXPORT_TAX | WITH_HOLES,
                               WITH_INPUTS | WITH_RENTS,
                               WITH_SCALE | WITH_INPUTS,
                               31};
    for (size_t w = 0; w < sizeof with / sizeof with[0]; w++) {
        for (size_t c = 0; c < NCLOSURE; c++) {
            size_t N = 2 + (w + c) % 8, J = 1 + (w + 2 * c) % 5;
            for (int limits = 0; limits < (N > 2 ? 2 : 1); limits++) {
                trial *t = trial_new(N, J, with[w], CLOSURES[c], 0.5 * limits, 1, 0.3,
                                     100 * w + c);
                check_products(t, w + c);
                trial_free(t);
            }
        }
    }
    CHECK(pieces[0] > 0 && pieces[1] > 0 && pieces[2] > 0);
}

/* ---- gradients at solutions -------------------------------------------------------------- */

enum { NSEED = 2 };

/* A solution, with room for the objectives' ingredients. */
typedef struct {
    double *block, *ln_w, *ln_P, *ln_X, *ln_S, *labour, *subsidy, *output, *income,
        *revenue, *price;
    double multiplier[MAX_LIMITS];
} answer;

static answer
answer_new(size_t N, size_t J)
{
    answer a = {.block = calloc(6 * N + 4 * N * J, sizeof(double))};
    double *at = a.block;
    double **const country[6] = {&a.ln_w,   &a.labour,  &a.subsidy,
                                 &a.income, &a.revenue, &a.price};
    double **const sector[4] = {&a.ln_P, &a.ln_X, &a.ln_S, &a.output};
    for (size_t k = 0; k < 6; k++, at += N) {
        *country[k] = at;
    }
    for (size_t k = 0; k < 4; k++, at += N * J) {
        *sector[k] = at;
    }
    return a;
}

static tw_ge_point
point_of(const answer *a)
{
    return (tw_ge_point){1, a->ln_w, a->ln_P, a->ln_X, a->ln_S, a->multiplier};
}

static tw_status
solve(const trial *t, const answer *start, answer *a)
{
    int status, iterations, what;
    double residual;
    ptrdiff_t where;
    tw_info info;
    tw_options opt = {
        .tol = 1e-13, .max_iter = 2000, .threads = 1, .level = TW_LEVEL_AUTO};
    tw_ge_result res = {a->ln_w,       a->ln_P,   a->ln_X,    a->ln_S,
                        a->multiplier, a->labour, a->subsidy, &status,
                        &iterations,   &residual, &where,     &what};
    tw_ge_point from = start != NULL ? point_of(start) : (tw_ge_point){0};
    tw_status rc = tw_ge_solve(&t->e.world, &t->closure, &t->sc,
                               start != NULL ? &from : NULL, &opt, &res, &info);
    if (rc != TW_OK || status != TW_OK) {
        return rc != TW_OK ? rc : (tw_status)status;
    }
    tw_ge_point at = point_of(a);
    tw_ge_levels levels = {.output = a->output,
                           .income = a->income,
                           .tariff_revenue = a->revenue,
                           .price_index = a->price};
    return tw_ge_evaluate(&t->e.world, &t->closure, &t->sc, &at, &opt, &levels, &info);
}

/* Seed k of every kind; weights lie one after the other: income, price, wage, labour,
 * revenue [NSEED, n] each, output [NSEED, n, j]. */
static double
objective(const trial *t, const answer *a, const double *weight, size_t k)
{
    size_t N = t->e.N, J = t->e.J;
    double sum = 0.0;
    for (size_t n = 0; n < N; n++) {
        const double *w = weight + k * N + n;
        size_t next = NSEED * N;
        sum += w[0] * log(a->income[n]) + w[next] * log(a->price[n]) +
               w[2 * next] * a->ln_w[n] + w[3 * next] * log(a->labour[n]) +
               w[4 * next] * a->revenue[n];
        for (size_t j = 0; j < J; j++) {
            double y = a->output[n * J + j];
            sum += y > 0.0 ? weight[5 * next + (k * N + n) * J + j] * log(y) : 0.0;
        }
    }
    return sum;
}

/* Move what `which` says (0 tariff, 1 export tax, 2 cost, 3 bounds) along v. */
static void
shift(trial *t, int which, const double *v, double step)
{
    size_t flows = t->e.N * t->e.N * t->e.J;
    for (size_t l = 0; which == 3 && l < MAX_LIMITS; l++) {
        t->bound[l] *= exp(step * v[l]);
    }
    for (size_t f = 0; which < 3 && f < flows; f++) {
        double *x = t->change + (size_t)which * flows + f;
        double one = which < 2 ? 1.0 : 0.0;
        *x = (one + *x) * exp(step * v[f]) - one;
    }
}

/* One kind of instrument, one random direction. */
static void
against_solutions(trial *t, int which, const answer *at, const double *weight,
                  const double *gradient, size_t size, unsigned long long *seed)
{
    answer up = answer_new(t->e.N, t->e.J), down = answer_new(t->e.N, t->e.J);
    double *v = calloc(size, sizeof *v);
    for (size_t f = 0; f < size; f++) {
        v[f] = between(-1.0, 1.0, seed);
    }
    shift(t, which, v, GRADIENT_STEP);
    CHECK(solve(t, at, &up) == TW_OK);
    shift(t, which, v, -2.0 * GRADIENT_STEP);
    CHECK(solve(t, at, &down) == TW_OK);
    shift(t, which, v, GRADIENT_STEP);
    for (size_t k = 0; k < NSEED; k++) {
        double want = (objective(t, &up, weight, k) - objective(t, &down, weight, k)) /
                      (2.0 * GRADIENT_STEP);
        double got = 0.0, sum = 0.0;
        for (size_t f = 0; f < size; f++) {
            got += gradient[k * size + f] * v[f];
            sum += fabs(gradient[k * size + f] * v[f]);
        }
        CHECK(sum > 0.0);
        CHECK_CLOSE((got - want) / sum, 0.0, GRADIENT_TOL);
    }
    free(v);
    free(up.block);
    free(down.block);
}

static size_t tried[2], solved[2]; /* without and with limits */

static void
check_gradient(trial *t, unsigned long long seed)
{
    size_t N = t->e.N, J = t->e.J, flows = N * N * J;
    size_t nlimit = t->sc.limits.ptr != NULL ? MAX_LIMITS : 0;
    answer a = answer_new(N, J);
    tried[nlimit > 0]++;
    if (solve(t, NULL, &a) != TW_OK) { /* floors and caps may have no equilibrium */
        free(a.block);
        return;
    }
    solved[nlimit > 0]++;
    double *weight = calloc(NSEED * (5 * N + N * J), sizeof *weight);
    double *g = calloc(NSEED * (3 * flows + MAX_LIMITS), sizeof *g);
    for (size_t k = 0; k < NSEED * (5 * N + N * J); k++) {
        weight[k] = between(-1.0, 1.0, &seed);
    }
    size_t next = NSEED * N, slab = NSEED * flows;
    tw_ge_objective obj = {NSEED,
                           weight,
                           weight + next,
                           weight + 2 * next,
                           weight + 3 * next,
                           weight + 5 * next,
                           weight + 4 * next};
    int status[NSEED], products[NSEED], what[NSEED];
    double left[NSEED], residual[NSEED], error[NSEED];
    ptrdiff_t where[NSEED];
    tw_ge_gradients out = {g,    g + slab, g + 2 * slab, g + 3 * slab, status, products,
                           left, residual, where,        what,         error};
    tw_options opt = {
        .tol = 1e-13, .max_iter = 500, .threads = 2, .level = TW_LEVEL_AUTO};
    tw_info info;
    tw_ge_point at = point_of(&a);
    CHECK(tw_ge_gradient(&t->e.world, &t->closure, &t->sc, &at, &obj, &opt, &out,
                         &info) == TW_OK);
    for (size_t k = 0; k < NSEED; k++) {
        CHECK(status[k] == TW_OK && residual[k] <= 1e-13 && left[k] <= 1e-13);
    }
    for (size_t f = 0; f < flows; f++) {
        int traded = t->e.trade[f] > 0.0 && t->change[3 * flows + f] > 0.0;
        CHECK((g[f] != 0.0) == traded && (g[2 * slab + f] != 0.0) == traded);
    }
    for (int which = 0; which < 3; which++) {
        const double *from = g + (size_t)which * slab;
        against_solutions(t, which, &a, weight, from, flows, &seed);
    }
    if (nlimit > 0) {
        size_t binding = 0;
        for (size_t l = 0; l < nlimit; l++) {
            int free = a.multiplier[l] == 0.0 || a.multiplier[l] == t->upper[l];
            binding += !free;
            CHECK(!free || g[3 * slab + l] == 0.0);
        }
        CHECK(binding > 0);
        against_solutions(t, 3, &a, weight, g + 3 * slab, nlimit, &seed);
    }
    free(g);
    free(weight);
    free(a.block);
}

static void
gradients(void)
{
    static const int with[] = {0, WITH_INPUTS | WITH_HOLES,
                               WITH_EXPORT_TAX | WITH_RENTS, WITH_SCALE, 31};
    for (size_t w = 0; w < sizeof with / sizeof with[0]; w++) {
        for (size_t c = 0; c < NCLOSURE; c++) {
            size_t N = 2 + (w + c) % 7, J = 1 + (w + 2 * c) % 5;
            for (int limits = 0; limits < (N > 2 ? 2 : 1); limits++) {
                trial *t = trial_new(N, J, with[w], CLOSURES[c], 0.1 * limits, 0, 0.2,
                                     7 + 10 * w + c);
                check_gradient(t, w + c);
                trial_free(t);
            }
        }
    }
    printf("solved %zu of %zu without limits, %zu of %zu with\n", solved[0], tried[0],
           solved[1], tried[1]);
    CHECK(solved[0] == tried[0] && solved[1] + 2 >= tried[1] && tried[1] > 20);
}

int
main(void)
{
    products();
    gradients();
    return TEST_END();
}
