/* py_pe.c - partial equilibrium, and the vector functions for tests. */
#include "tw_python.h"

static int
parse_layout(PyObject *layout, tw_pe_problem *pb, npy_intp *nflow, npy_intp *nexp,
             npy_intp *nimp)
{
    PyObject *exp_ptr, *row_ptr, *imp_ptr, *col;
    npy_intp m[1] = {-1}, r[1] = {-1}, f[1] = {-1};
    if (!PyArg_ParseTuple(layout, "OOOO:layout", &exp_ptr, &row_ptr, &imp_ptr, &col) ||
        (pb->exp_ptr = py_i64(exp_ptr, "exp_ptr", 1, m)) == NULL ||
        (pb->imp_ptr = py_i64(imp_ptr, "imp_ptr", 1, m)) == NULL ||
        (pb->row_ptr = py_i64(row_ptr, "row_ptr", 1, r)) == NULL ||
        (pb->col = py_i32(col, "col", 1, f)) == NULL) {
        return 0;
    }
    if (m[0] < 1 || r[0] < 1) {
        PyErr_SetString(PyExc_ValueError, "offsets need at least one entry");
        return 0;
    }
    *nflow = f[0];
    *nexp = r[0] - 1;
    *nimp = pb->imp_ptr[m[0] - 1];
    pb->nmarket = (size_t)m[0] - 1;
    if (!py_offsets(pb->exp_ptr, m[0], *nexp, "exp_ptr") ||
        !py_offsets(pb->row_ptr, r[0], *nflow, "row_ptr") ||
        !py_offsets(pb->imp_ptr, m[0], *nimp, "imp_ptr")) {
        return 0;
    }
    for (size_t k = 0; k < pb->nmarket; k++) {
        unsigned nn = (unsigned)(pb->imp_ptr[k + 1] - pb->imp_ptr[k]), bad = 0;
        for (ptrdiff_t j = pb->row_ptr[pb->exp_ptr[k]];
             j < pb->row_ptr[pb->exp_ptr[k + 1]]; j++) {
            bad |= (unsigned)pb->col[j] >= nn; /* a negative one is large */
        }
        if (bad) {
            PyErr_Format(PyExc_ValueError,
                         "col of market %zd lies outside its importers", (Py_ssize_t)k);
            return 0;
        }
    }
    return 1;
}

static int
parse_flow_arrays(PyObject *flows, tw_pe_problem *pb, npy_intp nflow)
{
    PyObject *value, *t0, *t1, *x0, *x1, *cost, *weight, *lx, *lm;
    npy_intp f[1] = {nflow};
    if (!PyArg_ParseTuple(flows, "OOOOOOOOO:flows", &value, &t0, &t1, &x0, &x1, &cost,
                          &weight, &lx, &lm) ||
        (pb->value = py_f64(value, "value", 1, f)) == NULL ||
        (pb->t0 = py_f64(t0, "t0", 1, f)) == NULL ||
        (pb->t1 = py_f64(t1, "t1", 1, f)) == NULL ||
        !py_optional_f64(x0, "x0", nflow, &pb->x0) ||
        !py_optional_f64(x1, "x1", nflow, &pb->x1) ||
        !py_optional_f64(cost, "cost", nflow, &pb->cost) ||
        !py_optional_f64(weight, "weight", nflow, &pb->weight) ||
        !py_optional_f64(lx, "lx", nflow, &pb->lx) ||
        !py_optional_f64(lm, "lm", nflow, &pb->lm)) {
        return 0;
    }
    if ((pb->x0 == NULL) != (pb->x1 == NULL)) {
        PyErr_SetString(PyExc_ValueError, "x0 and x1 come together");
        return 0;
    }
    return 1;
}

