/* py_ge.c - general equilibrium: batches of scenarios, and levels at their solutions. */
#include "py_ge.h"

int
py_ge_optional(PyObject *o, const char *name, int nd, npy_intp *dims,
               const double **out)
{
    *out = NULL;
    return o == Py_None || (*out = py_f64(o, name, nd, dims)) != NULL;
}

static int
parse_arrays(PyObject *world, tw_ge_world *w)
{
    PyObject *trade, *tariff, *export_tax, *theta, *value_added, *input_use, *rents,
        *scale, *final_share, *deficit;
    npy_intp nn[3] = {-1, -1, -1};
    if (!PyArg_ParseTuple(world, "OOOOOOOOOO:world", &trade, &tariff, &export_tax,
                          &theta, &value_added, &input_use, &rents, &scale,
                          &final_share, &deficit) ||
        (w->trade = py_f64(trade, "trade", 3, nn)) == NULL) {
        return 0;
    }
    npy_intp j[1] = {nn[2]}, n[1] = {nn[0]}, nj[2] = {nn[0], nn[2]};
    npy_intp njj[3] = {nn[0], nn[2], nn[2]};
    nn[1] = nn[0];
    w->N = (size_t)nn[0];
    w->J = (size_t)nn[2];
    return py_f64(trade, "trade", 3, nn) != NULL && /* square */
           (w->tariff = py_f64(tariff, "tariff", 3, nn)) != NULL &&
           py_ge_optional(export_tax, "export_tax", 3, nn, &w->export_tax) &&
           (w->theta = py_f64(theta, "theta", 1, j)) != NULL &&
           (w->value_added = py_f64(value_added, "value_added", 2, nj)) != NULL &&
           py_ge_optional(input_use, "input_use", 3, njj, &w->input_use) &&
           py_ge_optional(rents, "rents", 1, j, &w->rents) &&
           py_ge_optional(scale, "scale", 1, j, &w->scale) &&
           (w->final_share = py_f64(final_share, "final_share", 2, nj)) != NULL &&
           (w->deficit = py_f64(deficit, "deficit", 1, n)) != NULL;
}

/* ---- a world that is kept ----------------------------------------------------------- */

static const char PACKED[] = "tradewar.packed_world";

typedef struct {
    tw_ge_world world; /* borrows from `arrays` */
    tw_ge_packed *packed;
    PyObject *arrays;
} kept_world;

static void
forget_world(PyObject *capsule)
{
    kept_world *kept = PyCapsule_GetPointer(capsule, PACKED);
    if (kept != NULL) {
        tw_ge_packed_free(kept->packed);
        Py_DECREF(kept->arrays);
        PyMem_Free(kept);
    }
}

PyObject *
py_ge_pack(PyObject *mod, PyObject *args)
{
    PyObject *arrays;
    tw_ge_world world = {0};
    tw_ge_packed *packed = NULL;
    tw_info info = {.where = -1};
    if (!PyArg_ParseTuple(args, "O!:ge_pack", &PyTuple_Type, &arrays) ||
        !parse_arrays(arrays, &world)) {
        return NULL;
    }
    tw_status rc;
    Py_BEGIN_ALLOW_THREADS rc = tw_ge_pack(&world, &packed, &info);
    Py_END_ALLOW_THREADS if (rc != TW_OK)
    {
        return py_raise_status(mod, rc, &info);
    }
    kept_world *kept = PyMem_Malloc(sizeof *kept);
    PyObject *capsule = NULL;
    if (kept != NULL) {
        *kept = (kept_world){.world = world, .packed = packed, .arrays = arrays};
        kept->world.packed = packed;
        capsule = PyCapsule_New(kept, PACKED, forget_world);
    }
    if (capsule == NULL) {
        tw_ge_packed_free(packed);
        PyMem_Free(kept);
        return kept == NULL ? PyErr_NoMemory() : NULL;
    }
    Py_INCREF(arrays);
    return capsule;
}

