/* tradewar.h - the public C interface of the trade-policy core.
 *
 * Pure C11: no Python, no global state, no output, no signal handlers.  Every entry point
 * takes const inputs, fills the caller's buffers and returns a tw_status.  Arrays are flat
 * and row-major.  Index letters: n importer, i exporter, m market (one product).
 */
#ifndef TRADEWAR_H
#define TRADEWAR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TW_OK = 0,
    TW_NOCONV,   /* iteration limit reached; outputs hold the last iterate */
    TW_EDOMAIN,  /* an input lies outside its domain; outputs unspecified */
    TW_ENOMEM,   /* out of memory; outputs unspecified */
    TW_EINTR,    /* the poll function asked to stop; outputs unspecified */
    TW_ENUMERIC, /* overflow or a singular system; outputs hold the last iterate */
} tw_status;

/* Called on the calling thread only, often; nonzero stops the call with TW_EINTR.  `done` is
 * the number of items begun in a batch, or the iteration of a single solve. */
typedef int (*tw_poll_fn)(void *ctx, int done, double residual);

typedef struct {
    double tol;      /* stop when every residual is at or below this, > 0 */
    int max_iter;    /* iterations per problem, >= 1 */
    int threads;     /* worker threads, the calling one included, >= 1 */
    int level;       /* code path: TW_LEVEL_AUTO or one that tw_level_best() covers */
    tw_poll_fn poll; /* or NULL */
    void *poll_ctx;
} tw_options;

typedef struct {
    int iterations;   /* largest over the batch */
    double residual;  /* largest over the batch */
    ptrdiff_t where;  /* flat index of the first offender, or -1 */
    const char *what; /* static text, or NULL */
} tw_info;

const char *tw_version(void);
const char *tw_status_name(tw_status status);

/* Vector code paths: the same source, built for several instruction sets.  Results are
 * bitwise equal on all of them: contraction is off and sums have a fixed lane order. */
enum { TW_LEVEL_AUTO = -1, TW_LEVEL_BASE = 0, TW_LEVEL_AVX2 = 1, TW_LEVEL_AVX512 = 2 };
int tw_level_best(void);
const char *tw_level_name(int level);

/* y[k] = exp(x[k]) and log(x[k]), k < n; x and y may coincide.  Error at most 1.5 ulp (exp,
 * zero below -708, infinite above 709) and 1 ulp (log; subnormal arguments included). */
tw_status tw_exp(int level, size_t n, const double *x, double *y);
tw_status tw_log(int level, size_t n, const double *x, double *y);

/* ---- Flows: order and layout --------------------------------------------------------- */

/* Order rows by (product, exporter, importer).  Codes are in [0, nproduct) and
 * [0, ncountry).  *is_sorted = 1 when the rows are in order already: order and sorted are
 * left alone then.  Otherwise order gets the row numbers and sorted the three key columns in
 * order.  *duplicates counts rows whose key equals that of another earlier row. */
tw_status tw_flow_order(size_t nflow, size_t nproduct, size_t ncountry,
                        const int *product, const int *exporter, const int *importer,
                        ptrdiff_t *order, int *const sorted[3], int *is_sorted,
                        size_t *duplicates, tw_info *info);

/* Slots of ordered rows.  An exporter slot is one exporter in one market: a run of
 * consecutive flows.  An importer slot is one importer in one market. */
tw_status tw_flow_count(size_t nflow, size_t nproduct, size_t ncountry,
                        const int *product, const int *exporter, const int *importer,
                        size_t *nexp, size_t *nimp, tw_info *info);

typedef struct {
    ptrdiff_t *market_ptr; /* [nproduct + 1] first flow of each market */
    ptrdiff_t *exp_ptr;    /* [nproduct + 1] first exporter slot of each market */
    int *exp_code;         /* [nexp] country of the slot */
    ptrdiff_t *row_ptr;    /* [nexp + 1] first flow of each exporter slot */
    ptrdiff_t *imp_ptr;    /* [nproduct + 1] first importer slot of each market */
    int *imp_code;         /* [nimp] country of the slot, ascending in a market */
    int *col; /* [nflow] importer slot of the flow, counted in its market */
} tw_layout;

