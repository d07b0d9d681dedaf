#define Py_BUILD_CORE 1
#include "interpreter.h"

#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_runtime.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exported by the interpreter, declared in internal headers that C compilers other than the
 * interpreter's complain about. */
PyAPI_FUNC(int) _Py_HandleSystemExit(int* exitcode);
PyAPI_FUNC(void) _PyErr_WriteUnraisableMsg(const char* message, PyObject* object);
PyAPI_FUNC(void) _PyModule_Clear(PyObject* module);

static const PyObject** zygote_modules; /* in the order of their addresses; never freed */
static size_t zygote_module_count;

/* Needed at the end, when imports do not work any more; owned for good. */
static PyObject *gc_module, *io_module, *atexit_module;

int podium_interpreter_suits(void) { return (Py_Version >> 16) == (PY_VERSION_HEX >> 16); }

static int call_method(PyObject* object, const char* name) {
  PyObject* result = PyObject_CallMethod(object, name, NULL);
  Py_XDECREF(result);
  return result != NULL ? 0 : -1;
}

int podium_fresh_thread_state(void) {
  PyThreadState* former = PyThreadState_Get();
  PyThreadState* fresh = PyThreadState_New(PyThreadState_GetInterpreter(former));
  if (fresh == NULL) return -1;
  PyThreadState_Swap(fresh);
  PyThreadState_Clear(former);
  former->datastack_chunk = NULL; /* its frames are kept: objects may still point there */
  PyThreadState_Delete(former);
  if (PyThread_tss_set(&_PyRuntime.gilstate.autoTSSkey, fresh) != 0) return -1;
  /* The main thread's lock was released with the old state; threading waits for it at the end. */
  PyObject* threading = PyImport_GetModule(PyUnicode_InternFromString("threading"));
  if (threading == NULL) return PyErr_Occurred() ? -1 : 0;
  PyObject* thread = PyObject_CallMethod(threading, "main_thread", NULL);
  Py_DECREF(threading);
  if (thread == NULL) return -1;
  const int status =
      call_method(thread, "_set_tstate_lock") == 0 && call_method(thread, "_set_native_id") == 0
          ? 0
          : -1;
  Py_DECREF(thread);
  return status;
}

static PyObject* source_loader(const char* filename) {
  PyObject* module = PyImport_ImportModule("_frozen_importlib_external");
  if (module == NULL) return NULL;
  PyObject* loader = PyObject_CallMethod(module, "SourceFileLoader", "ss", "__main__", filename);
  Py_DECREF(module);
  return loader;
}

int podium_fresh_main(const char* filename) {
  PyObject* module = PyModule_New("__main__");
  PyObject* loader = source_loader(filename);
  PyObject* annotations = PyDict_New();
  PyObject* builtins = PyImport_ImportModule("builtins");
  int status = -1;
  if (module != NULL && loader != NULL && annotations != NULL && builtins != NULL &&
      PyObject_SetAttrString(module, "__loader__", loader) == 0 &&
      PyObject_SetAttrString(module, "__annotations__", annotations) == 0 &&
      PyObject_SetAttrString(module, "__builtins__", builtins) == 0) {
    status = PyDict_SetItemString(PyImport_GetModuleDict(), "__main__", module);
  }
  Py_XDECREF(module);
  Py_XDECREF(loader);
  Py_XDECREF(annotations);
  Py_XDECREF(builtins);
  return status;
}

static int compare_addresses(const void* a, const void* b) {
  const uintptr_t left = *(const uintptr_t*)a, right = *(const uintptr_t*)b;
  return left < right ? -1 : left > right;
}

int podium_remember_modules(void) {
  PyObject* modules = PyImport_GetModuleDict();
  PyObject *name, *module;
  Py_ssize_t at = 0;
  zygote_modules = calloc((size_t)PyDict_Size(modules) + 1, sizeof *zygote_modules);
  if (zygote_modules == NULL) return -1;
  while (PyDict_Next(modules, &at, &name, &module)) {
    zygote_modules[zygote_module_count++] =
        Py_NewRef(module); /* so that no other gets its address */
  }
  gc_module = PyImport_ImportModule("gc");
  io_module = PyImport_ImportModule("_io");
  atexit_module = PyImport_ImportModule("atexit");
  if (gc_module == NULL || io_module == NULL || atexit_module == NULL) return -1;
  qsort(zygote_modules, zygote_module_count, sizeof *zygote_modules, compare_addresses);
  return 0;
}

static int is_of_zygote(const PyObject* module) {
  return bsearch(&module, zygote_modules, zygote_module_count, sizeof *zygote_modules,
                 compare_addresses) != NULL;
}

