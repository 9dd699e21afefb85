/* tw_ge.h - private: general equilibrium, packed.
 *
 * Inside, countries are the lanes: a variable by country and sector is [j][n8], n8 the
 * countries padded to a multiple of 8 with zeros; flows are [j][i][n8]; input use is
 * [user j][input k][n8].  The unknowns and equations are vectors of the same make:
 *     z = (ln w [n8], ln P [j][n8], ln X'/X [j][n8], ln S [j][n8] if any psi, m [nlim8]),
 * with zeros in padding and where a market is empty (dead).  F has the order of z.
 */
#ifndef TW_GE_H
#define TW_GE_H

#include "tw_anderson.h"

#include <stdatomic.h>

enum { TW_GE_MEMORY = 12, TW_GE_MEMORY_LONG = 20 }; /* of Anderson acceleration */

struct tw_ge;
struct tw_ge_spare;
struct tw_ge_linear;
struct tw_ge_seed;

/* Arrays of one visit of the flows; [j][n8] but for K, KT and KX. */
typedef struct {
    const double *K, *KT, *KX, *u, *X, *dead;
    double *Phi, *M, *q, *Y, *YT;
} tw_ge_sweep_args;

/* Loops built once per code path: tw_ge_kernels.c and tw_ge_sweep.c. */
typedef struct {
    void (*rows)(size_t J, size_t N, size_t N8, const double *a, const double *v,
                 double *out);
    void (*cols)(size_t J, size_t N, size_t N8, const double *a, const double *v,
                 double *out);
    /* out = cols of a and x less cols of b and y */
    void (*cols_apart)(size_t J, size_t N, size_t N8, const double *a, const double *b,
                       const double *x, const double *y, double *out);
    void (*sweep)(size_t J, size_t N, size_t N8, const tw_ge_sweep_args *s);
    /* P[j][n] += c[j][n] w[n], and its transpose: w[n] += sum_j c[j][n] P[j][n] */
    void (*pass)(size_t J, size_t N8, const double *c, const double *w, double *P);
    void (*pull)(size_t J, size_t N8, const double *c, const double *P, double *w);
    /* these two add to out */
    void (*by_user)(size_t J, size_t N8, const double *g, const double *v, double *out);
    void (*by_input)(size_t J, size_t N8, const double *g, const double *v,
                     double *out);
    void (*eval)(struct tw_ge *ge, const double *z, double *F);
    void (*tangent)(struct tw_ge_linear *lin, const double *dz, double *dF);
    void (*adjoint)(struct tw_ge_linear *lin, const double *v,
                    const struct tw_ge_seed *seed, double *dz);
    void (*flow_bars)(const struct tw_ge_linear *lin, size_t i, size_t j,
                      double *tariff, double *export_tax, double *cost);
} tw_ge_kernels;

const tw_ge_kernels *tw_ge_kernels_get(int level);
void tw_ge_eval_base(struct tw_ge *ge, const double *z, double *F);
void tw_ge_eval_avx2(struct tw_ge *ge, const double *z, double *F);
void tw_ge_eval_avx512(struct tw_ge *ge, const double *z, double *F);

/* The world, packed once and shared by the workers. */
typedef struct {
    size_t N, J, N8, NJ8; /* NJ8 = J N8 */
    size_t cells;         /* J N N8 */
    int has_x, has_inputs, has_scale;
    int ces_va, ces_inputs, ces_final; /* elasticity differs from 1 */
    tw_ge_options closure;
    double *pi, *pi_t, *pi_x;      /* [cell] pi, pi/(1+t), pi/((1+t)(1+x)); pi_x = pi_t
                                      where nobody taxes exports */
    double *g;                     /* [j][k][n8] NULL without inputs */
    double *gamma, *alpha;         /* [j][n8] gamma = 1 in padding */
    double *X, *Y, *inv_X, *inv_Y; /* [j][n8] levels; inverses 0 where dead */
    double *dead_X, *dead_Y; /* [j][n8] 1 where X (Y) = 0, padding included, else 0 */
    /* for the steps of sweeps, see tw_ge_mixing; the last two NULL with inputs */
    double *home_pay, *budget, *sales;
    double *V, *inv_V, *dead_V; /* [n8] value added */
    double *I, *D;              /* [n8] */
    double *keep;               /* [n8] 1 - tau at the base; 1 in padding */
    double *theta, *rho, *psi;  /* [j] */
    double world_V;
    const tw_ge_world *world;
    struct tw_ge_spare *spare; /* of a packed world, or NULL */
    double *block;
} tw_ge_base;