/* The arrays of a world, or what ge_pack made of them. */
static int
parse_world(PyObject *world, tw_ge_world *w)
{
    if (PyCapsule_IsValid(world, PACKED)) {
        *w = ((kept_world *)PyCapsule_GetPointer(world, PACKED))->world;
        return 1;
    }
    if (!PyTuple_Check(world)) {
        PyErr_SetString(PyExc_TypeError, "world must be a tuple or come from ge_pack");
        return 0;
    }
    return parse_arrays(world, w);
}

/* ---- arguments ------------------------------------------------------------------------ */

static int
parse_closure(PyObject *closure, tw_ge_options *c)
{
    return PyArg_ParseTuple(closure, "ddddii:closure", &c->labour_supply,
                            &c->va_substitution, &c->input_substitution,
                            &c->final_substitution, &c->deficits, &c->revenue);
}

static int
is_tuple(PyObject *o, const char *name)
{
    if (!PyTuple_Check(o)) {
        PyErr_Format(PyExc_TypeError, "%s must be a tuple or None", name);
        return 0;
    }
    return 1;
}

/* S: the number of scenarios, -1 while nobody told it. */
static int
parse_changes(PyObject *changes, tw_ge_scenarios *sc, npy_intp *S)
{
    PyObject *ptr, *flow, *tariff, *export_tax, *cost, *weight;
    npy_intp s[1] = {-1}, c[1] = {-1};
    if (changes == Py_None) {
        return 1;
    }
    if (!is_tuple(changes, "changes") ||
        !PyArg_ParseTuple(changes, "OOOOOO:changes", &ptr, &flow, &tariff, &export_tax,
                          &cost, &weight) ||
        (sc->ptr = py_i64(ptr, "ptr", 1, s)) == NULL ||
        (sc->flow = py_i64(flow, "flow", 1, c)) == NULL ||
        !py_offsets(sc->ptr, s[0], c[0], "ptr") ||
        (sc->tariff = py_f64(tariff, "tariff", 1, c)) == NULL ||
        (sc->export_tax = py_f64(export_tax, "export_tax", 1, c)) == NULL ||
        (sc->cost = py_f64(cost, "cost", 1, c)) == NULL ||
        (sc->weight = py_f64(weight, "weight", 1, c)) == NULL) {
        return 0;
    }
    *S = s[0] - 1;
    return 1;
}

static int
parse_limits(PyObject *limits, tw_ge_limits *l, npy_intp *S, npy_intp *nlimit)
{
    PyObject *ptr, *kind, *holder, *bound, *upper, *member_ptr, *member;
    npy_intp s[1] = {*S < 0 ? -1 : *S + 1}, k[1] = {-1}, m[1] = {-1}, end[1];
    *nlimit = 0;
    if (limits == Py_None) {
        return 1;
    }
    if (!is_tuple(limits, "limits") ||
        !PyArg_ParseTuple(limits, "OOOOOOO:limits", &ptr, &kind, &holder, &bound,
                          &upper, &member_ptr, &member) ||
        (l->ptr = py_i64(ptr, "limit ptr", 1, s)) == NULL ||
        (l->kind = py_i32(kind, "kind", 1, k)) == NULL ||
        (l->holder = py_i32(holder, "holder", 1, k)) == NULL ||
        (l->bound = py_f64(bound, "bound", 1, k)) == NULL ||
        (l->upper = py_f64(upper, "upper", 1, k)) == NULL) {
        return 0;
    }
    end[0] = k[0] + 1;
    if ((l->member_ptr = py_i64(member_ptr, "member_ptr", 1, end)) == NULL ||
        (l->member = py_i64(member, "member", 1, m)) == NULL ||
        !py_offsets(l->ptr, s[0], k[0], "limit ptr") ||
        !py_offsets(l->member_ptr, end[0], m[0], "member_ptr")) {
        return 0;
    }
    *S = s[0] - 1;
    *nlimit = k[0];
    return 1;
}