/* ---------------------------------------------------------------- the run */

/* As in the interpreter's own pythonrun.c. -1: one could not be flushed. */
static int flush_streams(void) {
  int status = 0;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  const char* const names[] = {"stderr", "stdout"};
  for (int i = 0; i < 2; ++i) {
    PyObject* stream = PySys_GetObject(names[i]);
    if (stream == NULL || call_method(stream, "flush") == 0) continue;
    PyErr_Clear();
    status = -1;
  }
  PyErr_Restore(type, value, traceback);
  return status;
}

/* `flushed` (may be NULL): whether all that was printed is out. */
static int run_file(FILE* file, const char* filename, int* flushed) {
  PyObject* main_module = PyImport_AddModule("__main__");
  if (main_module == NULL) {
    fclose(file);
    return -1;
  }
  PyObject* globals = PyModule_GetDict(main_module);
  PyObject* name = PyUnicode_DecodeFSDefault(filename);
  if (name == NULL || PyDict_SetItemString(globals, "__file__", name) != 0 ||
      PyDict_SetItemString(globals, "__cached__", Py_None) != 0) {
    Py_XDECREF(name);
    fclose(file);
    return -1;
  }
  Py_DECREF(name);
  PyCompilerFlags flags = _PyCompilerFlags_INIT;
  PyObject* result = PyRun_FileExFlags(file, filename, Py_file_input, globals, globals, 1, &flags);
  const int streams = flush_streams();
  if (flushed != NULL) *flushed = streams == 0;
  Py_XDECREF(result);
  return result != NULL ? 0 : -1;
}

/* What an exception that nobody caught means. */
static int status_of_exception(void) {
  int status = 1;
  if (PyErr_ExceptionMatches(PyExc_SystemExit)) {
    if (_Py_HandleSystemExit(&status)) return status;
    return 1;
  }
  const int interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
  PyErr_Print();
  return interrupted ? -SIGINT : 1;
}

/* ---------------------------------------------------------------- the end */

static void wait_for_threads(void) {
  PyObject* threading = PyImport_GetModule(PyUnicode_InternFromString("threading"));
  if (threading == NULL) {
    PyErr_Clear();
    return;
  }
  if (call_method(threading, "_shutdown") != 0) PyErr_WriteUnraisable(threading);
  Py_DECREF(threading);
}

static void run_exit_functions(void) {
  if (call_method(atexit_module, "_run_exitfuncs") != 0) PyErr_Clear();
}

static int is_closed(PyObject* stream) {
  PyObject* closed = PyObject_GetAttrString(stream, "closed");
  const int answer = closed != NULL ? PyObject_IsTrue(closed) : -1;
  Py_XDECREF(closed);
  if (answer < 0) PyErr_Clear();
  return answer > 0;
}

/* As in pylifecycle.c: only a failure at stdout is told. */
static int flush_at_end(void) {
  int status = 0;
  PyObject* out = PySys_GetObject("stdout");
  PyObject* err = PySys_GetObject("stderr");
  if (out != NULL && out != Py_None && !is_closed(out) && call_method(out, "flush") != 0) {
    PyErr_WriteUnraisable(out);
    status = -1;
  }
  if (err != NULL && err != Py_None && !is_closed(err) && call_method(err, "flush") != 0) {
    PyErr_Clear();
    status = -1;
  }
  return status;
}

/* Undoes what the program did to the builtins: finalizers find them whole. Or only looks. */
static void restore_builtins(PyInterpreterState* interpreter, int restore) {
  PyObject *name, *original;
  Py_ssize_t at = 0;
  if (interpreter->builtins_copy == NULL) return;
  while (PyDict_Next(interpreter->builtins_copy, &at, &name, &original)) {
    if (PyDict_GetItemWithError(interpreter->builtins, name) != original && restore &&
        PyDict_SetItem(interpreter->builtins, name, original) != 0) {
      PyErr_Clear();
    }
  }
}