/* Flows in limits ("special"): their K entries move with m. */
typedef struct {
    size_t n, nflow;
    size_t most;              /* members of the batch's scenarios, at most */
    size_t first;             /* flat number of the first limit */
    const int *kind, *holder; /* [limit], as are bound, upper, of this scenario */
    const double *bound, *upper;
    const ptrdiff_t *member_ptr; /* [limit + 1] into the batch's members */
    const ptrdiff_t *member;     /* the batch's, flat flows */
    size_t *place;               /* [member - member_ptr[0]] special flow */
    size_t *flow;                /* [special] flat flow, rising */
    size_t *cell, *row, *col;    /* [special] in K; j N8 + n; j N8 + i */
    double *K0, *KT0, *KX0;      /* [special] at m = 0 */
    double *d_t, *d_x, *d_w;     /* [special] log wedges: tariff, export tax, waste;
                                    K = K0 e^(-theta (d_t + d_x + d_w)), KT = KT0 (K/K0) e^-d_t,
                                    KX = KX0 (K/K0) e^-(d_t + d_x) */
    double *volume, *value;      /* [special] KX u q e^-d_w / c, and KT u q */
    double *total, *gap; /* [limit] sum of members; ln bound - ln total, minus that
                                    for floors */
    int *piece;          /* [limit] F is 0: m, 1: gap, 2: m - upper */
    int *end; /* [limit] of the range of m: -1, 1; 0 inside; kept by sweeps */
} tw_ge_limit_set;

/* What a work space has room for. */
typedef struct {
    size_t changes, limits, members;
    int has_x, ces, ces_final;
} tw_ge_size;

/* One scenario in work, and the state after tw_ge_eval. */
typedef struct tw_ge {
    const tw_ge_base *base;
    const tw_kernels *kern;
    const tw_ge_kernels *gk;
    const tw_options *opt;
    const tw_stop *stop;
    int worker;
    tw_ge_size size;
    size_t n8, most8;              /* length of z and F; its largest in the batch */
    size_t at_P, at_X, at_S, at_m; /* offsets in z; at_S = at_m without scale */
    int has_x;                     /* KX differs from KT; else only KT is right */

    double *K, *KT, *KX; /* [cell] */
    double *ln_A;        /* [j][n8] ln productivity */
    double *row_shift;   /* [j][n8] K is scaled by exp(row_shift) */
    double *D;           /* [n8] D'; delta = D'/I under TW_GE_INCOME */
    tw_ge_limit_set lim;

    /* state, [j][n8] */
    const double *z;      /* point last evaluated, borrowed */
    double *ln_ct, *ln_c; /* bundle, cost */
    double *u;            /* exp(-theta (ln c - shift[j])) */
    double *shift;        /* [j] */
    double *Phi, *M, *q;  /* Phi = 1 and q = 0 where dead */
    double *X, *X_new;    /* X' of the state; right side of (5); levels */
    double *Y, *YT;       /* Y'; u sum_n KT q, so that XR' = sum_j YT - Y */
    double *gamma;        /* gamma' */
    double *alpha;        /* alpha' */
    double *user, *input; /* g'[k, j] = g user[j] input[k]; ones in Cobb-Douglas */
    double *ln_M;         /* CES index of inputs; set only when ces_va or ces_inputs */
    double *tmp, *tmp2;   /* scratch of the evaluation, free after it */
    /* state, [n8] */
    double *w, *L, *s, *tau, *B, *R, *XR, *wLV, *I, *ln_Pc;
    double *DD; /* D' in force */
    double *
        carry; /* under TW_GE_INCOME: I' = (w L V + ...) / carry, carry = 1 - delta + dbar */
    double dbar;
    double money; /* sum wLV / sum V */
    int poor;     /* a country whose I' was bent up, or -1 */
    int bent;     /* something else was */

    double residual;
    int what;
    ptrdiff_t where;
    int iterations; /* evaluations and Jacobian products */
    int poor_once;  /* the last country that was poor on the way, or -1 */

    /* scratch of tw_ge_solve.c */
    double *point, *F, *best; /* [n8] */
    double *mixing;           /* of tw_ge_mixing_base */
    double *ladder;           /* scratch of tw_ge_ladder.c, made on demand */
    double *aa_scratch;
    tw_anderson aa;
    double *room, *block; /* flows and aa_scratch; the rest, zero at first */
    size_t *sizes;
    int *ints;
    /* changes in force, to be undone */
    size_t nchange;
    size_t *changed;
    double *change;
    int dirty; /* rows were scaled: undo everything */
} tw_ge;

/* A work space between calls, with the world's shares in it but for the changes it lists. */
typedef struct tw_ge_spare {
    atomic_int state; /* TW_GE_NO_SPARE, ... */
    tw_ge ge;
} tw_ge_spare;
enum { TW_GE_NO_SPARE = 0, TW_GE_SPARE, TW_GE_SPARE_MOVES };

/* Place of a flow in K. */
static inline size_t
tw_ge_cell(const tw_ge_base *b, size_t n, size_t i, size_t j)
{
    return (j * b->N + i) * b->N8 + n;
}

/* tw_ge_world.c */
double *tw_ge_align(double *p); /* up to 7 places on */
tw_status tw_ge_base_new(tw_ge_base *b, const tw_ge_world *world,
                         const tw_ge_options *closure, tw_info *info);
