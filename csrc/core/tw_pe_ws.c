/* tw_pe_ws.c - the work space of one thread, and a view of one market in it. */
#include "tw_control.h"

static size_t
round8(size_t n)
{
    return (n + 7) / 8 * 8;
}

/* Room for the largest market, whatever its number of exporters, importers and controls. */
tw_pe_extent
tw_pe_largest(const tw_pe_problem *pb)
{
    tw_pe_extent x = {.ni8 = 8, .nn8 = 8, .packed = 8};
    int wedges = pb->lx != NULL || pb->lm != NULL || pb->floor != NULL;
    for (size_t m = 0; m < pb->nmarket; m++) {
        size_t ni = (size_t)(pb->exp_ptr[m + 1] - pb->exp_ptr[m]);
        size_t nn = (size_t)(pb->imp_ptr[m + 1] - pb->imp_ptr[m]);
        size_t nf =
            (size_t)(pb->row_ptr[pb->exp_ptr[m + 1]] - pb->row_ptr[pb->exp_ptr[m]]);
        x.nf = TW_MAX(x.nf, round8(nf));
        x.ni8 = TW_MAX(x.ni8, round8(ni));
        x.nn8 = TW_MAX(x.nn8, round8(nn));
        /* a dense row is at least a quarter full, a sparse one padded by at most three */
        x.packed = TW_MAX(x.packed, TW_MIN(4 * nf, ni * round8(nn) + nf) + 3 * ni);
        size_t special = wedges ? nf : 0;
        if (pb->controls.ptr != NULL) {
            ptrdiff_t c0 = pb->controls.ptr[m], c1 = pb->controls.ptr[m + 1];
            const ptrdiff_t *members = pb->controls.member_ptr;
            x.nk8 = TW_MAX(x.nk8, round8((size_t)(c1 - c0)));
            special = TW_MAX(special, TW_MIN(nf, (size_t)(members[c1] - members[c0])));
        }
        x.special = TW_MAX(x.special, round8(special));
    }
    x.packed = round8(TW_MAX(x.packed, x.nf));
    return x;
}

void
tw_pe_ws_free(tw_pe_ws *ws)
{
    tw_free(ws->block);
    tw_free(ws->sizes);
    tw_free(ws->ints);
    ws->block = NULL;
    ws->sizes = NULL;
    ws->ints = NULL;
}

typedef struct {
    double **to;
    size_t length;
} slice;

