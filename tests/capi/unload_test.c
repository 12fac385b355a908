/* A host that unloads the library while an engine is open: unload_test LIBRARY FOLDER. The code
 * stays: the worker runs in it. Without -z nodelete the second half of main() crashes. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <safechunk/safechunk.h>

static void* symbol(void* library, const char* name) {
  void* const found = dlsym(library, name);
  if (found == NULL) fprintf(stderr, "%s\n", dlerror());
  return found;
}

int main(int argc, char** argv) {
  safechunk_code (*open_project)(const char*, const safechunk_options*, safechunk_engine**,
                                 safechunk_error*);
  safechunk_code (*init)(safechunk_options*, size_t);
  safechunk_code (*stage)(safechunk_engine*, const char*, size_t, const char*, safechunk_error*);
  safechunk_code (*detach)(safechunk_engine*, safechunk_error*);
  safechunk_options options;
  safechunk_engine* engine = NULL;
  void* library;
  void* functions[4];
  if (argc != 3) return 2;
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  functions[0] = symbol(library, "safechunk_options_init");
  functions[1] = symbol(library, "safechunk_open");
  functions[2] = symbol(library, "safechunk_stage_update");
  functions[3] = symbol(library, "safechunk_detach");
  /* ISO C has no cast from an object to a function. */
  memcpy(&init, &functions[0], sizeof init);
  memcpy(&open_project, &functions[1], sizeof open_project);
  memcpy(&stage, &functions[2], sizeof stage);
  memcpy(&detach, &functions[3], sizeof detach);
  if (init(&options, sizeof options) != SAFECHUNK_OK) return 1;
  options.base_dir = argv[2];
  if (open_project("project", &options, &engine, NULL) != SAFECHUNK_OK) return 1;
  if (dlclose(library) != 0) return 1;
  if (stage(engine, "1", 1, "a", NULL) != SAFECHUNK_OK) return 1;
  if (detach(engine, NULL) != SAFECHUNK_OK) return 1;
  return 0;
}
