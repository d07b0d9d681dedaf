/* Podium plugin ABI, version 1. Pure C11; no allocation, exception or C++ type crosses it.
 *
 * Rules that hold for every function below unless its comment says otherwise:
 *  - Threads:   [init] one host thread at a time, never while another call into the same object
 *               runs; [any] any thread, concurrently.
 *  - Memory:    podium_bytes and pointer arguments are borrowed for the call. Whoever allocates,
 *               frees. Descriptors are borrowed too: duplicate one to keep it.
 *  - Errors:    PODIUM_OK or another podium_code; on failure *err is filled if err != NULL.
 *  - Unwinding: no exception may leave a function of either side; nobody calls exit().
 *  - Silence:   a plugin writes nothing to stdout or stderr and changes no signal mask, locale or
 *               working directory of the process.
 *  - Signals:   the host ignores SIGPIPE, so that to write where nobody reads fails with EPIPE.
 *  - Units:     durations are int64_t, milliseconds (*_ms) or microseconds (*_us); sizes are
 *               bytes in uint64_t.
 *  - Growth:    every interface and message struct starts with its own size; a reader checks it
 *               before reading a member added after 1.0 (PODIUM_HAS). Members are only appended.
 *               In an array of such structs the first one's size is the stride.
 *               podium_bytes and the enumerations' values are frozen.
 */
#ifndef PODIUM_ABI_H
#define PODIUM_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PODIUM_ABI_MAJOR 1u
#define PODIUM_ABI_MINOR 1u
#define PODIUM_EXPORT __attribute__((visibility("default")))
#define PODIUM_HAS(ptr, member) \
  ((ptr)->size >= offsetof(__typeof__(*(ptr)), member) + sizeof((ptr)->member))

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- values, errors */

typedef struct podium_bytes {
  const char* data; /* need not end in NUL; may be NULL when size is 0 */
  size_t size;
} podium_bytes;

typedef enum podium_code {
  PODIUM_OK = 0,
  PODIUM_INVALID_ARGUMENT = 1,
  PODIUM_NOT_FOUND = 2,
  PODIUM_UNAVAILABLE = 3, /* try again later, perhaps elsewhere */
  PODIUM_DEADLINE_EXCEEDED = 4,
  PODIUM_CANCELLED = 5,
  PODIUM_RESOURCE_EXHAUSTED = 6,
  PODIUM_UNSUPPORTED = 7,
  PODIUM_INTERNAL = 8
} podium_code;

/* Filled by the callee in storage of the caller: nothing to free, nothing to leak. The caller
 * sets size; message always ends in NUL. */
typedef struct podium_error {
  uint32_t size;
  char message[508];
} podium_error;

/* A growing byte buffer of the host. append: [any] but never concurrently for one buffer; copies
 * the bytes; false: the host is out of memory, give up. */
typedef struct podium_buffer {
  uint32_t size;
  void* ctx;
  bool (*append)(void* ctx, podium_bytes chunk);
} podium_buffer;

/* ---------------------------------------------------------------- options of an instance */

typedef enum podium_option_type {
  PODIUM_STRING = 1,
  PODIUM_INTEGER = 2,
  PODIUM_NUMBER = 3,
  PODIUM_BOOLEAN = 4,
  PODIUM_DURATION = 5,    /* "1500ms", "2s", "5m", "1h", "7d"; read as milliseconds */
  PODIUM_SIZE = 6,        /* "64KiB", "512MiB", "1GB"; read as bytes */
  PODIUM_STRING_LIST = 7, /* JSON array of strings */
  PODIUM_SECRET = 8       /* {"file": PATH} or {"env": NAME}; read as the secret; never logged */
} podium_option_type;

/* One option. The host validates an instance's options from this table before create, fills in
 * defaults, prints help from it and makes the documentation. */
typedef struct podium_option {
  uint32_t size;
  uint32_t type;             /* podium_option_type */
  const char* name;          /* snake_case, unique in its table */
  const char* default_value; /* as in the config but without quotes: "2s", "8", "true"; a list as
                                a JSON array; NULL: the option is required */
  const char* min;           /* inclusive bounds in the same notation, NULL: none */
  const char* max;
  const char* doc; /* one sentence */
} podium_option;