static void forget_special_names(PyInterpreterState* interpreter) {
  static const char* const kNone[] = {"path",
                                      "argv",
                                      "ps1",
                                      "ps2",
                                      "last_type",
                                      "last_value",
                                      "last_traceback",
                                      "path_hooks",
                                      "path_importer_cache",
                                      "meta_path",
                                      "__interactivehook__"};
  static const char* const kStreams[][2] = {
      {"stdin", "__stdin__"}, {"stdout", "__stdout__"}, {"stderr", "__stderr__"}};
  if (PyDict_GetItemString(interpreter->builtins, "_") != NULL) {
    PyDict_SetItemString(interpreter->builtins, "_", Py_None);
  }
  for (size_t i = 0; i < sizeof kNone / sizeof *kNone; ++i) {
    if (PySys_GetObject(kNone[i]) != NULL) PySys_SetObject(kNone[i], Py_None);
  }
  for (size_t i = 0; i < 3; ++i) {
    PyObject* original = PySys_GetObject(kStreams[i][1]);
    if (original == NULL) original = Py_None;
    if (PySys_GetObject(kStreams[i][0]) != original) PySys_SetObject(kStreams[i][0], original);
  }
  PyErr_Clear();
}

/* The program's modules leave sys.modules, which becomes empty as it does at any interpreter's end;
 * the zygote's are not touched at all: every page of theirs would have to be copied. Returns weak
 * references to those that are left alive so far. */
static PyObject* remove_modules(PyInterpreterState* interpreter) {
  PyObject* references = PyList_New(0);
  PyObject* modules = interpreter->modules;
  PyObject* names = PyList_New(0);
  PyObject *name, *module;
  Py_ssize_t at = 0;
  if (references == NULL || names == NULL) return references;
  while (PyDict_Next(modules, &at, &name, &module)) {
    if (module == Py_None || is_of_zygote(module)) continue;
    PyObject* reference = PyModule_Check(module) ? PyWeakref_NewRef(module, NULL) : NULL;
    PyErr_Clear();
    if (reference != NULL) PyList_Append(references, reference);
    Py_XDECREF(reference);
    PyList_Append(names, name);
  }
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names); ++i) {
    if (PyDict_SetItem(modules, PyList_GET_ITEM(names, i), Py_None) != 0) PyErr_Clear();
  }
  Py_DECREF(names);
  PyObject* none = PyDict_New();
  if (none != NULL) {
    interpreter->modules = none; /* the old one is kept for good */
    PySys_SetObject("modules", none);
  }
  return references;
}

static void collect(void) {
  PyGC_Enable();
  PyGC_Collect();
  PyErr_Clear();
}

static void clear_modules_left(PyObject* references) {
  for (Py_ssize_t i = PyList_GET_SIZE(references); i-- > 0;) {
    PyObject* module = PyWeakref_GetObject(PyList_GET_ITEM(references, i));
    if (module == NULL || module == Py_None) continue;
    Py_INCREF(module);
    _PyModule_Clear(module);
    Py_DECREF(module);
  }
}

/* Files that something of the zygote's still holds, such as an attribute hung on a module of the
 * library, are written out too; a full teardown would have reached them. */
static void flush_files_left(void) {
  static const char* const kTypes[] = {"TextIOWrapper", "BufferedWriter", "BufferedRandom"};
  PyObject* objects = PyObject_CallMethod(gc_module, "get_objects", NULL);
  for (size_t i = 0; objects != NULL && i < 3; ++i) {
    PyObject* type = PyObject_GetAttrString(io_module, kTypes[i]);
    for (Py_ssize_t j = 0; type != NULL && j < PyList_GET_SIZE(objects); ++j) {
      PyObject* object = PyList_GET_ITEM(objects, j);
      if (!PyObject_TypeCheck(object, (PyTypeObject*)type)) continue;
      if (!is_closed(object) && call_method(object, "flush") != 0) PyErr_Clear();
    }
    Py_XDECREF(type);
  }
  PyErr_Clear();
  Py_XDECREF(objects);
}

/* ---------------------------------------------------------------- a run that needs no end */

/* What a pod that waits has, so that it can be told what the run added. */
static struct {
  uint64_t threads; /* made so far */
  int exit_functions;
  Py_ssize_t thread_exit_functions;
  const PyObject *main_module, *main_loader;
} at_wait;

static Py_ssize_t thread_exit_functions(void) {
  PyObject* threading = PyDict_GetItemString(PyImport_GetModuleDict(), "threading"); /* borrowed */
  PyObject* functions =
      threading != NULL ? PyDict_GetItemString(PyModule_GetDict(threading), "_threading_atexits")
                        : NULL;
  return functions != NULL && PyList_CheckExact(functions) ? PyList_GET_SIZE(functions) : -1;
}

void podium_note_waiting(void) {
  PyInterpreterState* interpreter = PyInterpreterState_Get();
  at_wait.threads = interpreter->threads.next_unique_id;
  at_wait.exit_functions = interpreter->atexit.ncallbacks;
  at_wait.thread_exit_functions = thread_exit_functions();
  at_wait.main_module = PyImport_AddModule("__main__");
  at_wait.main_loader =
      PyDict_GetItemString(PyModule_GetDict((PyObject*)at_wait.main_module), "__loader__");
}

