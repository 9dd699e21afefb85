/* tw_pe_general.c - one market in its general form: two levels, wedges, any elasticities.
 *
 * Notation of Armington demand with a nest of foreign origins (elasticity s) beside a home
 * good (elasticity h); one level is the case without a home good.  Everything is in logs
 * with a shift by the largest term, so that an elasticity of 3,000 neither over- nor
 * underflows; within 1e-3 of one, sums run over expm1; at one, the index is geometric.
 */
#include "tw_control.h"
#include "tw_vmath.h"

static const double NEAR_ONE = 1e-3;

typedef enum { GEOMETRIC, NEAR, FAR } regime;

static regime
regime_of(double sigma)
{
    double gap = fabs(1.0 - sigma);
    return gap == 0.0 ? GEOMETRIC : gap < NEAR_ONE ? NEAR : FAR;
}

static double
weight_of(const tw_market *mk, size_t f)
{
    return mk->weight != NULL ? mk->weight[f] : 1.0;
}

int
tw_pe_is_home(const tw_market *mk, size_t n, size_t f)
{
    return mk->home != NULL && mk->home[n] == (ptrdiff_t)(mk->first + f);
}

double
tw_pe_sigma_top(const tw_market *mk, size_t n)
{
    return mk->sigma_home != NULL ? mk->sigma_home[n] : mk->sigma[n];
}

#define FOR_FLOWS(mk, i, f)                                 \
    for (size_t i = 0; i < (mk)->ni; i++)                   \
        for (size_t f = (size_t)(mk)->row[i] - (mk)->first; \
             f < (size_t)(mk)->row[i + 1] - (mk)->first; f++)

static void
index_columns(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    for (size_t n = 0; n <= mk->nn; n++) {
        ws->col_ptr[n] = 0;
    }
    for (size_t f = 0; f < mk->nf; f++) {
        ws->col_ptr[mk->col[f] + 1]++;
    }
    for (size_t n = 0; n < mk->nn; n++) {
        ws->col_ptr[n + 1] += ws->col_ptr[n];
    }
    FOR_FLOWS(mk, i, f)
    {
        size_t at = ws->col_ptr[mk->col[f]]++;
        ws->col_flow[at] = f;
        ws->col_row[at] = i;
    }
    for (size_t n = mk->nn; n > 0; n--) {
        ws->col_ptr[n] = ws->col_ptr[n - 1];
    }
    ws->col_ptr[0] = 0;
}

void
tw_pe_general_setup(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    for (size_t n = 0; n < mk->nn; n++) {
        mk->spend[n] = ws->theta_m[n] = 0.0;
    }
    for (size_t i = 0; i < mk->ni; i++) {
        mk->sales[i] = 0.0;
    }
    FOR_FLOWS(mk, i, f)
    {
        double a0 = mk->x0 != NULL ? 1.0 + mk->x0[f] : 1.0;
        double a1 = mk->x1 != NULL ? 1.0 + mk->x1[f] : 1.0;
        double t0 = 1.0 + mk->t0[f], t1 = 1.0 + mk->t1[f];
        ws->theta[f] = mk->value[f] * t0;
        ws->phi[f] = mk->value[f] / a0;
        ws->k0[f] = a1 / a0;
        ws->k1[f] = (mk->cost != NULL ? mk->cost[f] : 1.0) * (t1 / t0);
        ws->lnk[f] = tw_log1(ws->k0[f] * ws->k1[f]);
        ws->eta[f] = 1.0;
        mk->spend[mk->col[f]] += ws->theta[f];
        mk->sales[i] += ws->phi[f];
    }
    FOR_FLOWS(mk, i, f)
    {
        size_t n = (size_t)mk->col[f];
        ws->theta[f] /= mk->spend[n];
        ws->phi[f] = mk->sales[i] > 0.0 ? ws->phi[f] / mk->sales[i] : 0.0;
        if (!tw_pe_is_home(mk, n, f)) {
            ws->theta_m[n] += ws->theta[f];
        }
    }
    index_columns(ws);
    for (size_t i = 0; i < mk->ni; i++) {
        double open = 0.0;
        for (ptrdiff_t f = mk->row[i]; f < mk->row[i + 1]; f++) {
            size_t k = (size_t)f - mk->first;
            open += ws->phi[k] * weight_of(mk, k);
        }
        mk->y[i] = 0.0;
        mk->fixed[i] = isinf(mk->mu[i]) || !(mk->sales[i] > 0.0) ? TW_PRICE_GIVEN
                       : open > 0.0                              ? TW_FREE
                                                                 : TW_SHUT_OUT;
    }
}