typedef struct podium_option_table {
  uint32_t size;
  uint32_t count;
  const podium_option* options;
} podium_option_table;

/* The value of one option after validation. */
typedef struct podium_value {
  uint32_t size;
  uint32_t type; /* podium_option_type */
  const char* name;
  int64_t integer;          /* INTEGER, BOOLEAN (0, 1), DURATION (ms), SIZE (bytes) */
  double number;            /* NUMBER */
  podium_bytes text;        /* STRING, SECRET */
  const podium_bytes* list; /* STRING_LIST */
  uint32_t list_count;
} podium_value;

/* The config of one instance: every option of the table, in its order, defaults filled in. */
typedef struct podium_config {
  uint32_t size;
  uint32_t count;
  const podium_value* values;
  podium_bytes name; /* of the instance, as in the config file, for logs */
  podium_bytes json; /* the same as one canonical JSON object, secrets left out */
} podium_config;

/* ---------------------------------------------------------------- the host, as plugins see it */

typedef enum podium_log_level {
  PODIUM_DEBUG = 0,
  PODIUM_INFO = 1,
  PODIUM_WARNING = 2,
  PODIUM_ERROR = 3
} podium_log_level;

/* Valid from create until destroy of the instance it was given to, and until the last task that it
 * has posted has returned. */
typedef struct podium_host {
  uint32_t size;
  void* ctx;
  /* [any] The host adds time and instance name; one line a message. */
  void (*log)(void* ctx, uint32_t level, podium_bytes message);
  /* [any] A host service by id; NULL when this host lacks it. */
  const void* (*get_extension)(void* ctx, const char* id);
} podium_host;

/* Host extension: threads of the host for plugins that block. */
#define PODIUM_EXT_EXECUTOR "podium.executor/1"
typedef struct podium_executor {
  uint32_t size;
  void* ctx;
  /* [any] Runs task(arg) once on a thread of the host's bounded pool, later. The task may block
   * for as long as a run may last. destroy of the instance makes its tasks end; podium_host stays
   * valid until they have. */
  podium_code (*post)(void* ctx, void (*task)(void* arg), void* arg, podium_error* err);
} podium_executor;

/* Host extension: the way to the sandbox spawner. */
#define PODIUM_EXT_SANDBOX "podium.sandbox/1"
typedef struct podium_sandbox {
  uint32_t size;
  void* ctx;
  /* [any] A new SOCK_SEQPACKET connection to the spawner, close-on-exec, owned by the caller.
   * The messages on it are those of plugins/runtime/sandbox/protocol.hpp. End of file on it means
   * that the spawner died; connecting again reaches its successor. */
  podium_code (*connect)(void* ctx, int* descriptor, podium_error* err);
} podium_sandbox;

/* Host extension: the thread on which the host waits for its clients. What is awaited there, and
 * not on a thread of the plugin's, reaches an answer one change of threads sooner. */
#define PODIUM_EXT_IO_THREAD "podium.io-thread/1"
typedef struct podium_watch podium_watch; /* opaque; a descriptor that the host waits for */
typedef struct podium_io_thread {
  uint32_t size;
  void* ctx;
  /* [any] Until unwatch, ready(arg) is called on the host's I/O thread whenever poll(2) would say
   * that the descriptor can be read, an epoll instance among them; it is duplicated. All clients
   * wait while ready runs: it takes what is there and returns. When that thread ends before
   * unwatch, ended(arg) is called once and ready no more: the plugin waits by itself from then on.
   * No two of these calls overlap, and the first may come before watch has returned. */
  podium_code (*watch)(void* ctx, int descriptor, void (*ready)(void* arg),
                       void (*ended)(void* arg), void* arg, podium_watch** watch,
                       podium_error* err);
  /* [any] Once, also after ended; not from within either. When it returns, neither is running, and
   * none will be called. */
  void (*unwatch)(void* ctx, podium_watch* watch);
} podium_io_thread;

/* ---------------------------------------------------------------- extensions of any instance */

#define PODIUM_EXT_HEALTH "podium.health/1"
typedef enum podium_health_state {
  PODIUM_HEALTHY = 0,
  PODIUM_DEGRADED = 1,
  PODIUM_UNHEALTHY = 2
} podium_health_state;
typedef struct podium_health {
  uint32_t size;
  /* [any] Must return within deadline_ms. *state is always set; detail gets one JSON object of
   * facts for people (may stay empty). */
  void (*check)(void* self, int64_t deadline_ms, uint32_t* state, const podium_buffer* detail);
} podium_health;