static int
parse_elasticities(PyObject *args, tw_pe_problem *pb, npy_intp nexp, npy_intp nimp)
{
    PyObject *sigma, *eps, *sigma_home, *home, *mu;
    npy_intp n[1] = {nimp}, e[1] = {nexp};
    if (!PyArg_ParseTuple(args, "OOOOO:elasticities", &sigma, &eps, &sigma_home, &home,
                          &mu) ||
        (pb->sigma = py_f64(sigma, "sigma", 1, n)) == NULL ||
        (pb->eps = py_f64(eps, "eps", 1, n)) == NULL ||
        !py_optional_f64(sigma_home, "sigma_home", nimp, &pb->sigma_home) ||
        (home != Py_None && (pb->home = py_i64(home, "home", 1, n)) == NULL) ||
        (pb->mu = py_f64(mu, "mu", 1, e)) == NULL) {
        return 0;
    }
    if ((pb->sigma_home == NULL) != (pb->home == NULL)) {
        PyErr_SetString(PyExc_ValueError, "sigma_home and home come together");
        return 0;
    }
    for (size_t m = 0; pb->home != NULL && m < pb->nmarket; m++) {
        ptrdiff_t f0 = pb->row_ptr[pb->exp_ptr[m]],
                  f1 = pb->row_ptr[pb->exp_ptr[m + 1]];
        for (ptrdiff_t k = pb->imp_ptr[m]; k < pb->imp_ptr[m + 1]; k++) {
            ptrdiff_t h = pb->home[k];
            if (h >= 0 && (h < f0 || h >= f1 || pb->col[h] != k - pb->imp_ptr[m])) {
                PyErr_Format(PyExc_ValueError,
                             "home[%zd] is not a flow of its importer", (Py_ssize_t)k);
                return 0;
            }
        }
    }
    return 1;
}

/* controls: None, or (floor, ptr, kind, limit, upper, member_ptr, member), floor per flow or
 * None.  Members are flows of the control's market, each at most once. */
static int
parse_controls(PyObject *controls, tw_pe_problem *pb, npy_intp nflow,
               npy_intp *ncontrol)
{
    PyObject *floor, *ptr, *kind, *limit, *upper, *member_ptr, *member;
    npy_intp m[1] = {(npy_intp)pb->nmarket + 1}, k[1] = {-1}, j[1] = {-1}, end[1];
    tw_pe_controls *c = &pb->controls;
    *ncontrol = 0;
    if (controls == Py_None) {
        return 1;
    }
    if (!PyTuple_Check(controls)) {
        PyErr_SetString(PyExc_TypeError, "controls must be a tuple or None");
        return 0;
    }
    if (!PyArg_ParseTuple(controls, "OOOOOOO:controls", &floor, &ptr, &kind, &limit,
                          &upper, &member_ptr, &member) ||
        !py_optional_f64(floor, "floor", nflow, &pb->floor) ||
        (c->ptr = py_i64(ptr, "ptr", 1, m)) == NULL ||
        (c->kind = py_i32(kind, "kind", 1, k)) == NULL ||
        (c->limit = py_f64(limit, "limit", 1, k)) == NULL ||
        (c->upper = py_f64(upper, "upper", 1, k)) == NULL) {
        return 0;
    }
    end[0] = k[0] + 1;
    if ((c->member_ptr = py_i64(member_ptr, "member_ptr", 1, end)) == NULL ||
        (c->member = py_i64(member, "member", 1, j)) == NULL ||
        !py_offsets(c->ptr, m[0], k[0], "ptr") ||
        !py_offsets(c->member_ptr, end[0], j[0], "member_ptr")) {
        return 0;
    }
    for (size_t market = 0; market < pb->nmarket; market++) {
        ptrdiff_t f0 = pb->row_ptr[pb->exp_ptr[market]];
        ptrdiff_t f1 = pb->row_ptr[pb->exp_ptr[market + 1]];
        for (ptrdiff_t n = c->ptr[market]; n < c->ptr[market + 1]; n++) {
            ptrdiff_t last = -1;
            for (ptrdiff_t a = c->member_ptr[n]; a < c->member_ptr[n + 1]; a++) {
                if (c->member[a] < f0 || c->member[a] >= f1 || c->member[a] <= last) {
                    PyErr_Format(
                        PyExc_ValueError,
                        "member[%zd] is not a flow of its market, in rising order",
                        (Py_ssize_t)a);
                    return 0;
                }
                last = c->member[a];
            }
        }
    }
    *ncontrol = k[0];
    return 1;
}