void tw_ge_base_free(tw_ge_base *b);

/* tw_ge_scenario.c: room for any scenario of the batch, new or left by the last call; it goes
 * back to the packed world, if there is one, and is freed with that. */
tw_status tw_ge_new(tw_ge *ge, const tw_ge_base *b, const tw_ge_scenarios *sc,
                    const tw_options *opt);
void tw_ge_leave(tw_ge *ge);
void tw_ge_free(tw_ge *ge);
/* K and all else of scenario s; TW_EDOMAIN with what and where set on a bad one. */
tw_status tw_ge_load(tw_ge *ge, const tw_ge_scenarios *sc, size_t s);
/* The same part of the way, 0 <= part <= 1, from the baseline in logs. */
tw_status tw_ge_load_part(tw_ge *ge, const tw_ge_scenarios *sc, size_t s, double part);
/* z from the public arrays; zeros where p is NULL. */
tw_status tw_ge_read_point(tw_ge *ge, const tw_ge_scenarios *sc, const tw_ge_point *p,
                           size_t s, double *z);

/* tw_ge_limits.c: what goes with the limits of a scenario */
typedef struct {
    size_t limits, members; /* largest over the scenarios of a batch */
} tw_ge_limit_room;
tw_ge_limit_room tw_ge_limits_room(const tw_ge_scenarios *sc);
tw_status tw_ge_limits_load(tw_ge *ge, const tw_ge_scenarios *sc, size_t s);
void tw_ge_limits_patch(tw_ge *ge, const double *z); /* K at the multipliers */
void tw_ge_limits_rows(tw_ge *ge, const double *z, double *F); /* and the rows of F */

void tw_ge_limits_settle(const tw_ge *ge, double *z); /* exact ends of the range of m */
double tw_ge_limits_slope(const tw_ge *ge, size_t l);

/* tw_ge_solve.c.  F and the state at z; z is kept by pointer. */
void tw_ge_eval(tw_ge *ge, const double *z, double *F);
/* max |F| after an evaluation; NaN where F is not finite or something was bent. */
double tw_ge_residual(const tw_ge *ge, const double *F);
/* tw_ge_eval, counted: residual = max |F|, NaN where it is not finite.  Nonzero when every
 * market is within tol and nothing was bent. */
int tw_ge_check(tw_ge *ge, const double *z, double tol);
double tw_ge_floor(const tw_ge *ge); /* rounding of F */
double tw_ge_goal(const tw_ge *ge);  /* tol, or what rounding allows */
/* Accelerated sweeps from z; on TW_NOCONV z is the best point met. */
tw_status tw_ge_sweeps(tw_ge *ge, double *z, double tol, size_t memory, int most);
/* What went wrong at z: what and where. */
void tw_ge_blame(tw_ge *ge, const double *z);

/* tw_ge_step.c: the numbers of M, at the baseline or at the state last evaluated. */
typedef struct {
    const double *step;     /* [n8] of wages */
    const double *home_pay; /* [j][n8] value added in home goods, part of X */
    /* without input use, else not read, and sales NULL */
    const double *budget; /* [j][n8] X, part of n's spending */
    const double *earned; /* [j][n8] part of income that follows the wage */
    const double *sales;  /* [seller i][n8] d ln B[i] / d ln (spending of n) */
} tw_ge_mixing;
size_t tw_ge_mixing_doubles(const tw_ge_base *b);
tw_ge_mixing tw_ge_mixing_base(const tw_ge *ge, double *scratch);
tw_ge_mixing tw_ge_mixing_state(const tw_ge *ge, double *scratch);
/* F becomes M F but for the rows of limits; v = M' y. */
void tw_ge_step(tw_ge *ge, const tw_ge_mixing *m, double *F);
void tw_ge_step_transposed(tw_ge *ge, const tw_ge_mixing *m, const double *y,
                           double *v);

/* tw_ge_ladder.c, for what sweeps leave: Newton's method, then part of the way after part. */
size_t tw_ge_ladder_doubles(const tw_ge *ge);
tw_status tw_ge_ladder(tw_ge *ge, const tw_ge_scenarios *sc, size_t s, double *z);

/* Plain products, [j][n8] in and out, zeros in padding; in and out differ. */
typedef enum { TW_GE_K = 0, TW_GE_KT, TW_GE_KX } tw_ge_which;
/* out[n] = sum_i A[n, i] v[i];  out[i] = sum_n A[n, i] v[n] */
void tw_ge_rows(const tw_ge *ge, tw_ge_which a, const double *v, double *out);
void tw_ge_cols(const tw_ge *ge, tw_ge_which a, const double *v, double *out);
/* out[j] = sum_k g[j][k] v[k];  out[k] = sum_j g[j][k] v[j] */
void tw_ge_by_user(const tw_ge *ge, const double *v, double *out);
void tw_ge_by_input(const tw_ge *ge, const double *v, double *out);

#endif /* TW_GE_H */
