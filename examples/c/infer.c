/* A model that follows its releases, in C on ONNX Runtime: infer ~/.edgekit/models/model/current
 *
 * Every line of numbers on standard input is one inference (all inputs one after the other, as model.h lists them);
 * the answers come back as a line. An empty line resets a stream. Whatever a release tells an application stands in
 * its model.h, which this file is compiled with:
 *
 *   cc -O2 -I ~/.edgekit/models/model/current -I ORT/include infer.c -o infer -L ORT/lib -lonnxruntime -Wl,-rpath,ORT/lib
 *
 * with ORT for the whole path of the folder that ONNX Runtime's archive for C unpacks to.
 *
 * A release with the same EDGEKIT_CONTRACT is taken up while this runs; another one needs compiling anew, and the old
 * one is kept until then. Where a restart came before a release was confirmed, the one before it is opened.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"
#include "onnxruntime_c_api.h"

#define PATH 4096 /* what Linux allows */
enum { IN = EDGEKIT_INPUTS + EDGEKIT_STATES, OUT = EDGEKIT_OUTPUTS + EDGEKIT_STATES };

typedef struct {
  OrtValue *value;
  void *data;
  size_t count;
} Buffer;

/* The fed inputs and the answers; of every state two buffers, which take turns as input and output. */
static Buffer fed[EDGEKIT_INPUTS + 1], answers[EDGEKIT_OUTPUTS + 1], carried[2][EDGEKIT_STATES + 1];
static const OrtApi *ort;
static OrtEnv *environment;
static OrtSession *session;
static char taken[PATH]; /* what current pointed to when the session was made */
static int turn;

static bool failed(OrtStatus *status) {
  if (status == NULL) return false;
  fprintf(stderr, "%s\n", ort->GetErrorMessage(status));
  ort->ReleaseStatus(status);
  return true;
}

static void must(OrtStatus *status) {
  if (failed(status)) exit(1);
}

static void put(const EdgekitTensor *tensor, Buffer *buffer, size_t at, double number) {
  switch (tensor->type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: ((float *)buffer->data)[at] = (float)number; break;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: ((int64_t *)buffer->data)[at] = (int64_t)number; break;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: ((int32_t *)buffer->data)[at] = (int32_t)number; break;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL: ((bool *)buffer->data)[at] = number != 0; break;
    default: fprintf(stderr, "%s: add its type to put() and get()\n", tensor->name); exit(1);
  }
}

static double get(const EdgekitTensor *tensor, const Buffer *buffer, size_t at) {
  switch (tensor->type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: return ((float *)buffer->data)[at];
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: return (double)((int64_t *)buffer->data)[at];
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: return ((int32_t *)buffer->data)[at];
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL: return ((bool *)buffer->data)[at];
    default: fprintf(stderr, "%s: add its type to put() and get()\n", tensor->name); exit(1);
  }
}