tw_status tw_flow_layout(size_t nflow, size_t nproduct, size_t ncountry,
                         const int *product, const int *exporter, const int *importer,
                         tw_layout *out);

/* ---- Partial equilibrium --------------------------------------------------------------
 *
 * Independent markets, one product each.  u = p (A1/A0) F (T1/T0) is the ratio of the
 * buyer price, p that of the producer price; CES demand over origins with elasticity sigma
 * (two-level: foreign origins nest under sigma, the nest and the home good under
 * sigma_home), composite demand with elasticity eps, supply p^mu:
 *     sum_n phi_ni q_ni = p_i^mu_i,   q = w (u/P)^-sigma P^-eps,
 *     P = [sum theta w u^(1-sigma)]^(1/(1-sigma)).
 * Legacy: one Euler step (Francois-Hall GSIM 2009), K Euler steps, and SMART. */
typedef enum { TW_PE_EXACT = 0, TW_PE_LINEAR, TW_PE_EULER, TW_PE_SMART } tw_pe_method;
typedef enum { TW_SMART_DERIVATIVE = 0, TW_SMART_LAIRD_YEATS } tw_smart_form;

/* Quantity controls of the exact method: a group of flows of one market and a limit on the
 * sum of their quantities (base value times quantity ratio).  See core/tw_control.c. */
typedef enum {
    TW_IMPORT_QUOTA = 0, /* premium on the buyer price */
    TW_EXPORT_QUOTA,     /* premium on the border price, dutiable */
    TW_TARIFF_QUOTA,     /* t1 is the in-quota rate, upper the distance to the other */
    TW_COMMITMENT,       /* a floor; the buyer price is subsidised at a rate below 1 */
} tw_control_kind;

typedef struct {
    const ptrdiff_t *ptr; /* [nmarket + 1] first control of each market; NULL = none */
    const int *kind;      /* [control] */
    const double *limit;  /* [control] > 0 */
    const double *upper;  /* [control] >= 0, used by tariff quotas */
    const ptrdiff_t *member_ptr; /* [control + 1] */
    const ptrdiff_t *member;     /* flat flows of the control's market, each once */
} tw_pe_controls;

typedef struct {
    size_t nmarket;
    const ptrdiff_t *exp_ptr; /* as in tw_layout */
    const ptrdiff_t *row_ptr;
    const ptrdiff_t *imp_ptr;
    const int *col;
    const double *value;   /* [flow] baseline value at the border price, >= 0 */
    const double *t0, *t1; /* [flow] import tariff rate before / after, > -1 */
    const double *x0, *x1; /* [flow] export tax rate before / after, > -1; NULL = 0 */
    const double *cost;    /* [flow] other trade costs after / before, > 0; NULL = 1 */
    const double *weight;  /* [flow] weight in the nest, >= 0, 0 = banned; NULL = 1 */
    const double *lx, *lm; /* [flow] export / import licence wedge, >= 0; NULL = 0 */
    const double *floor;   /* [flow] least border price, >= 0, base 1; NULL = none */
    const double *sigma;   /* [importer slot] > 0 */
    const double *eps;     /* [importer slot] > 0 */
    const double *sigma_home; /* [importer slot] > 0; NULL = one level */
    const ptrdiff_t *home; /* [importer slot] its home flow or -1; NULL = one level */
    const double *mu;      /* [exporter slot] >= 0, may be infinite */
    tw_pe_controls controls;
    tw_pe_method method;
    int steps; /* Euler steps, >= 1 */
    tw_smart_form form;
} tw_pe_problem;