#define PODIUM_EXT_METRICS "podium.metrics/1"
typedef enum podium_metric_kind { PODIUM_COUNTER = 1, PODIUM_GAUGE = 2 } podium_metric_kind;
typedef struct podium_metric {
  uint32_t size;
  uint32_t kind;    /* podium_metric_kind */
  const char* name; /* Prometheus style, e.g. "podium_shells_ready" */
  const char* help;
  const char* labels; /* as in Prometheus' text format without braces: tier="full"; or "" */
  double value;
} podium_metric;
typedef struct podium_metrics {
  uint32_t size;
  /* [any] Calls each for every metric, now, on this thread; must not block. */
  void (*collect)(void* self, void* ctx, void (*each)(void* ctx, const podium_metric* metric));
} podium_metrics;

/* ---------------------------------------------------------------- kind: runtime */

/* What a run may use. Always complete and positive: the host has merged language and request. */
typedef struct podium_limits {
  uint32_t size;
  uint32_t cpu_millis; /* processor share: 1000 is one whole core */
  int64_t wall_ms;
  int64_t compile_wall_ms;  /* of the compile step, when there is one */
  uint64_t memory_bytes;    /* of the whole process tree, its tmpfs files included */
  uint64_t processes;       /* processes and threads of the tree */
  uint64_t output_bytes;    /* of each of stdout and stderr */
  uint64_t file_bytes;      /* one file */
  uint64_t workspace_bytes; /* everything written to the workspace and /tmp */
  uint64_t workspace_files;
  uint64_t open_files; /* descriptors a process */
  /* During the compile step instead of those of the same name above; set when the size says that
   * they are there. */
  uint64_t compile_memory_bytes;
  uint64_t compile_processes;
  uint32_t compile_cpu_millis;
  uint32_t reserved;
} podium_limits;

/* An input file, already lying in the workspace directory under its name. */
typedef struct podium_input {
  uint32_t size;
  int descriptor;    /* the content, open for reading only; its offset is shared, use pread */
  podium_bytes name; /* relative, canonical, '/' between levels */
  bool read_only;    /* what the program does to it is not kept */
} podium_input;

/* One program to run. */
typedef struct podium_run {
  uint32_t size;
  uint32_t argument_count;
  podium_bytes id;       /* of the run, for logs: [A-Za-z0-9_-]{21} */
  podium_bytes language; /* canonical name, e.g. "py" */
  podium_bytes code;
  podium_bytes source_name; /* the file name the code wants, e.g. "main.py" */
  const podium_bytes* arguments;
  /* Command line. Here and in command "{source}" stands for the source's path and "{folder}" for
   * that of the writable folder it lies in. */
  const podium_bytes* compile;
  uint32_t compile_count; /* 0: nothing to compile */
  uint32_t command_count;
  const podium_bytes* command;     /* command line, arguments not included */
  const podium_bytes* environment; /* "NAME=value" */
  uint32_t environment_count;
  uint32_t input_count;
  const podium_input* inputs;
  podium_bytes standard_input;
  /* Directory that holds the inputs as hard links to stored blobs: never write to the files
   * there. It is `<state_dir>/runs/<id>`; -1 when there is no input. */
  int workspace;
  /* Empty writable directory for a runtime that has no workspace of its own; -1 when the runtime
   * declares own_workspace. What lies here at completion counts as changed. */
  int output;
  const podium_limits* limits;
  uint32_t flags; /* PODIUM_RUN_*; 0 from a host whose size says that it is not there */
  uint32_t reserved;
} podium_run;

/* Flags of a run. */
/* The standard input stays open behind standard_input, until podium_run_input.close. Only given to
 * a runtime that offers that extension. */
#define PODIUM_RUN_OPEN_INPUT 1u

typedef enum podium_limit_hit {
  PODIUM_LIMIT_NONE = 0,
  PODIUM_LIMIT_WALL = 1,
  PODIUM_LIMIT_MEMORY = 2,
  PODIUM_LIMIT_PROCESSES = 3,
  PODIUM_LIMIT_OUTPUT = 4,
  PODIUM_LIMIT_DISK = 5
} podium_limit_hit;