/* The output arrays, made first and filled by the core. */
static PyObject *
new_outputs(tw_pe_result *res, const npy_intp size[8])
{
    const int type[8] = {NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_INT,
                         NPY_INT,    NPY_INT,    NPY_DOUBLE, NPY_DOUBLE};
    void *data[8];
    PyObject *ret = PyTuple_New(8);
    for (int k = 0; ret != NULL && k < 8; k++) {
        PyObject *array = PyArray_SimpleNew(1, (npy_intp *)&size[k], type[k]);
        if (array == NULL) {
            Py_CLEAR(ret);
            break;
        }
        data[k] = PyArray_DATA((PyArrayObject *)array);
        PyTuple_SetItem(ret, k, array); /* steals the reference */
    }
    if (ret != NULL) {
        *res = (tw_pe_result){.p = data[0],
                              .P = data[1],
                              .q = data[2],
                              .status = data[3],
                              .cause = data[4],
                              .iterations = data[5],
                              .residual = data[6],
                              .shadow = data[7]};
    }
    return ret;
}

PyObject * /* defaults, names and conversions live in tradewar/pe.py, not here */
py_pe_solve(PyObject *mod, PyObject *args)
{
    PyObject *layout, *flows, *elasticities, *progress, *controls;
    int method, form;
    py_poll poll = {0};
    tw_pe_problem pb = {0};
    tw_options opt = {.poll = py_poll_signals, .poll_ctx = &poll};
    npy_intp nflow, nexp, nimp, ncontrol;
    if (!PyArg_ParseTuple(args, "O!O!O!iiidiiiOO:pe_solve", &PyTuple_Type, &layout,
                          &PyTuple_Type, &flows, &PyTuple_Type, &elasticities, &method,
                          &pb.steps, &form, &opt.tol, &opt.max_iter, &opt.threads,
                          &opt.level, &progress, &controls) ||
        !parse_layout(layout, &pb, &nflow, &nexp, &nimp) ||
        !parse_flow_arrays(flows, &pb, nflow) ||
        !parse_elasticities(elasticities, &pb, nexp, nimp) ||
        !parse_controls(controls, &pb, nflow, &ncontrol)) {
        return NULL;
    }
    if (method < TW_PE_EXACT || method > TW_PE_SMART || form < TW_SMART_DERIVATIVE ||
        form > TW_SMART_LAIRD_YEATS) {
        return PyErr_Format(PyExc_ValueError, "unknown method %d or form %d", method,
                            form);
    }
    poll.progress = progress == Py_None ? NULL : progress;
    pb.method = (tw_pe_method)method;
    pb.form = (tw_smart_form)form;
    tw_pe_result res;
    tw_info info = {.where = -1};
    npy_intp nm = (npy_intp)pb.nmarket;
    PyObject *ret =
        new_outputs(&res, (npy_intp[8]){nexp, nimp, nflow, nm, nm, nm, nm, ncontrol});
    if (ret == NULL) {
        return NULL;
    }

    poll.ts = PyEval_SaveThread(); /* no Python object is touched from here ... */
    tw_status rc = tw_pe_solve(&pb, &opt, &res, &info);
    PyEval_RestoreThread(poll.ts); /* ... to here, except inside the poll */

    if (rc != TW_OK) {
        Py_DECREF(ret);
        return py_raise_status(mod, rc, &info);
    }
    return ret;
}

PyObject *
py_pe_cause(PyObject *mod, PyObject *args)
{
    int cause;
    (void)mod;
    if (!PyArg_ParseTuple(args, "i:pe_cause", &cause)) {
        return NULL;
    }
    return PyUnicode_FromString(tw_pe_cause_text(cause));
}

static PyObject *
vector_function(PyObject *args, const char *format,
                tw_status (*fn)(int, size_t, const double *, double *))
{
    PyObject *x;
    int level;
    npy_intp n[1] = {-1};
    const double *in;
    if (!PyArg_ParseTuple(args, format, &level, &x) ||
        (in = py_f64(x, "x", 1, n)) == NULL) {
        return NULL;
    }
    PyObject *y = PyArray_SimpleNew(1, n, NPY_DOUBLE);
    if (y == NULL) {
        return NULL;
    }
    if (fn(level, (size_t)n[0], in, PyArray_DATA((PyArrayObject *)y)) != TW_OK) {
        Py_DECREF(y);
        return PyErr_Format(PyExc_ValueError, "no code path %d on this machine", level);
    }
    return y;
}

PyObject *
py_vexp(PyObject *mod, PyObject *args)
{
    (void)mod;
    return vector_function(args, "iO:vexp", tw_exp);
}

PyObject *
py_vlog(PyObject *mod, PyObject *args)
{
    (void)mod;
    return vector_function(args, "iO:vlog", tw_log);
}