tw_status
tw_pe_ws_new(tw_pe_ws *ws, const tw_pe_extent *x)
{
    tw_market *mk = &ws->mk;
    tw_control *c = &ws->ctl;
    size_t nf = x->nf, nn = x->nn8 + 8, ni = x->ni8, nk = x->nk8, nx = ni + nk;
    size_t cells = x->packed, ns = x->special;
    const slice doubles[] = {
        {&mk->change, nf},
        {&ws->theta, nf},
        {&ws->phi, nf},
        {&ws->k0, nf},
        {&ws->k1, nf},
        {&ws->lnk, nf},
        {&ws->lnu, nf},
        {&ws->share, nf},
        {&ws->eta, nf},
        {&ws->lnq, nf},
        {&ws->part, nf},
        {&mk->spend, nn},
        {&mk->inv_spend, nn},
        {&mk->sum, nn},
        {&mk->gain, nn},
        {&mk->power, nn},
        {&mk->tmp_n, nn},
        {&mk->ae, nn},
        {&ws->theta_m, nn},
        {&ws->top, nn},
        {&ws->acc, nn},
        {&ws->lnPM, nn},
        {&ws->nest, nn},
        {&mk->sales, ni},
        {&mk->inv_sales, ni},
        {&mk->r, ni},
        {&mk->diag, ni},
        {&mk->demand, ni},
        {&mk->p_power, ni},
        {&mk->fixed, ni},
        {&mk->y, nx},
        {&ws->f, nx},
        {&ws->best, nx},
        {&mk->a, cells},
        {&mk->c, cells},
        {&mk->e, cells},
        {&mk->oms, cells},
        {&ws->jac, nx * nx},
        {&c->g, nk},
        {&c->total, nk},
        {&c->lx, ns},
        {&c->lm, ns},
        {&c->r, ns},
        {&c->sub, ns},
        {&c->border, ns},
        {&c->m, ns},
        {&c->eta, ns},
        {&c->d_lx, ns},
        {&c->d_lm, ns},
        {&c->d_r, ns},
        {&c->a0, ns},
        {&c->c0, ns},
        {&c->power, ns},
        {&c->volume, ns},
        {&ws->aa_scratch, tw_anderson_doubles(nx, TW_PE_MEMORY)},
    };
    size_t count = 0, ndoubles = sizeof doubles / sizeof doubles[0];
    for (size_t k = 0; k < ndoubles; k++) {
        count += doubles[k].length;
    }
    ws->block = tw_alloc(count + 8, sizeof *ws->block);
    ws->sizes = tw_alloc(2 * ni + 3 * nf + 2 * nn + 3 * ns + 8, sizeof *ws->sizes);
    ws->ints = tw_alloc(2 * nf + 4 * ni + 2 * nk + 8, sizeof *ws->ints);
    if (ws->block == NULL || ws->sizes == NULL || ws->ints == NULL) {
        tw_pe_ws_free(ws);
        return TW_ENOMEM;
    }
    double *at = ws->block;
    for (size_t k = 0; k < ndoubles; k++) {
        *doubles[k].to = at;
        at += doubles[k].length;
    }
    mk->off = ws->sizes;
    mk->list = mk->off + ni;
    mk->changed = mk->list + ni;
    ws->col_flow = mk->changed + nf;
    ws->col_row = ws->col_flow + nf;
    ws->col_ptr = ws->col_row + nf;
    mk->bucket = ws->col_ptr + nn;
    c->flow = mk->bucket + nn;
    c->row = c->flow + ns;
    c->cell = c->row + ns;
    mk->pcol = ws->ints;
    c->place = mk->pcol + nf + 4 * ni;
    c->at_bound = c->place + nf;
    c->same = c->at_bound + nk;
    return TW_OK;
}

static const double *
shift(const double *x, size_t by)
{
    return x == NULL ? NULL : x + by;
}

/* Point the work space at market m. */
void
tw_pe_view(tw_pe_ws *ws, const tw_pe_problem *pb, const tw_pe_result *res, size_t m)
{
    tw_market *mk = &ws->mk;
    tw_control *c = &ws->ctl;
    size_t e = (size_t)pb->exp_ptr[m], n = (size_t)pb->imp_ptr[m];
    mk->ni = (size_t)(pb->exp_ptr[m + 1] - pb->exp_ptr[m]);
    mk->nn = (size_t)(pb->imp_ptr[m + 1] - pb->imp_ptr[m]);
    mk->nn8 = round8(mk->nn);
    mk->row = pb->row_ptr + e;
    mk->first = (size_t)mk->row[0];
    mk->nf = (size_t)mk->row[mk->ni] - mk->first;
    size_t f = mk->first;
    mk->col = pb->col + f;
    mk->value = pb->value + f;
    mk->t0 = pb->t0 + f;
    mk->t1 = pb->t1 + f;
    mk->x0 = shift(pb->x0, f);
    mk->x1 = shift(pb->x1, f);
    mk->cost = shift(pb->cost, f);
    mk->weight = shift(pb->weight, f);
    mk->lx = shift(pb->lx, f);
    mk->lm = shift(pb->lm, f);
    mk->floor = shift(pb->floor, f);
    mk->sigma = pb->sigma + n;
    mk->eps = pb->eps + n;
    mk->sigma_home = shift(pb->sigma_home, n);
    mk->home = pb->home == NULL ? NULL : pb->home + n;
    mk->mu = pb->mu + e;
    mk->q = res->q + f;
    mk->lnp = res->p + e;
    mk->lnP = res->P + n;
    c->n = 0;
    c->x = mk->y + round8(mk->ni);
    if (pb->controls.ptr != NULL) {
        size_t k = (size_t)pb->controls.ptr[m];
        c->n = (size_t)pb->controls.ptr[m + 1] - k;
        c->kind = pb->controls.kind + k;
        c->limit = pb->controls.limit + k;
        c->upper = pb->controls.upper + k;
        c->member_ptr = pb->controls.member_ptr + k;
        c->member = pb->controls.member;
    }
}