/* Why a market was refused (status TW_EDOMAIN) or failed. */
typedef enum {
    TW_PE_FINE = 0,
    TW_PE_BAD_VALUE,         /* negative or not finite */
    TW_PE_BAD_TAX,           /* a tariff or export tax at or below -1, or not finite */
    TW_PE_BAD_COST,          /* a cost ratio, weight or wedge outside its domain */
    TW_PE_BAD_ELASTICITY,    /* sigma, eps not positive or mu negative */
    TW_PE_EMPTY_DESTINATION, /* an importer that spends nothing */
    TW_PE_NO_SOURCE,         /* an importer all of whose origins are banned */
    TW_PE_WEIGHT_SIGMA,      /* a weight cut where sigma <= 1 */
    TW_PE_METHOD,            /* the legacy method has no answer to this scenario */
    TW_PE_STUCK,             /* not converged */
    TW_PE_OVERFLOW,          /* a quantity or price left the range of doubles */
    TW_PE_BAD_CONTROL,       /* a limit that is not positive, or an unknown kind */
    TW_PE_INFEASIBLE,        /* no price meets a control's limit */
} tw_pe_cause;
const char *tw_pe_cause_text(int cause);

typedef struct {
    double *p;        /* [exporter slot] ln p; -inf where shut out; linear: p - 1 */
    double *P;        /* [importer slot] ln P; linear: P - 1 */
    double *q;        /* [flow] quantity after / before */
    double *shadow;   /* [control] premium, tariff above t1, or subsidy rate; or NULL */
    int *status;      /* [market] a tw_status */
    int *cause;       /* [market] a tw_pe_cause */
    int *iterations;  /* [market] */
    double *residual; /* [market] max |ln demand - ln supply| over exporters */
} tw_pe_result;

/* One market's failure is recorded in its status and leaves the others alone; the call
 * itself returns TW_OK then.  Markets in which nothing changes return ones at once, without
 * a look at their other inputs. */
tw_status tw_pe_solve(const tw_pe_problem *problem, const tw_options *options,
                      tw_pe_result *result, tw_info *info);

/* ---- Spatial price equilibrium -------------------------------------------------------------
 *
 * One homogeneous good; matrices are [exporter, importer].  A curve is level + slope price
 * (TW_LINEAR; without trade the price where it is 0) or level price^slope (TW_ISOELASTIC).  Supply does not fall and
 * demand falls with the price.  Conditions in core/tw_spatial.c.  The residual is in units of
 * `start` and of the mean quantity demanded at it. */
enum { TW_LINEAR = 0, TW_ISOELASTIC = 1 };

typedef struct {
    size_t nexporter, nimporter;
    int supply_form, demand_form;
    const double *supply_level, *supply_slope; /* [exporter] */
    const double *demand_level, *demand_slope; /* [importer] */
    const double *cost; /* [exporter, importer] per unit, >= 0, infinite = no route */
    const double
        *tariff;         /* [exporter, importer] rate on price + cost, > -1; NULL = 0 */
    const double *limit; /* [exporter, importer] quantity, >= 0; NULL = none */
    double start;        /* a typical price, > 0 */
} tw_spatial_problem;

tw_status tw_spatial_solve(const tw_spatial_problem *problem, const tw_options *options,
                           double *producer, /* [exporter] price */
                           double *buyer,    /* [importer] price */
                           double *flow,     /* [exporter, importer] quantity */
                           double *rent, /* [exporter, importer] per unit of a limit */
                           tw_info *info);

/* ---- General equilibrium -------------------------------------------------------------------
 *
 * Many countries and sectors in changes (new / old, exact hat algebra).  Flow arrays are
 * [importer n, exporter i, sector j], others [country, sector].  The equations, in the
 * unknowns ln w, ln P, ln X' (and ln S, multipliers), stand in core/tw_ge_sweep.c.
 * Numeraire: world value added. */
typedef struct tw_ge_packed
    tw_ge_packed; /* a world checked and laid out for the core */

typedef struct {
    size_t N, J;
    const double *trade;       /* [n, i, j] Z at the exporter's border price, >= 0 */
    const double *tariff;      /* [n, i, j] > -1 */
    const double *export_tax;  /* [n, i, j] > -1; NULL = 0 */
    const double *theta;       /* [j] trade elasticity > 0 */
    const double *value_added; /* [n, j] share of cost, gamma */
    const double *input_use;   /* [n, input, user] share of cost; NULL = none */
    const double *rents;       /* [j] profit share of revenue in [0, 1); NULL = 0 */
    const double *scale;       /* [j] psi >= 0, theta psi < 1; NULL = 0 */
    const double *final_share; /* [n, j] */
    const double *deficit;     /* [n] in the unit of trade; sums to zero */
    const tw_ge_packed
        *packed; /* this world by tw_ge_pack, or NULL: each call packs it */
} tw_ge_world;