typedef enum podium_phase { PODIUM_PHASE_RUN = 0, PODIUM_PHASE_COMPILE = 1 } podium_phase;

/* How a run ended. */
typedef struct podium_completion {
  uint32_t size;
  uint32_t code; /* podium_code: PODIUM_OK when the program was started, whatever it did then;
                    PODIUM_CANCELLED after cancel; otherwise the runtime failed */
  podium_bytes message; /* why code is not PODIUM_OK; else empty, or a remark for the log */
  int32_t exit_code;    /* -1: it did not exit by itself */
  int32_t signal;       /* 0: none */
  uint32_t limit;       /* podium_limit_hit */
  uint32_t phase;       /* podium_phase in which it ended */
  int64_t wall_us;
  int64_t cpu_us;
  uint64_t memory_peak; /* bytes; 0: unknown */
  int64_t start_us;     /* from start() to the first instruction of the program's interpreter */
  uint32_t warm;        /* 1: its interpreter was running before the run came, not started for it */
  /* Directory of what the program changed: exactly the new and changed files; nothing else is
   * read. Valid until release. -1: nothing changed, or see podium_run.output. */
  int changes;
  /* The workspace as the program saw it at its end, to tell which inputs are gone; -1: unknown. */
  int merged;
  const char* unenforced; /* limits that could not be enforced here, comma separated; NULL: none */
} podium_completion;

/* What the host wants to hear of a run. [any] for all; calls for one run never overlap. */
typedef struct podium_run_callbacks {
  uint32_t size;
  void* ctx;
  /* stream: 1 out, 2 err. At most output_bytes of each stream are passed on. */
  void (*output)(void* ctx, uint32_t stream, podium_bytes chunk);
  /* Exactly once for each successful start, possibly before start has returned; the last call. */
  void (*completed)(void* ctx, const podium_completion* completion);
  /* The run has come to this podium_phase: PODIUM_PHASE_RUN once the compiler has succeeded. A
   * runtime may leave it out, and does when the size says that it is not there. */
  void (*phase)(void* ctx, uint32_t phase);
  /* The program has read, after podium_run_input.write took nothing: it takes something again. Not
   * under a lock that podium_output_flow.hold takes. Absent when the size says so. */
  void (*input_room)(void* ctx);
} podium_run_callbacks;

typedef struct podium_lease podium_lease; /* opaque; one run in a runtime */

typedef struct podium_runtime {
  uint32_t size;
  uint32_t max_concurrency; /* runs at a time; 0: no bound */
  void* self;
  bool own_workspace; /* completion.changes is used, podium_run.output is not needed */
  /* [any] Begins a run and returns without waiting for it. Everything in run is borrowed for the
   * call only; callbacks stays valid until release. On success *lease is set before the first
   * callback. A failure here means that nothing was started and no callback will come;
   * PODIUM_UNAVAILABLE lets the host try the next runtime of the language. */
  podium_code (*start)(void* self, const podium_run* run, const podium_run_callbacks* callbacks,
                       podium_lease** lease, podium_error* err);
  /* [any] Ends the run at once; completed still comes, soon. Harmless when it has ended already. */
  void (*cancel)(void* self, podium_lease* lease);
  /* [any] After completed: the host has collected the changes; the lease is over. Must not wait
   * for the destruction of processes or directories. */
  void (*release)(void* self, podium_lease* lease);
  const void* (*get_extension)(void* self, const char* id); /* [any] may be NULL */
  /* [init] Every lease has been released. Joins all threads, closes all descriptors. */
  void (*destroy)(void* self);
} podium_runtime;

