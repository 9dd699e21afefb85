/* py_ge_gradient.c - gradients of objectives at solutions of general equilibrium. */
#include "py_ge.h"

static int
parse_seeds(PyObject *seeds, const tw_ge_world *w, tw_ge_objective *obj)
{
    PyObject *income, *price, *wage, *labour, *output, *revenue;
    npy_intp nj[3] = {-1, (npy_intp)w->N, (npy_intp)w->J};
    if (!PyArg_ParseTuple(seeds, "OOOOOO:seeds", &income, &price, &wage, &labour,
                          &output, &revenue) ||
        !py_ge_optional(income, "income", 2, nj, &obj->income) ||
        !py_ge_optional(price, "price", 2, nj, &obj->price) ||
        !py_ge_optional(wage, "wage", 2, nj, &obj->wage) ||
        !py_ge_optional(labour, "labour", 2, nj, &obj->labour) ||
        !py_ge_optional(output, "output", 3, nj, &obj->output) ||
        !py_ge_optional(revenue, "revenue", 2, nj, &obj->revenue)) {
        return 0;
    }
    if (nj[0] < 0) {
        PyErr_SetString(PyExc_ValueError, "seeds: all six are None");
        return 0;
    }
    obj->nseed = (size_t)nj[0];
    return 1;
}

/* tariff, export_tax, cost: whether to fill these arrays (else their places hold None). */
PyObject *
py_ge_gradient(PyObject *mod, PyObject *args)
{
    PyObject *o[6], *solution, *seeds;
    int with[3];
    py_poll poll = {0};
    tw_ge_world world = {0};
    tw_ge_options closure = {0};
    tw_ge_scenarios sc = {0};
    tw_ge_point point = {0};
    tw_ge_objective objective = {0};
    tw_options opt = {.poll = py_poll_signals, .poll_ctx = &poll};
    tw_info info = {.where = -1};
    npy_intp nlimit;
    if (!PyArg_ParseTuple(args, "OO!OOOOOO!iiidiii:ge_gradient", &o[0], &PyTuple_Type,
                          &o[1], &o[2], &o[3], &o[4], &o[5], &solution, &PyTuple_Type,
                          &seeds, &with[0], &with[1], &with[2], &opt.tol, &opt.max_iter,
                          &opt.threads, &opt.level) ||
        !py_ge_batch(o, &world, &closure, &sc, &nlimit) ||
        !py_ge_point(solution, &world, sc.nscenario, nlimit, &point) ||
        !parse_seeds(seeds, &world, &objective)) {
        return NULL;
    }
    npy_intp S = (npy_intp)sc.nscenario, N = (npy_intp)world.N, J = (npy_intp)world.J;
    npy_intp K = (npy_intp)objective.nseed;
    py_shape shapes[11];
    for (int k = 0; k < 3; k++) {
        shapes[k] = (py_shape){5, {with[k] ? S : 0, K, N, N, J}, NPY_DOUBLE};
    }
    const int types[7] = {NPY_INT,  NPY_INT, NPY_DOUBLE, NPY_DOUBLE,
                          NPY_INTP, NPY_INT, NPY_DOUBLE};
    shapes[3] = (py_shape){2, {K, nlimit}, NPY_DOUBLE};
    for (int k = 4; k < 11; k++) {
        shapes[k] = (py_shape){2, {S, K}, types[k - 4]};
    }
    void *d[11];
    PyObject *ret = py_ge_outputs(11, shapes, d);
    if (ret == NULL) {
        return NULL;
    }
    tw_ge_gradients out = {.tariff = with[0] ? d[0] : NULL,
                           .export_tax = with[1] ? d[1] : NULL,
                           .cost = with[2] ? d[2] : NULL,
                           .limit = d[3],
                           .status = d[4],
                           .products = d[5],
                           .left = d[6],
                           .residual = d[7],
                           .where = d[8],
                           .what = d[9],
                           .error = d[10]};

    poll.ts = PyEval_SaveThread();
    tw_status rc =
        tw_ge_gradient(&world, &closure, &sc, &point, &objective, &opt, &out, &info);
    PyEval_RestoreThread(poll.ts);

    if (rc != TW_OK) {
        Py_DECREF(ret);
        return py_raise_status(mod, rc, &info);
    }
    for (int k = 0; k < 3; k++) {
        if (!with[k]) {
            Py_INCREF(Py_None);
            PyTuple_SetItem(ret, k, Py_None); /* drops the empty array */
        }
    }
    return ret;
}
