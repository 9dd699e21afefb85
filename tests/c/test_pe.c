/* Partial equilibrium: published numbers, identities, refusals, isolation of failures. */
#include "tw_random.h"

/* Francois-Hall 4 x 4: rows exporters, columns importers. */
static const double X[16] = {0,   50,  200, 300, 500, 0,   150, 200,
                             300, 100, 200, 200, 50,  100, 110, 20};
static const double T[16] = {0,   .21, .41, .22, .37, 0,   .31, .23,
                             .32, .36, 0,   .18, .57, .41, .25, .15};
static const ptrdiff_t ONE[2] = {0, 4}, ROW[5] = {0, 4, 8, 12, 16};
static const int COL[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};

typedef struct {
    double p[4], P[4], q[16], residual;
    int status, cause, iterations;
} small;

static tw_status
solve4(const double *t1, tw_pe_problem change, small *s)
{
    double sigma[4], eps[4], mu[4];
    for (int k = 0; k < 4; k++) {
        sigma[k] = 5.0;
        eps[k] = 1.25;
        mu[k] = 1.5;
    }
    tw_pe_problem pb = change;
    pb.nmarket = 1;
    pb.exp_ptr = pb.imp_ptr = ONE;
    pb.row_ptr = ROW;
    pb.col = COL;
    pb.value = pb.value != NULL ? pb.value : X;
    pb.t0 = T;
    pb.t1 = t1;
    pb.sigma = pb.sigma != NULL ? pb.sigma : sigma;
    pb.eps = eps;
    pb.mu = pb.mu != NULL ? pb.mu : mu;
    pb.steps = pb.steps > 0 ? pb.steps : 1;
    tw_pe_result res = {.p = s->p,
                        .P = s->P,
                        .q = s->q,
                        .status = &s->status,
                        .cause = &s->cause,
                        .iterations = &s->iterations,
                        .residual = &s->residual};
    tw_options opt = options(1, TW_LEVEL_AUTO);
    tw_info info;
    return tw_pe_solve(&pb, &opt, &res, &info);
}

static void
published(void)
{
    static const double exact[4] = {0.1264599283, -0.0322904070, 0.0793293139,
                                    -0.0173263987};
    static const double index[4] = {-0.0979398158, 0.0395487284, -0.0940102454,
                                    0.0537647941};
    static const double gsim[4] = {0.0791813134, -0.0316209421, 0.0480492966,
                                   -0.0183717099};
    double t1[16];
    small s;
    memcpy(t1, T, sizeof t1);
    t1[2] = t1[8] = 0.0;
    CHECK(solve4(t1, (tw_pe_problem){0}, &s) == TW_OK && s.status == TW_OK);
    for (int k = 0; k < 4; k++) {
        CHECK_CLOSE(expm1(s.p[k]), exact[k], 1e-10);
        CHECK_CLOSE(expm1(s.P[k]), index[k], 1e-10);
    }
    CHECK(solve4(t1, (tw_pe_problem){.method = TW_PE_LINEAR}, &s) == TW_OK);
    for (int k = 0; k < 4; k++) {
        CHECK_CLOSE(s.p[k], gsim[k], 1e-10);
    }
    static const int steps[4] = {1, 10, 100, 1000};
    static const double euler[4] = {0.097768, 0.123944, 0.126211, 0.126435};
    for (int k = 0; k < 4; k++) {
        solve4(t1, (tw_pe_problem){.method = TW_PE_EULER, .steps = steps[k]}, &s);
        CHECK_CLOSE(expm1(s.p[0]), euler[k], 1e-6);
    }
    memcpy(t1, T, sizeof t1);
    t1[4] = 1.37;
    CHECK(solve4(t1, (tw_pe_problem){0}, &s) == TW_OK);
    CHECK_CLOSE(s.q[4], 0.2545245706, 1e-10);
}

static void
refusals(void)
{
    static const double bad_value[16] = {0,   -50, 200, 300, 500, 0,   150, 200,
                                         300, 100, 200, 200, 50,  100, 110, 20};
    static const double nan_sigma[4] = {5, NAN, 5, 5}, bad_mu[4] = {1, -1, 1, 1};
    static const double unit_sigma[4] = {1, 1, 1, 1};
    static const double empty[16] = {0, 50,  200, 300, 0, 0,   150, 200,
                                     0, 100, 200, 200, 0, 100, 110, 20};
    double t1[16], weight[16];
    small s;
    memcpy(t1, T, sizeof t1);
    t1[4] = 1.0;
    solve4(t1, (tw_pe_problem){.value = bad_value}, &s);
    CHECK(s.status == TW_EDOMAIN && s.cause == TW_PE_BAD_VALUE);
    solve4(t1, (tw_pe_problem){.sigma = nan_sigma}, &s);
    CHECK(s.cause == TW_PE_BAD_ELASTICITY);
    solve4(t1, (tw_pe_problem){.mu = bad_mu}, &s);
    CHECK(s.cause == TW_PE_BAD_ELASTICITY);
    solve4(t1, (tw_pe_problem){.value = empty}, &s);
    CHECK(s.cause == TW_PE_EMPTY_DESTINATION);
    for (int k = 0; k < 16; k++) {
        weight[k] = 1.0;
    }
    weight[4] = 0.0;
    solve4(T, (tw_pe_problem){.weight = weight, .sigma = unit_sigma}, &s);
    CHECK(s.cause == TW_PE_WEIGHT_SIGMA);
    solve4(T, (tw_pe_problem){.weight = weight, .method = TW_PE_LINEAR}, &s);
    CHECK(s.cause == TW_PE_METHOD);
    weight[0] = weight[8] = weight[12] = 0.0; /* nobody is left to sell to importer 0 */
    solve4(T, (tw_pe_problem){.weight = weight}, &s);
    CHECK(s.status == TW_EDOMAIN && s.cause == TW_PE_NO_SOURCE);
    for (int k = 0; k < 16; k++) {
        weight[k] = k / 4 == 3 ? 0.0 : 1.0; /* origin 3 is shut out everywhere */
    }
    solve4(T, (tw_pe_problem){.weight = weight}, &s);
    CHECK(s.status == TW_OK && isinf(s.p[3]) && s.p[3] < 0 && s.q[12] == 0.0);
    t1[4] = -1.0;
    solve4(t1, (tw_pe_problem){0}, &s);
    CHECK(s.cause == TW_PE_BAD_TAX);
    for (int cause = 0; cause <= TW_PE_INFEASIBLE; cause++) {
        CHECK(strcmp(tw_pe_cause_text(cause), "unknown") != 0);
    }
}