/* Objects whose end nobody can see: no class, no file, no weak reference, nothing that waits in a
 * generator. */
static int is_plain(const PyObject* object) {
  const PyTypeObject* const plain[] = {&PyDict_Type,     &PyTuple_Type,     &PyList_Type,
                                       &PyFunction_Type, &PyCFunction_Type, &PyCell_Type,
                                       &PySet_Type,      &PyFrozenSet_Type, &PyMethod_Type};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; ++i) {
    if (Py_TYPE(object) == plain[i]) return 1;
  }
  return object == at_wait.main_module || object == at_wait.main_loader ||
         (PyModule_CheckExact(object) && is_of_zygote(object));
}

/* Whether the end of the interpreter could show the program nothing. Most small runs leave a
 * handful of plain data, and the end costs more than they do. What the zygote made is frozen and is
 * not among the collector's generations; whatever has a finalizer is, or its class. */
static int leaves_nothing_to_end(void) {
  enum { kMostObjects = 1000 }; /* taking more apart costs little beside making them */
  const PyThreadState* const state = PyThreadState_Get();
  const PyInterpreterState* const interpreter = state->interp;
  const int watched = state->c_tracefunc != NULL || state->c_profilefunc != NULL ||
                      interpreter->audit_hooks != NULL || interpreter->gc.debug != 0 ||
                      interpreter->gc.callbacks == NULL ||
                      PyList_GET_SIZE(interpreter->gc.callbacks) != 0;
  if (watched || interpreter->threads.next_unique_id != at_wait.threads ||
      interpreter->atexit.ncallbacks != at_wait.exit_functions ||
      thread_exit_functions() != at_wait.thread_exit_functions) {
    return 0;
  }
  int objects = 0;
  for (int i = 0; i < NUM_GENERATIONS; ++i) {
    const PyGC_Head* const head = &interpreter->gc.generations[i].head;
    for (const PyGC_Head* at = _PyGCHead_NEXT(head); at != head; at = _PyGCHead_NEXT(at)) {
      if (++objects > kMostObjects || !is_plain((const PyObject*)(at + 1))) return 0;
    }
  }
  return 1;
}

/* The steps of Py_FinalizeEx that a program can see. */
static int end_interpreter(PyObject* before_exit) {
  int status = 0;
  PyThreadState* state = PyThreadState_Get();
  PyInterpreterState* interpreter = PyThreadState_GetInterpreter(state);
  wait_for_threads();
  if (Py_MakePendingCalls() != 0) PyErr_Clear();
  if (before_exit != NULL) {
    PyObject* result = PyObject_CallNoArgs(before_exit);
    if (result == NULL) PyErr_WriteUnraisable(before_exit);
    Py_XDECREF(result);
  }
  run_exit_functions();
  if (flush_at_end() != 0) status = -1;
  /* From here on daemon threads that want the GIL end instead. */
  _PyRuntimeState_SetFinalizing(&_PyRuntime, state);
  forget_special_names(interpreter);
  PyObject* references = remove_modules(interpreter);
  restore_builtins(interpreter, 1);
  collect();
  if (references != NULL) clear_modules_left(references);
  collect();
  flush_files_left();
  if (flush_at_end() != 0) status = -1;
  return status;
}

int podium_run_main(int descriptor, const char* filename, PyObject* before_exit) {
  int status = 0;
  FILE* file = fdopen(descriptor, "rb");
  if (file == NULL) {
    perror(filename);
    return 127;
  }
  int flushed = 0;
  if (run_file(file, filename, &flushed) != 0) {
    status = status_of_exception();
    flushed = 0;
  }
  if (flushed && Py_MakePendingCalls() == 0 && leaves_nothing_to_end()) {
    return 0;
  }
  PyErr_Clear();
  if (end_interpreter(before_exit) != 0) status = 120;
  return status;
}

int podium_rehearse(const char* program, const char* filename) {
  FILE* file = fmemopen((void*)program, strlen(program), "rb");
  if (file == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  if (run_file(file, filename, NULL) != 0) return -1;
  PyInterpreterState* interpreter = PyInterpreterState_Get();
  restore_builtins(interpreter, 0);
  PyObject *name, *module;
  Py_ssize_t at = 0;
  while (PyDict_Next(interpreter->modules, &at, &name, &module)) (void)is_of_zygote(module);
  PyDict_Clear(PyModule_GetDict(PyImport_AddModule("__main__")));
  collect();
  flush_files_left();
  return flush_at_end();
}