static Buffer make(const EdgekitTensor *tensor) {
  Buffer buffer = {.count = 1};
  for (size_t axis = 0; axis < tensor->rank; axis++) buffer.count *= (size_t)tensor->shape[axis];
  if (buffer.count == 0) {
    fprintf(stderr, "%s: its size is not known beforehand\n", tensor->name);
    exit(1);
  }
  size_t bytes = buffer.count * sizeof(int64_t); /* enough for every type above */
  OrtMemoryInfo *memory;
  buffer.data = calloc(1, bytes);
  if (buffer.data == NULL) exit(1);
  must(ort->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
  must(ort->CreateTensorWithDataAsOrtValue(memory, buffer.data, bytes, tensor->shape, tensor->rank,
                                           (ONNXTensorElementDataType)tensor->type, &buffer.value));
  ort->ReleaseMemoryInfo(memory);
  return buffer;
}

static void reset(void) {
  for (int one = 0; one < EDGEKIT_STATES; one++)
    for (size_t at = 0; at < carried[turn][one].count; at++)
      put(&edgekit_states[one].input, &carried[turn][one], at, edgekit_states[one].initial);
}

/* Whether the release in this folder can be run by a program that was compiled with our model.h. */
static bool same_contract(const char *folder) {
  char path[2 * PATH + 16], line[1024];
  bool same = false;
  snprintf(path, sizeof path, "%s/model.h", folder);
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (strcmp(line, "#define EDGEKIT_CONTRACT \"" EDGEKIT_CONTRACT "\"\n") == 0) same = true;
  if (file != NULL) fclose(file);
  return same;
}

/* The text of a small file, empty where there is none. */
static void read_text(const char *path, char *text, size_t room) {
  FILE *file = fopen(path, "r");
  text[file == NULL ? 0 : fread(text, 1, room - 1, file)] = 0;
  if (file != NULL) fclose(file);
}

/* Copies the text that a key of accepted.json has; its values hold nothing that JSON would escape. */
static bool value_of(const char *json, const char *key, char *value) {
  char written[64];
  snprintf(written, sizeof written, "\"%s\": \"", key);
  const char *found = strstr(json, written);
  return found != NULL && sscanf(found + strlen(written), "%255[^\"]", value) == 1;
}

/* Where a restart came before the release was confirmed, the one before it is to be opened; false where there is none. */
static bool confirmed(const char *parent, char target[PATH]) {
  char path[2 * PATH], note[PATH], boot[256], then[256], release[256], before[256];
  snprintf(path, sizeof path, "%saccepted.json", parent);
  read_text(path, note, sizeof note);
  read_text("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
  boot[strcspn(boot, "\n")] = 0;
  if (!value_of(note, "release", release) || !value_of(note, "boot_id", then)) return true; /* no switch is open */
  if (strcmp(then, boot) == 0 || strcmp(target + strcspn(target, "/") + 1, release) != 0) return true;
  if (!value_of(note, "current", before)) return false;
  snprintf(target, PATH, "releases/%s", before);
  return true;
}

/* Take up what current points to, if that is new; on any failure the session that there is stays. */
static void refresh(const char *current) {
  char target[PATH], parent[PATH], folder[2 * PATH], path[2 * PATH + 16];
  ssize_t length = readlink(current, target, sizeof target - 1);
  if (length < 0) {
    perror(current);
    if (session == NULL) exit(1);
    return;
  }
  target[length] = 0;
  if (strcmp(target, taken) == 0) return;
  strcpy(taken, target);
  const char *slash = strrchr(current, '/');
  snprintf(parent, sizeof parent, "%.*s", slash == NULL ? 0 : (int)(slash - current + 1), current);
  if (!confirmed(parent, target)) {
    fprintf(stderr, "%s was not confirmed before a restart, and none was there before it\n", target);
    if (session == NULL) exit(1);
    return;
  }
  snprintf(folder, sizeof folder, "%s%s", parent, target);
  if (!same_contract(folder)) {
    fprintf(stderr, "%s has another contract: compile with its model.h\n", target);
    if (session == NULL) exit(1);
    return;
  }
  OrtSessionOptions *options;
  OrtSession *opened;
  must(ort->CreateSessionOptions(&options));
  must(ort->SetIntraOpNumThreads(options, EDGEKIT_THREADS));
  must(EDGEKIT_ARENA ? ort->EnableCpuMemArena(options) : ort->DisableCpuMemArena(options));
  must(ort->AddSessionConfigEntry(options, "session.intra_op.allow_spinning", EDGEKIT_SPINNING ? "1" : "0"));
  for (int one = 0; EDGEKIT_FIXED_SHAPES && one < EDGEKIT_DIMENSIONS; one++)
    must(ort->AddFreeDimensionOverrideByName(options, edgekit_dimensions[one].name, edgekit_dimensions[one].size));
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  if (!failed(ort->CreateSession(environment, path, options, &opened))) {
    if (session != NULL) ort->ReleaseSession(session);
    session = opened;
    reset(); /* a state of other weights means nothing to these */
    fprintf(stderr, "took up %s\n", target);
  } else if (session == NULL) {
    exit(1);
  }
  ort->ReleaseSessionOptions(options);
}

static void infer(void) {
  const char *input_names[IN], *output_names[OUT];
  const OrtValue *inputs[IN];
  OrtValue *outputs[OUT];
  for (int one = 0; one < EDGEKIT_INPUTS; one++) {
    input_names[one] = edgekit_inputs[one].name;
    inputs[one] = fed[one].value;
  }
  for (int one = 0; one < EDGEKIT_OUTPUTS; one++) {
    output_names[one] = edgekit_outputs[one].name;
    outputs[one] = answers[one].value;
  }
  for (int one = 0; one < EDGEKIT_STATES; one++) {
    input_names[EDGEKIT_INPUTS + one] = edgekit_states[one].input.name;
    inputs[EDGEKIT_INPUTS + one] = carried[turn][one].value;
    output_names[EDGEKIT_OUTPUTS + one] = edgekit_states[one].output;
    outputs[EDGEKIT_OUTPUTS + one] = carried[1 - turn][one].value;
  }
  must(ort->Run(session, NULL, input_names, inputs, IN, output_names, OUT, outputs));
  turn = 1 - turn;
}

int main(int count, char **words) {
  if (count != 2) {
    fprintf(stderr, "usage: infer .../models/NAME/current\n");
    return 2;
  }
  ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (ort == NULL) {
    fprintf(stderr, "this ONNX Runtime (%s) is older than the header\n", OrtGetApiBase()->GetVersionString());
    return 1;
  }
  must(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, EDGEKIT_NAME, &environment));
  for (int one = 0; one < EDGEKIT_INPUTS; one++) fed[one] = make(&edgekit_inputs[one]);
  for (int one = 0; one < EDGEKIT_OUTPUTS; one++) answers[one] = make(&edgekit_outputs[one]);
  for (int one = 0; one < EDGEKIT_STATES; one++) {
    carried[0][one] = make(&edgekit_states[one].input);
    carried[1][one] = make(&edgekit_states[one].input);
  }
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    refresh(words[1]);
    char *rest = line, *end;
    if (line[strspn(line, " \t\r\n")] == 0) {
      reset();
      continue;
    }
    for (int one = 0; one < EDGEKIT_INPUTS; one++)
      for (size_t at = 0; at < fed[one].count; at++, rest = end) {
        double number = strtod(rest, &end);
        if (end == rest) {
          fprintf(stderr, "%s takes %zu numbers\n", edgekit_inputs[one].name, fed[one].count);
          return 1;
        }
        put(&edgekit_inputs[one], &fed[one], at, number);
      }
    infer();
    for (int one = 0; one < EDGEKIT_OUTPUTS; one++)
      for (size_t at = 0; at < answers[one].count; at++) printf("%.9g ", get(&edgekit_outputs[one], &answers[one], at));
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