/* ln of the CES index of two parts with shares b and 1 - b. */
static double
index_of_two(double sigma, double b, double wb, double lnb, double c, double lnc)
{
    switch (regime_of(sigma)) {
        case GEOMETRIC:
            return b * lnb + c * lnc;
        case NEAR:
            return log1p(b * (wb * expm1((1.0 - sigma) * lnb) + (wb - 1.0)) +
                         c * expm1((1.0 - sigma) * lnc)) /
                   (1.0 - sigma);
        default:
            break;
    }
    double zb = wb > 0.0 ? (1.0 - sigma) * lnb : -(double)INFINITY;
    double zc = (1.0 - sigma) * lnc;
    double top = TW_MAX(zb, zc);
    double sum = (wb > 0.0 ? b * wb * tw_exp1(zb - top) : 0.0) + c * tw_exp1(zc - top);
    return (top + tw_log1(sum)) / (1.0 - sigma);
}

static void
nest_prices(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    for (size_t n = 0; n < mk->nn; n++) {
        ws->acc[n] = 0.0;
        ws->top[n] = -(double)INFINITY;
    }
    FOR_FLOWS(mk, i, f)
    {
        size_t n = (size_t)mk->col[f];
        double z = (1.0 - mk->sigma[n]) * ws->lnu[f];
        if (!tw_pe_is_home(mk, n, f) && ws->theta[f] * weight_of(mk, f) > 0.0 &&
            z > ws->top[n]) {
            ws->top[n] = z;
        }
    }
    FOR_FLOWS(mk, i, f)
    {
        size_t n = (size_t)mk->col[f];
        double w = weight_of(mk, f);
        if (tw_pe_is_home(mk, n, f) || !(ws->theta[f] > 0.0)) {
            continue;
        }
        double z = (1.0 - mk->sigma[n]) * ws->lnu[f];
        switch (regime_of(mk->sigma[n])) {
            case GEOMETRIC:
                ws->acc[n] += ws->theta[f] * ws->lnu[f];
                break;
            case NEAR:
                ws->acc[n] +=
                    ws->theta[f] * (w > 0.0 ? w * expm1(z) + (w - 1.0) : -1.0);
                break;
            default:
                if (w > 0.0) {
                    ws->acc[n] += ws->theta[f] * w * tw_exp1(z - ws->top[n]);
                }
                break;
        }
    }
    for (size_t n = 0; n < mk->nn; n++) {
        double sigma = mk->sigma[n];
        /* without foreign trade there is no nest: its price is that of the whole */
        double mean = ws->theta_m[n] > 0.0 ? ws->acc[n] / ws->theta_m[n] : 0.0;
        switch (regime_of(sigma)) {
            case GEOMETRIC:
                ws->lnPM[n] = mean;
                break;
            case NEAR:
                ws->lnPM[n] = log1p(mean) / (1.0 - sigma);
                break;
            default:
                ws->lnPM[n] = mean > 0.0 ? (ws->top[n] + tw_log1(mean)) / (1.0 - sigma)
                                         : (double)INFINITY;
                break;
        }
    }
}

static void
top_prices(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    for (size_t n = 0; n < mk->nn; n++) {
        mk->lnP[n] = ws->lnPM[n];
        ws->nest[n] = 1.0;
        if (mk->home == NULL || mk->home[n] < 0) {
            continue;
        }
        size_t f = (size_t)mk->home[n] - mk->first;
        double b = ws->theta[f], c = ws->theta_m[n];
        if (!(c > 0.0)) {
            mk->lnP[n] = ws->lnPM[n] = ws->lnu[f];
            ws->nest[n] = 0.0;
        }
        else if (b > 0.0) {
            double h = tw_pe_sigma_top(mk, n), w = weight_of(mk, f);
            mk->lnP[n] = index_of_two(h, b, w, ws->lnu[f], c, ws->lnPM[n]);
            ws->nest[n] = isinf(ws->lnPM[n])
                              ? 0.0
                              : c * tw_exp1((1.0 - h) * (ws->lnPM[n] - mk->lnP[n]));
        }
    }
}

/* ln q and the shares inside the nest at current prices. */
static void
quantities(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    FOR_FLOWS(mk, i, f)
    {
        size_t n = (size_t)mk->col[f];
        double w = weight_of(mk, f), s = mk->sigma[n], h = tw_pe_sigma_top(mk, n);
        double lnP = mk->lnP[n], lnu = ws->lnu[f], lnPM = ws->lnPM[n];
        ws->share[f] = 0.0;
        if (!(w > 0.0) || (isinf(lnPM) && !tw_pe_is_home(mk, n, f))) {
            ws->lnq[f] = -(double)INFINITY; /* banned, or in a nest that is */
        }
        else if (tw_pe_is_home(mk, n, f)) {
            ws->lnq[f] =
                (w == 1.0 ? 0.0 : tw_log1(w)) - h * (lnu - lnP) - mk->eps[n] * lnP;
            ws->share[f] = 1.0 - ws->nest[n];
        }
        else {
            ws->lnq[f] = (w == 1.0 ? 0.0 : tw_log1(w)) - s * (lnu - lnPM) -
                         h * (lnPM - lnP) - mk->eps[n] * lnP;
            if (ws->theta[f] > 0.0) {
                ws->share[f] = ws->theta[f] * w * tw_exp1((1.0 - s) * (lnu - lnPM)) /
                               ws->theta_m[n];
            }
        }
    }
}