/* Calls that run at the same time may share a packed world.  It keeps no array of `world`. */
tw_status tw_ge_pack(const tw_ge_world *world, tw_ge_packed **packed, tw_info *info);
void tw_ge_packed_free(tw_ge_packed *packed); /* NULL does nothing */

enum { TW_GE_FIXED = 0, TW_GE_ZERO, TW_GE_INCOME }; /* deficits */
enum { TW_GE_LUMP_SUM = 0, TW_GE_INCOME_TAX };      /* revenue */

typedef struct {
    double labour_supply;      /* kappa >= 0 */
    double va_substitution;    /* eta >= 0, 1 = Cobb-Douglas, as the next two */
    double input_substitution; /* nu */
    double final_substitution; /* chi */
    int deficits, revenue;
} tw_ge_options;

/* Limits on sums over flows: a wedge e^m, 0 <= m <= upper, on the buyer price of the members
 * (e^-m for floors), with m > 0 only where the limit binds.  Quantities are in units of the
 * base value before export tax: Z'/((1 + x') c), and Z'/((1 + x') c e^m) where the wedge is
 * wasted, that is melts away as a trade cost does. */
enum {
    TW_GE_EXPORT_LIMIT = 0,
    TW_GE_IMPORT_LIMIT,
    TW_GE_FLOOR_QUANTITY,
    TW_GE_FLOOR_VALUE
};
enum { TW_GE_TO_IMPORTER = 0, TW_GE_TO_EXPORTER, TW_GE_WASTED };

typedef struct {
    const ptrdiff_t *ptr;        /* [nscenario + 1] first limit of each; NULL = none */
    const int *kind;             /* [limit] */
    const int *holder;           /* [limit] who has the wedge's revenue, or pays it */
    const double *bound;         /* [limit] > 0 */
    const double *upper;         /* [limit] >= 0, may be infinite */
    const ptrdiff_t *member_ptr; /* [limit + 1] */
    const ptrdiff_t *member;     /* flat flows, rising inside a limit */
} tw_ge_limits;

typedef struct {
    size_t nscenario;
    const ptrdiff_t *ptr;  /* [nscenario + 1] first change of each; NULL = no changes */
    const ptrdiff_t *flow; /* [change] flat flow, rising inside a scenario */
    const double *tariff;  /* [change] t' > -1 */
    const double *export_tax;   /* [change] x' > -1 */
    const double *cost;         /* [change] d > 0 */
    const double *weight;       /* [change] >= 0, multiplies the share; 0 = banned */
    const double *productivity; /* [nscenario, n, j] A > 0; NULL = 1 */
    const double *deficit;      /* [nscenario, n] D'; NULL = the world's */
    tw_ge_limits limits;
} tw_ge_scenarios;

/* What went wrong in a scenario; the kinds of market first: there the worst residual stood. */
typedef enum {
    TW_GE_FINE = 0,
    TW_GE_PRICE, /* `where` is n J + j, as for goods and scale */
    TW_GE_GOODS,
    TW_GE_SCALE,
    TW_GE_LABOUR,         /* `where` is n */
    TW_GE_LIMIT,          /* `where` is the limit */
    TW_GE_NO_EQUILIBRIUM, /* n's income cannot carry its surplus */
    TW_GE_NO_SOURCE,      /* n J + j is left without a source */
    TW_GE_BAD_CHANGE,     /* `where` is the change */
    TW_GE_BAD_PRODUCTIVITY,
    TW_GE_BAD_DEFICIT,
    TW_GE_BAD_LIMIT,
    TW_GE_BAD_START,
    TW_GE_OVERFLOW,
} tw_ge_cause;
const char *tw_ge_cause_text(int cause);