int
py_ge_batch(PyObject *const o[6], tw_ge_world *w, tw_ge_options *c, tw_ge_scenarios *sc,
            npy_intp *nlimit)
{
    npy_intp S = -1;
    if (!parse_world(o[0], w) || !parse_closure(o[1], c) ||
        !parse_changes(o[2], sc, &S)) {
        return 0;
    }
    npy_intp nj[3] = {S, (npy_intp)w->N, (npy_intp)w->J};
    if (!py_ge_optional(o[3], "productivity", 3, nj, &sc->productivity)) {
        return 0;
    }
    if (!py_ge_optional(o[4], "deficit of the scenarios", 2, nj, &sc->deficit) ||
        !parse_limits(o[5], &sc->limits, nj, nlimit)) {
        return 0;
    }
    sc->nscenario = nj[0] < 0 ? 1 : (size_t)nj[0];
    return 1;
}

int
py_ge_point(PyObject *point, const tw_ge_world *w, size_t S, npy_intp nlimit,
            tw_ge_point *p)
{
    PyObject *ln_w, *ln_P, *ln_X, *ln_S, *multiplier;
    npy_intp n[2] = {-1, (npy_intp)w->N};
    if (!is_tuple(point, "point") ||
        !PyArg_ParseTuple(point, "OOOOO:point", &ln_w, &ln_P, &ln_X, &ln_S,
                          &multiplier) ||
        (p->ln_w = py_f64(ln_w, "ln_w", 2, n)) == NULL) {
        return 0;
    }
    if (n[0] != 1 && n[0] != (npy_intp)S) {
        PyErr_Format(PyExc_ValueError, "ln_w: axis 0 has length %zd, expected 1 or %zd",
                     (Py_ssize_t)n[0], (Py_ssize_t)S);
        return 0;
    }
    npy_intp nj[3] = {n[0], n[1], (npy_intp)w->J};
    p->count = (size_t)n[0];
    return (p->ln_P = py_f64(ln_P, "ln_P", 3, nj)) != NULL &&
           (p->ln_X = py_f64(ln_X, "ln_X", 3, nj)) != NULL &&
           py_ge_optional(ln_S, "ln_S", 3, nj, &p->ln_S) &&
           py_optional_f64(multiplier, "multiplier", nlimit, &p->multiplier);
}

PyObject *
py_ge_outputs(int count, const py_shape *shapes, void **data)
{
    PyObject *ret = PyTuple_New(count);
    for (int k = 0; ret != NULL && k < count; k++) {
        PyObject *array =
            PyArray_ZEROS(shapes[k].nd, (npy_intp *)shapes[k].dims, shapes[k].type, 0);
        if (array == NULL) {
            Py_CLEAR(ret);
            break;
        }
        data[k] = PyArray_DATA((PyArrayObject *)array);
        PyTuple_SetItem(ret, k, array); /* steals the reference */
    }
    return ret;
}

PyObject * /* defaults, names and conversions live in tradewar/ge.py, not here */
py_ge_solve(PyObject *mod, PyObject *args)
{
    PyObject *o[6], *start, *progress;
    py_poll poll = {0};
    tw_ge_world world = {0};
    tw_ge_options closure = {0};
    tw_ge_scenarios sc = {0};
    tw_ge_point point = {0};
    tw_options opt = {.poll = py_poll_signals, .poll_ctx = &poll};
    tw_info info = {.where = -1};
    npy_intp nlimit;
    if (!PyArg_ParseTuple(args, "OO!OOOOOdiiiO:ge_solve", &o[0], &PyTuple_Type, &o[1],
                          &o[2], &o[3], &o[4], &o[5], &start, &opt.tol, &opt.max_iter,
                          &opt.threads, &opt.level, &progress) ||
        !py_ge_batch(o, &world, &closure, &sc, &nlimit) ||
        (start != Py_None &&
         !py_ge_point(start, &world, sc.nscenario, nlimit, &point))) {
        return NULL;
    }
    poll.progress = progress == Py_None ? NULL : progress;
    npy_intp S = (npy_intp)sc.nscenario, N = (npy_intp)world.N, J = (npy_intp)world.J;
    const py_shape by_country = {2, {S, N}, NPY_DOUBLE};
    const py_shape by_sector = {3, {S, N, J}, NPY_DOUBLE};
    const py_shape ints = {1, {S}, NPY_INT};
    const py_shape shapes[12] = {
        by_country,         by_sector,  by_sector, by_sector, {1, {nlimit}, NPY_DOUBLE},
        by_country,         by_country, ints,      ints,      {1, {S}, NPY_DOUBLE},
        {1, {S}, NPY_INTP}, ints};
    void *d[12];
    PyObject *ret = py_ge_outputs(12, shapes, d);
    if (ret == NULL) {
        return NULL;
    }
    tw_ge_result res = {.ln_w = d[0],
                        .ln_P = d[1],
                        .ln_X = d[2],
                        .ln_S = d[3],
                        .multiplier = d[4],
                        .labour = d[5],
                        .subsidy = d[6],
                        .status = d[7],
                        .iterations = d[8],
                        .residual = d[9],
                        .where = d[10],
                        .what = d[11]};

    poll.ts = PyEval_SaveThread(); /* no Python object is touched from here ... */
    tw_status rc = tw_ge_solve(&world, &closure, &sc, start == Py_None ? NULL : &point,
                               &opt, &res, &info);
    PyEval_RestoreThread(poll.ts); /* ... to here, except inside the poll */

    if (rc != TW_OK) {
        Py_DECREF(ret);
        return py_raise_status(mod, rc, &info);
    }
    return ret;
}