/* Runtime extension: what a program hears while it runs. */
#define PODIUM_EXT_RUN_INPUT "podium.run-input/1"
typedef struct podium_run_input {
  uint32_t size;
  /* [any] More of the standard input of a run with PODIUM_RUN_OPEN_INPUT; never waits, copies.
   * PODIUM_RESOURCE_EXHAUSTED: the program has not read enough yet, nothing was taken, try later.
   * What comes after close or after the program has ended is dropped, with PODIUM_OK. */
  podium_code (*write)(void* self, podium_lease* lease, podium_bytes data, podium_error* err);
  /* [any] The end of the standard input, behind what was written. Harmless twice. */
  void (*close)(void* self, podium_lease* lease);
  /* [any] Sends a signal of signal(7) to the program, as a terminal would: to its process group;
   * SIGSTOP and SIGCONT should reach all of its processes.
   * PODIUM_UNAVAILABLE: it has not begun yet. Harmless after its end. */
  podium_code (*signal)(void* self, podium_lease* lease, int32_t number, podium_error* err);
  /* 1: after each PODIUM_RESOURCE_EXHAUSTED of write, podium_run_callbacks.input_room is called
   * once write takes something again, or drops it. 0, or not there: the host tries again by itself.
   */
  uint32_t tells_room;
  uint32_t reserved;
} podium_run_input;

/* Runtime extension: a program waits in its writes while nobody takes its output. */
#define PODIUM_EXT_OUTPUT_FLOW "podium.output-flow/1"
typedef struct podium_output_flow {
  uint32_t size;
  /* [any] true: leave the output where it is until false comes; a call to output under way may
   * still come. false at first: somebody listens while it runs. Never waits. May come from within
   * output, while another thread is in output: no lock may be held around output that this function
   * takes. */
  void (*hold)(void* self, podium_lease* lease, bool held);
} podium_output_flow;

/* create flags */
/* Pre-flight: check the config and what it names, start nothing. When it says PODIUM_OK, *out is
 * filled as always (self may be NULL) and destroy is the only function that is called. */
#define PODIUM_DRY_RUN 1u

#define PODIUM_FACTORY_RUNTIME "podium.runtime/1"
typedef struct podium_runtime_factory {
  uint32_t size;
  uint32_t reserved;
  const podium_option_table* options;
  /* [init] On PODIUM_OK *out is filled; the caller has set out->size to what it knows. After a
   * failure nothing else is called on the instance. */
  podium_code (*create)(const podium_host* host, const podium_config* config, uint32_t flags,
                        podium_runtime* out, podium_error* err);
} podium_runtime_factory;

/* ---------------------------------------------------------------- kind: storage */

/* Content on its way in; pulled by the storage on the calling thread. */
typedef struct podium_source {
  uint32_t size;
  void* ctx;
  int64_t expected; /* bytes to come; -1: unknown */
  /* > 0: bytes placed in buffer; 0: the end; < 0: the sender failed or left, abort the put. */
  int64_t (*read)(void* ctx, char* buffer, size_t capacity);
  /* After read has returned 0: writes the SHA-256 of all it gave as 64 lower-case hexadecimal
   * digits, without NUL. NULL: the sender does not hash. */
  void (*sha256)(void* ctx, char* digits);
} podium_source;

/* Content on its way out; pushed by the storage on the calling thread. */
typedef struct podium_sink {
  uint32_t size;
  void* ctx;
  /* false: the reader left; return PODIUM_CANCELLED. */
  bool (*write)(void* ctx, podium_bytes chunk);
} podium_sink;

typedef struct podium_blob {
  uint32_t size;
  podium_bytes key;    /* valid during the call of list's each; empty from head */
  uint64_t length;     /* bytes */
  int64_t modified_ms; /* since the epoch */
} podium_blob;

/* Blocking; the host calls from bounded executor threads. A key is 1 to 200 bytes of any value;
 * a storage escapes what its medium cannot take. */
typedef struct podium_storage {
  uint32_t size;
  uint32_t max_concurrency; /* calls at a time; 0: no bound */
  void* self;
  /* [any] Keeps what source gives under key, replacing a former blob as a whole. PODIUM_OK: it is
   * durable. On failure, or when source fails (PODIUM_CANCELLED), nothing new is visible. */
  podium_code (*put)(void* self, podium_bytes key, const podium_source* source, podium_error* err);
  /* [any] Pushes length bytes from offset; UINT64_MAX: to the end. Less is an error. */
  podium_code (*get)(void* self, podium_bytes key, uint64_t offset, uint64_t length,
                     const podium_sink* sink, podium_error* err);
  /* [any] PODIUM_NOT_FOUND when there is none. */
  podium_code (*head)(void* self, podium_bytes key, podium_blob* out, podium_error* err);
  /* [any] Calls each for every key with the prefix, in any order; each returns false to stop. */
  podium_code (*list)(void* self, podium_bytes prefix, void* ctx,
                      bool (*each)(void* ctx, const podium_blob* blob), podium_error* err);
  /* [any] Removing what is not there is PODIUM_OK. */
  podium_code (*remove)(void* self, podium_bytes key, podium_error* err);
  const void* (*get_extension)(void* self, const char* id); /* [any] may be NULL */
  /* [init] No call is running or will start. */
  void (*destroy)(void* self);
} podium_storage;