void
tw_pe_general_eval(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    FOR_FLOWS(mk, i, f)
    {
        ws->lnu[f] = mk->y[i] + ws->lnk[f];
    }
    if (ws->ctl.nspecial > 0) {
        tw_control_wedges(ws);
        for (size_t s = 0; s < ws->ctl.nspecial; s++) {
            size_t f = ws->ctl.flow[s];
            ws->lnu[f] += ws->ctl.m[s] == 1.0 ? 0.0 : tw_log1(ws->ctl.m[s]);
            ws->eta[f] = ws->ctl.eta[s];
        }
    }
    nest_prices(ws);
    top_prices(ws);
    quantities(ws);
    for (size_t i = 0; i < mk->ni; i++) {
        size_t f0 = (size_t)mk->row[i] - mk->first,
               f1 = (size_t)mk->row[i + 1] - mk->first;
        double top = -(double)INFINITY, sum = 0.0;
        for (size_t f = f0; f < f1; f++) {
            if (ws->phi[f] > 0.0 && ws->lnq[f] > top) {
                top = ws->lnq[f];
            }
        }
        for (size_t f = f0; f < f1; f++) {
            if (ws->phi[f] > 0.0) {
                sum += ws->phi[f] * tw_exp1(ws->lnq[f] - top);
            }
        }
        mk->demand[i] = top + tw_log1(sum); /* a logarithm in this form */
        for (size_t f = f0; f < f1; f++) {
            ws->part[f] =
                ws->phi[f] > 0.0 ? ws->phi[f] * tw_exp1(ws->lnq[f] - top) / sum : 0.0;
        }
        mk->r[i] = mk->fixed[i] > 0.0 ? 0.0 : mk->demand[i] - mk->mu[i] * mk->y[i];
    }
}

/* d ln q_f / d ln u_s for two flows of importer n at the current shares. */
double
tw_pe_response(const tw_pe_ws *ws, size_t n, size_t f, size_t s)
{
    const tw_market *mk = &ws->mk;
    double sigma = mk->sigma[n], h = tw_pe_sigma_top(mk, n);
    int home_f = tw_pe_is_home(mk, n, f), home_s = tw_pe_is_home(mk, n, s);
    double total = home_s ? ws->share[s] : ws->nest[n] * ws->share[s];
    double value = (h - mk->eps[n]) * total;
    if (home_f || home_s) {
        return value - (f == s ? h : 0.0);
    }
    return value + (sigma - h) * ws->share[s] - (f == s ? sigma : 0.0);
}

void
tw_pe_general_diagonal(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    for (size_t i = 0; i < mk->ni; i++) {
        mk->diag[i] = mk->mu[i];
    }
    FOR_FLOWS(mk, i, f)
    {
        mk->diag[i] -=
            ws->part[f] * tw_pe_response(ws, (size_t)mk->col[f], f, f) * ws->eta[f];
    }
}

void
tw_pe_general_jacobian(tw_pe_ws *ws, size_t stride)
{
    tw_market *mk = &ws->mk;
    size_t ni = mk->ni;
    for (size_t k = 0; k < stride * stride; k++) {
        ws->jac[k] = 0.0;
    }
    for (size_t n = 0; n < mk->nn; n++) {
        for (size_t a = ws->col_ptr[n]; a < ws->col_ptr[n + 1]; a++) {
            size_t f = ws->col_flow[a], i = ws->col_row[a];
            if (mk->fixed[i] > 0.0 || !(ws->part[f] > 0.0)) {
                continue;
            }
            for (size_t b = ws->col_ptr[n]; b < ws->col_ptr[n + 1]; b++) {
                size_t g = ws->col_flow[b], s = ws->col_row[b];
                if (!(mk->fixed[s] > 0.0)) {
                    ws->jac[i * stride + s] -=
                        ws->part[f] * tw_pe_response(ws, n, f, g) * ws->eta[g];
                }
            }
        }
    }
    for (size_t i = 0; i < ni; i++) {
        ws->jac[i * stride + i] += mk->fixed[i] > 0.0 ? 1.0 : mk->mu[i];
    }
}

void
tw_pe_general_finish(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    for (size_t f = 0; f < mk->nf; f++) {
        mk->q[f] = ws->lnq[f] == 0.0 ? 1.0 : tw_exp1(ws->lnq[f]);
    }
}