/* trade: whether to fill the array of flows (else its place holds None). */
PyObject *
py_ge_evaluate(PyObject *mod, PyObject *args)
{
    PyObject *o[6], *solution;
    int with_trade;
    py_poll poll = {0};
    tw_ge_world world = {0};
    tw_ge_options closure = {0};
    tw_ge_scenarios sc = {0};
    tw_ge_point point = {0};
    tw_options opt = {
        .poll = py_poll_signals, .poll_ctx = &poll, .tol = 1.0, .max_iter = 1};
    tw_info info = {.where = -1};
    npy_intp nlimit;
    if (!PyArg_ParseTuple(args, "OO!OOOOOiii:ge_evaluate", &o[0], &PyTuple_Type, &o[1],
                          &o[2], &o[3], &o[4], &o[5], &solution, &with_trade,
                          &opt.threads, &opt.level) ||
        !py_ge_batch(o, &world, &closure, &sc, &nlimit) ||
        !py_ge_point(solution, &world, sc.nscenario, nlimit, &point)) {
        return NULL;
    }
    npy_intp S = (npy_intp)sc.nscenario, N = (npy_intp)world.N, J = (npy_intp)world.J;
    const py_shape by_country = {2, {S, N}, NPY_DOUBLE};
    const py_shape by_sector = {3, {S, N, J}, NPY_DOUBLE};
    const py_shape flows = {4, {with_trade ? S : 0, N, N, J}, NPY_DOUBLE};
    const py_shape shapes[8] = {by_sector,  flows,      by_sector,  by_country,
                                by_country, by_country, by_country, by_country};
    void *d[8];
    PyObject *ret = py_ge_outputs(8, shapes, d);
    if (ret == NULL) {
        return NULL;
    }
    tw_ge_levels levels = {.cost = d[0],
                           .trade = with_trade ? d[1] : NULL,
                           .output = d[2],
                           .income = d[3],
                           .tariff_revenue = d[4],
                           .export_revenue = d[5],
                           .price_index = d[6],
                           .deficit = d[7]};

    poll.ts = PyEval_SaveThread();
    tw_status rc = tw_ge_evaluate(&world, &closure, &sc, &point, &opt, &levels, &info);
    PyEval_RestoreThread(poll.ts);

    if (rc == TW_OK && !with_trade) {
        Py_INCREF(Py_None);
        PyTuple_SetItem(ret, 1, Py_None); /* drops the empty array */
    }
    if (rc != TW_OK) {
        Py_DECREF(ret);
        return py_raise_status(mod, rc, &info);
    }
    return ret;
}

PyObject *
py_ge_cause(PyObject *mod, PyObject *args)
{
    int cause;
    (void)mod;
    if (!PyArg_ParseTuple(args, "i:ge_cause", &cause)) {
        return NULL;
    }
    return PyUnicode_FromString(tw_ge_cause_text(cause));
}