/* Storage extension: blobs that are files of this machine. */
#define PODIUM_EXT_LOCAL_FILE "podium.local-file/1"
typedef struct podium_local_file {
  uint32_t size;
  /* [any] A descriptor of the blob, read only, close-on-exec, owned by the caller. The file's mode
   * is 0666 below a folder of mode 0700, so that an overlay may copy it up; never write to it. */
  podium_code (*open)(void* self, podium_bytes key, int* descriptor, podium_error* err);
} podium_local_file;

/* Storage extension: takes over a file of the host, so that its content is not copied. */
#define PODIUM_EXT_ADOPT_FILE "podium.adopt-file/1"
typedef struct podium_adopt_file {
  uint32_t size;
  /* [any] Keeps the content of a regular file under the key, as put does: durable on return, and
   * nothing new is visible when it fails. `descriptor` is open for reading and writing and the
   * caller's, who only closes it afterwards; the file has no name (O_TMPFILE), `length` bytes and
   * the SHA-256 `sha256` (64 lower-case digits), and nobody else knows it. *adopted false: this
   * file cannot be taken over, perhaps because of its file system; nothing happened, use put. */
  podium_code (*adopt)(void* self, podium_bytes key, int descriptor, uint64_t length,
                       podium_bytes sha256, bool* adopted, podium_error* err);
} podium_adopt_file;

/* Storage extension: takes content part by part, so that it can flow on while it still arrives.
 * What was begun is invisible until it is finished. */
#define PODIUM_EXT_PUT_PARTS "podium.put-parts/1"
typedef struct podium_parts podium_parts; /* opaque; one content on its way */
typedef struct podium_put_parts {
  uint32_t size;
  uint32_t reserved;
  /* [any] Bytes of each part but the last, which may be shorter. Constant, positive. */
  uint64_t (*part_size)(void* self);
  /* [any] Begins a content that is to be kept under the key. */
  podium_code (*begin)(void* self, podium_bytes key, podium_parts** parts, podium_error* err);
  /* [any] Also concurrently, for different numbers: keeps a part, the `length` bytes of a regular
   * file from `offset`, which stay as they are during the call. Parts have the numbers 1, 2, ... in
   * the order of the content; one that failed may be put again. */
  podium_code (*put)(void* self, podium_parts* parts, uint32_t number, int descriptor,
                     uint64_t offset, uint64_t length, podium_error* err);
  /* [any] Every part was put: makes them one content of `length` bytes under the key, replacing a
   * former blob as a whole. PODIUM_OK: it is durable. */
  podium_code (*finish)(void* self, podium_parts* parts, uint64_t length, podium_error* err);
  /* [any] Always the last call, after all others have returned. What was not finished is taken
   * back. May block as the others. */
  void (*end)(void* self, podium_parts* parts);
} podium_put_parts;

/* Storage extension: upkeep. */
#define PODIUM_EXT_MAINTENANCE "podium.maintenance/1"
typedef struct podium_maintenance {
  uint32_t size;
  /* [any] Removes what a crash left behind and no key refers to. Called now and then. */
  podium_code (*sweep)(void* self, podium_error* err);
} podium_maintenance;

#define PODIUM_FACTORY_STORAGE "podium.storage/1"
typedef struct podium_storage_factory {
  uint32_t size;
  uint32_t reserved;
  const podium_option_table* options;
  /* [init] */
  podium_code (*create)(const podium_host* host, const podium_config* config, uint32_t flags,
                        podium_storage* out, podium_error* err);
} podium_storage_factory;

/* ---------------------------------------------------------------- kind: response */

/* The result of a request, as the host has written it down. */
typedef struct podium_result {
  uint32_t size;
  uint32_t status;   /* HTTP status it would have as an ordinary answer */
  podium_bytes json; /* one JSON object, UTF-8; of an error after begin: a success object with the
                        failure in stderr and a member "error" */
} podium_result;

