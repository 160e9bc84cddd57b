/* The plainest timing loop on ONNX Runtime's C API: preallocated tensors, one thread, one Run between two clock reads.
 *
 * usage: ort_loop LIBONNXRUNTIME MODEL SPEC
 * SPEC has a line for each tensor:   in|out NAME TYPE(number of ONNX) BYTES FILE|- DIMENSION...
 * and for each carried state:        state INPUT OUTPUT
 * States have two sets of tensors that take turns. FILE holds the first contents; - means zeros.
 * Then, for each line "SAMPLES WARMUP" on standard input, one line of service times in nanoseconds.
 *
 * The wheel of ONNX Runtime brings the library without its header, so the part of it that is used is declared here. The
 * table of functions is ONNX Runtime's stable ABI: an entry keeps its place for ever, new ones come at the end
 * (onnxruntime_c_api.h, "struct OrtApi").
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void Object;
typedef Object *Status;
typedef struct {
  const void *(*GetApi)(uint32_t version);
  const char *(*GetVersionString)(void);
} ApiBase;
enum {
  GET_ERROR_MESSAGE = 2, CREATE_ENV = 3, CREATE_SESSION = 7, RUN = 9, CREATE_SESSION_OPTIONS = 10,
  SET_INTRA_OP_NUM_THREADS = 24, CREATE_TENSOR_WITH_DATA = 49, CREATE_CPU_MEMORY_INFO = 69
};
#define API_VERSION 16
#define MOST 64
#define NAME_SIZE 128

static void *const *table;
static void check(Status status) {
  if (status == NULL) return;
  fprintf(stderr, "%s\n", ((const char *(*)(Status))table[GET_ERROR_MESSAGE])(status));
  exit(1);
}

typedef struct {
  char name[NAME_SIZE];
  int type;
  size_t bytes;
  void *data;
  int64_t shape[8];
  size_t rank;
} Tensor;

static Tensor inputs[MOST], outputs[MOST];
static size_t input_count, output_count, state_count;
static int state_input[MOST], state_output[MOST];

static int find(const Tensor *tensors, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(tensors[i].name, name)) return (int)i;
  fprintf(stderr, "no tensor %s\n", name);
  exit(1);
}

static void read_spec(const char *path) {
  char line[4096], kind[8], name[NAME_SIZE], source[3000];
  FILE *file = fopen(path, "r");
  if (!file) { perror(path); exit(1); }
  while (fgets(line, sizeof line, file)) {
    int used = 0;
    if (sscanf(line, "%7s %127s%n", kind, name, &used) != 2) continue;
    if (!strcmp(kind, "state")) {
      sscanf(line + used, "%2999s", source);
      state_input[state_count] = find(inputs, input_count, name);
      state_output[state_count++] = find(outputs, output_count, source);
      continue;
    }
    Tensor *tensor = !strcmp(kind, "in") ? &inputs[input_count++] : &outputs[output_count++];
    if (input_count >= MOST || output_count >= MOST) { fprintf(stderr, "too many tensors\n"); exit(1); }
    strcpy(tensor->name, name);
    char *rest = line + used;
    int more = 0;
    sscanf(rest, "%d %zu %2999s%n", &tensor->type, &tensor->bytes, source, &more);
    tensor->data = aligned_alloc(64, (tensor->bytes + 63) / 64 * 64);
    memset(tensor->data, 0, tensor->bytes);
    if (strcmp(source, "-")) {
      FILE *contents = fopen(source, "rb");
      if (!contents || fread(tensor->data, 1, tensor->bytes, contents) != tensor->bytes) { perror(source); exit(1); }
      fclose(contents);
    }
    for (rest += more; sscanf(rest, "%ld%n", &tensor->shape[tensor->rank], &more) == 1; rest += more) tensor->rank++;
  }
  fclose(file);
}

static Object *value_of(Object *memory, const Tensor *tensor) {
  Object *value = NULL;
  check(((Status(*)(Object *, void *, size_t, const int64_t *, size_t, int, Object **))table[CREATE_TENSOR_WITH_DATA])(
      memory, tensor->data, tensor->bytes, tensor->shape, tensor->rank, tensor->type, &value));
  return value;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static Object *session;
static const char *input_names[MOST], *output_names[MOST];
static Object *in[2][MOST], *out[2][MOST];
static int turns, turn;
static Status (*run_session)(Object *, const Object *, const char *const *, Object *const *, size_t, const char *const *,
                             size_t, Object **);

const char *prepare(const char *path, const char *model, const char *spec) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) { fprintf(stderr, "%s\n", dlerror()); exit(1); }
  const ApiBase *base = ((const ApiBase *(*)(void))dlsym(library, "OrtGetApiBase"))();
  table = base->GetApi(API_VERSION);
  if (!table) { fprintf(stderr, "API version %d is not served\n", API_VERSION); exit(1); }
  Object *environment = NULL, *options = NULL, *memory = NULL;
  check(((Status(*)(int, const char *, Object **))table[CREATE_ENV])(3, "loop", &environment));
  check(((Status(*)(Object **))table[CREATE_SESSION_OPTIONS])(&options));
  check(((Status(*)(Object *, int))table[SET_INTRA_OP_NUM_THREADS])(options, 1));
  check(((Status(*)(Object *, const char *, Object *, Object **))table[CREATE_SESSION])(environment, model, options,
                                                                                      &session));
  check(((Status(*)(int, int, Object **))table[CREATE_CPU_MEMORY_INFO])(1, 0, &memory));
  read_spec(spec);
  for (size_t i = 0; i < input_count; i++) {
    input_names[i] = inputs[i].name;
    in[0][i] = in[1][i] = value_of(memory, &inputs[i]);
  }
  for (size_t i = 0; i < output_count; i++) {
    output_names[i] = outputs[i].name;
    out[0][i] = out[1][i] = value_of(memory, &outputs[i]);
  }
  for (size_t i = 0; i < state_count; i++) {  /* what one turn writes the other reads */
    Tensor *first = &inputs[state_input[i]], *second = &outputs[state_output[i]];
    memcpy(second->data, first->data, first->bytes);
    in[1][state_input[i]] = out[0][state_output[i]];
    out[1][state_output[i]] = in[0][state_input[i]];
  }
  turns = state_count ? 2 : 1;
  run_session = table[RUN];
  return base->GetVersionString();
}

void measure(long samples, long warmup, int64_t *taken) {
  for (long i = -warmup; i < samples; i++) {
    int64_t start = now();
    Status status = run_session(session, NULL, input_names, (Object *const *)in[turn], input_count, output_names,
                                output_count, out[turn]);
    int64_t end = now();
    check(status);
    if (i >= 0) taken[i] = end - start;
    turn = (turn + 1) % turns;
  }
}

int main(int count, char **words) {
  long samples, warmup;
  if (count != 4) return 2;
  printf("ready %s\n", prepare(words[1], words[2], words[3]));
  fflush(stdout);
  while (scanf("%ld %ld", &samples, &warmup) == 2) {
    int64_t *taken = malloc((size_t)samples * sizeof *taken);
    memset(taken, 0, (size_t)samples * sizeof *taken);
    measure(samples, warmup, taken);
    for (long i = 0; i < samples; i++) printf("%ld ", (long)taken[i]);
    printf("\n");
    fflush(stdout);
    free(taken);
  }
  return 0;
}