/* Clearing by hand: sum_n phi q = p^mu at the reported numbers, in every market. */
static double
clearing_error(const world *w, const tw_pe_problem *pb, const output *o)
{
    double worst = 0.0;
    for (size_t e = 0; e < w->nexp; e++) {
        double sales = 0.0, demand = 0.0;
        for (ptrdiff_t f = pb->row_ptr[e]; f < pb->row_ptr[e + 1]; f++) {
            sales += w->value[f];
            demand += w->value[f] * o->q[f];
        }
        if (!isinf(w->mu[e])) {
            worst = fmax(worst, fabs(log(demand / sales) - w->mu[e] * o->p[e]));
        }
    }
    return worst;
}

static void
random_worlds(void)
{
    size_t nmarket = tw_test_quick() ? 12 : 120;
    world w = world_new(nmarket, 30, 0.3, 99);
    output o = output_new(&w), alone = output_new(&w);
    tw_options opt = options(2, TW_LEVEL_AUTO);
    tw_info info;
    for (int common = 0; common < 2; common++) {
        tw_pe_problem pb = world_problem(&w, common);
        tw_pe_result res = output_result(&o);
        CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_OK);
        CHECK(info.where == -1);
        CHECK(clearing_error(&w, &pb, &o) < 2e-12);

        /* a broken market leaves the others alone, to the bit */
        double saved = w.t1[w.market_ptr[3]];
        w.t1[w.market_ptr[3]] = NAN;
        tw_pe_result res2 = output_result(&alone);
        CHECK(tw_pe_solve(&pb, &opt, &res2, &info) == TW_OK);
        CHECK(info.where == 3 && alone.status[3] == TW_EDOMAIN);
        w.t1[w.market_ptr[3]] = saved;
        size_t after = (size_t)w.market_ptr[4];
        CHECK_BYTES(o.q, alone.q, (size_t)w.market_ptr[3] * sizeof(double));
        CHECK_BYTES(o.q + after, alone.q + after, (w.nflow - after) * sizeof(double));
    }
    /* few sweeps allowed: markets go to damped Newton and find the same equilibrium */
    tw_pe_problem few = world_problem(&w, 0);
    tw_pe_result by_newton = output_result(&alone), by_sweeps = output_result(&o);
    CHECK(tw_pe_solve(&few, &opt, &by_sweeps, &info) == TW_OK);
    tw_options short_opt = opt;
    short_opt.max_iter = 8;
    CHECK(tw_pe_solve(&few, &short_opt, &by_newton, &info) == TW_OK);
    CHECK(info.where == -1 && info.iterations > 8);
    double apart = 0.0;
    for (size_t f = 0; f < w.nflow; f++) {
        apart = fmax(apart, fabs(o.q[f] - alone.q[f]) / o.q[f]);
    }
    CHECK(apart < 1e-10);
    /* nothing changes: ones, at once */
    tw_pe_problem pb = world_problem(&w, 0);
    pb.t1 = w.t0;
    tw_pe_result res = output_result(&o);
    CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_OK && info.iterations == 0);
    int ones = 1;
    for (size_t f = 0; f < w.nflow; f++) {
        ones &= o.q[f] == 1.0;
    }
    CHECK(ones);
    output_free(&o);
    output_free(&alone);
    world_free(&w);
}

static int
stop_at_once(void *ctx, int done, double residual)
{
    (void)done, (void)residual;
    ++*(int *)ctx;
    return 1;
}

static void
options_and_stop(void)
{
    world w = world_new(20, 8, 0.5, 1);
    output o = output_new(&w);
    tw_pe_problem pb = world_problem(&w, 1);
    tw_pe_result res = output_result(&o);
    tw_info info;
    int polls = 0;
    tw_options opt = options(2, TW_LEVEL_AUTO);
    opt.poll = stop_at_once;
    opt.poll_ctx = &polls;
    CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_EINTR);
    CHECK(polls == 1);
    opt = options(0, TW_LEVEL_AUTO);
    CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_EDOMAIN);
    opt = options(1, 77);
    CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_EDOMAIN);
    opt = options(1, TW_LEVEL_AUTO);
    opt.tol = NAN;
    CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_EDOMAIN);
    pb.nmarket = 0;
    opt = options(1, TW_LEVEL_AUTO);
    CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_OK);
    output_free(&o);
    world_free(&w);
}

int
main(void)
{
    published();
    refusals();
    random_worlds();
    options_and_stop();
    CHECK(tw_version()[0] != '\0');
    CHECK(strcmp(tw_status_name(TW_OK), "converged") == 0);
    return TEST_END();
}