/* How a strategy wants to be driven. Constant for the life of an instance. */
typedef struct podium_response_traits {
  uint32_t size;
  uint32_t reserved;
  const char* media_type;  /* of a streamed answer, e.g. "application/json" */
  int64_t first_window_ms; /* a result within it becomes an ordinary answer; -1: never stream */
  int64_t interval_ms;     /* between ticks after the window */
} podium_response_traits;

typedef struct podium_response_stream podium_response_stream; /* opaque; one streamed answer */

/* Pure formatting: never blocks, never waits, keeps no thread; the host owns the timers. Calls for
 * one stream never overlap. Order: begin, any number of tick and chunk, then finish or nothing;
 * end_stream always. */
typedef struct podium_response {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any] Fills *out, whose size the caller has set. A function and not a member, so that both
   * structs can grow. */
  void (*get_traits)(void* self, podium_response_traits* out);
  /* [any] The answer becomes a stream: allocates *stream, appends the first bytes. */
  podium_code (*begin)(void* self, podium_response_stream** stream, const podium_buffer* out,
                       podium_error* err);
  /* [any] An interval has passed. */
  podium_code (*tick)(void* self, podium_response_stream* stream, const podium_buffer* out,
                      podium_error* err);
  /* [any] The program wrote; stream_number 1 out, 2 err. May append nothing. */
  podium_code (*chunk)(void* self, podium_response_stream* stream, uint32_t stream_number,
                       podium_bytes data, const podium_buffer* out, podium_error* err);
  /* [any] The result; stream is NULL for an ordinary answer. */
  podium_code (*finish)(void* self, podium_response_stream* stream, const podium_result* result,
                        const podium_buffer* out, podium_error* err);
  /* [any] Frees the stream. */
  void (*end_stream)(void* self, podium_response_stream* stream);
  const void* (*get_extension)(void* self, const char* id); /* [any] may be NULL */
  /* [init] */
  void (*destroy)(void* self);
} podium_response;

/* One thing that happened in a run. */
typedef struct podium_event {
  uint32_t size;
  uint32_t reserved;
  uint64_t id;       /* 1, 2, 3 ... within a run; the same when it is sent again */
  podium_bytes name; /* "start", "status", "stdout", "stderr", "dropped", "file", "end" */
  podium_bytes json; /* one JSON object on one line, UTF-8 */
} podium_event;

/* Response extension: a strategy that tells what happens while it happens. The host then streams at
 * once, calls event for everything and chunk for nothing, and neither finish: the last event is
 * "end", with the result. Order: begin, any number of event and tick, end_stream. */
#define PODIUM_EXT_EVENT_STREAM "podium.event-stream/1"
typedef struct podium_event_stream {
  uint32_t size;
  /* [any] */
  podium_code (*event)(void* self, podium_response_stream* stream, const podium_event* event,
                       const podium_buffer* out, podium_error* err);
} podium_event_stream;

#define PODIUM_FACTORY_RESPONSE "podium.response/1"
typedef struct podium_response_factory {
  uint32_t size;
  uint32_t reserved;
  const podium_option_table* options;
  /* [init] */
  podium_code (*create)(const podium_host* host, const podium_config* config, uint32_t flags,
                        podium_response* out, podium_error* err);
} podium_response_factory;

/* ---------------------------------------------------------------- the plugin */

/* The one symbol a plugin exports. Constant data: the host reads it before it runs any code. */
typedef struct podium_plugin {
  uint32_t size;
  uint32_t abi_major; /* equal to the host's */
  uint32_t abi_minor; /* at most the host's */
  uint32_t reserved;
  const char* id;          /* reverse DNS, e.g. "org.example.python-pod" */
  const char* version;     /* of the plugin, for logs */
  const char* description; /* one line */
  /* [init] A podium_*_factory by its id; NULL: kind not offered. */
  const void* (*get_factory)(const char* factory_id);
} podium_plugin;

#define PODIUM_PLUGIN_SYMBOL "podium_plugin_v1"
PODIUM_EXPORT extern const podium_plugin podium_plugin_v1;

#ifdef __cplusplus
}
#endif
#endif