/* Outputs of a batch; a scenario's failure leaves the others alone. */
typedef struct {
    double *ln_w;       /* [nscenario, n] */
    double *ln_P;       /* [nscenario, n, j] 0 where n buys no j */
    double *ln_X;       /* [nscenario, n, j] ln(X'/X), 0 where X = 0 */
    double *ln_S;       /* [nscenario, n, j] input bundles; 0 where psi = 0 or Y = 0 */
    double *multiplier; /* [limit] m */
    double *labour;     /* [nscenario, n] L */
    double *subsidy;    /* [nscenario, n] s */
    int *status;        /* [nscenario] a tw_status */
    int *iterations;    /* [nscenario] evaluations and Jacobian products */
    double *residual;   /* [nscenario] largest |F| */
    ptrdiff_t *where;   /* [nscenario] see tw_ge_cause */
    int *what;          /* [nscenario] a tw_ge_cause */
} tw_ge_result;

/* A point to begin at or to evaluate: one for all scenarios (count = 1) or one each. */
typedef struct {
    size_t count;
    const double *ln_w, *ln_P, *ln_X, *ln_S, *multiplier;
} tw_ge_point;

tw_status tw_ge_solve(const tw_ge_world *world, const tw_ge_options *closure,
                      const tw_ge_scenarios *scenarios,
                      const tw_ge_point *start, /* or NULL */
                      const tw_options *options, tw_ge_result *result, tw_info *info);

/* Levels and ratios that follow from a solution; each array or NULL. */
typedef struct {
    double *cost;           /* [nscenario, n, j] c */
    double *trade;          /* [nscenario, n, i, j] Z' */
    double *output;         /* [nscenario, n, j] Y' */
    double *income;         /* [nscenario, n] I' */
    double *tariff_revenue; /* [nscenario, n] R' */
    double *export_revenue; /* [nscenario, n] XR' */
    double *price_index;    /* [nscenario, n] Pc */
    double *deficit;        /* [nscenario, n] D' */
} tw_ge_levels;

tw_status tw_ge_evaluate(const tw_ge_world *world, const tw_ge_options *closure,
                         const tw_ge_scenarios *scenarios, const tw_ge_point *solution,
                         const tw_options *options, tw_ge_levels *levels,
                         tw_info *info);

/* Gradients of objectives at solutions.  A seed is the derivative of one objective with
 * respect to these variables; each array holds nseed of them, or is NULL.  The log of
 * welfare of country m without elastic labour: income = 1 and price = -1 at m. */
typedef struct {
    size_t nseed;
    const double *income;  /* [nseed, n] ln I' */
    const double *price;   /* [nseed, n] ln Pc */
    const double *wage;    /* [nseed, n] ln w */
    const double *labour;  /* [nseed, n] ln L */
    const double *output;  /* [nseed, n, j] ln Y' */
    const double *revenue; /* [nseed, n] R', in the unit of trade */
} tw_ge_objective;

/* 0 where nothing is traded.  Binding limits are held binding, slack ones slack. */
typedef struct {
    double *tariff;     /* [nscenario, nseed, n, i, j] d / d ln(1 + t'); or NULL */
    double *export_tax; /* the same, d / d ln(1 + x'); or NULL */
    double *cost;       /* the same, d / d ln d; or NULL */
    double *limit;      /* [nseed, limit] d / d ln bound; or NULL */
    int *status;      /* [nscenario, nseed] a tw_status; gradients are NaN unless it is
                           TW_OK or TW_NOCONV */
    int *products;    /* [nscenario, nseed] Jacobian products taken */
    double *left;     /* [nscenario, nseed] relative residual of the adjoint system */
    double *residual; /* [nscenario, nseed] largest |F| at the solution given */
    ptrdiff_t *where; /* [nscenario, nseed] see tw_ge_cause; -1 unless TW_EDOMAIN */
    int *what;        /* [nscenario, nseed] a tw_ge_cause */
    double *error; /* [nscenario, nseed] how far the residuals at the solution given can
                           put the objective off, to first order; or NULL */
} tw_ge_gradients;

/* options->tol bounds `left` and max_iter the products of one seed. */
tw_status tw_ge_gradient(const tw_ge_world *world, const tw_ge_options *closure,
                         const tw_ge_scenarios *scenarios, const tw_ge_point *solution,
                         const tw_ge_objective *objective, const tw_options *options,
                         tw_ge_gradients *out, tw_info *info);

#ifdef __cplusplus
}
#endif
#endif /* TRADEWAR_H */
