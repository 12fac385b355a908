# Run by ctest: installs, looks at what is there, and uses it from projects that know nothing of the
# source tree. Stops at the first thing that is wrong.
set(prefix ${WORK}/prefix)
set(libraries ${prefix}/${LIBRARY_FOLDER})
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(flags -Wall -Wextra -Wpedantic -Werror)
if(SANITIZE)
  list(APPEND flags -fsanitize=${SANITIZE})
endif()
list(JOIN flags " " flags_text)

# run(WHAT COMMAND...): leaves what it printed in `output`.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE printed ERROR_VARIABLE printed)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}):\n${printed}")
  endif()
  message(STATUS "${what}: ok")
  set(output "${printed}" PARENT_SCOPE)
endfunction()

# Runs a consumer in a fresh folder; it prints what it has read back.
function(run_consumer what program)
  file(MAKE_DIRECTORY "${WORK}/data of ${what}")
  run("${what} at run time"
    ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${libraries} ${program} "${WORK}/data of ${what}")
  if(NOT output STREQUAL "Alice from ${VERSION}\n")
    message(FATAL_ERROR "${what} printed: ${output}")
  endif()
endfunction()

run("install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
foreach(file include/safechunk/safechunk.hpp include/safechunk/safechunk.h include/safechunk/nlohmann.hpp bin/safechunk
    share/man/man1/safechunk.1 share/bash-completion/completions/safechunk
    share/zsh/vendor-completions/_safechunk share/fish/vendor_completions.d/safechunk.fish
    ${LIBRARY_FOLDER}/libsafechunk.so ${LIBRARY_FOLDER}/libsafechunk.a
    ${LIBRARY_FOLDER}/pkgconfig/safechunk.pc)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()
run("the installed command"
  ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${libraries} ${prefix}/bin/safechunk --version)

# No installed text may point into the source or the build tree.
file(GLOB_RECURSE texts ${prefix}/*.cmake ${prefix}/*.pc ${prefix}/*.hpp)
foreach(text IN LISTS texts)
  file(READ ${text} content)
  string(FIND "${content}" "${BUILD}" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${text} points into the build tree")
  endif()
endforeach()

run("configuring with find_package" ${CMAKE_COMMAND} -S ${SOURCE}/consumer -B ${WORK}/consumer
  -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_PREFIX_PATH=${prefix}
  "-DCMAKE_CXX_FLAGS=${flags_text}")
run("building with find_package" ${CMAKE_COMMAND} --build ${WORK}/consumer)
run_consumer("shared library" ${WORK}/consumer/with_shared)
run_consumer("static library" ${WORK}/consumer/with_static)

# Where the development files of libzip are missing, the shared library can be used all the same.
set(ENV{PKG_CONFIG_LIBDIR} ${libraries}/pkgconfig)
run("configuring without libzip" ${CMAKE_COMMAND} -S ${SOURCE}/consumer -B ${WORK}/without_libzip
  -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_PREFIX_PATH=${prefix} -D KINDS=shared)
run("pkg-config without libzip" ${PKG_CONFIG} --cflags --libs safechunk)
unset(ENV{PKG_CONFIG_LIBDIR})

# A project that includes the source tree: it gets the library, and `cmake --install` installs its own files only.
run("configuring with FetchContent" ${CMAKE_COMMAND} -S ${SOURCE}/parent -B ${WORK}/parent
  -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER} -D SAFECHUNK=${SAFECHUNK})
file(GLOB_RECURSE scripts ${WORK}/parent/_deps/safechunk-build/*cmake_install.cmake)
if(NOT scripts)
  message(FATAL_ERROR "the included project was not configured")
endif()
foreach(script IN LISTS scripts)
  file(READ ${script} content)
  if(content MATCHES "file\\(INSTALL")
    message(FATAL_ERROR "an included project would install files: ${script}")
  endif()
endforeach()

set(ENV{PKG_CONFIG_PATH} ${libraries}/pkgconfig)
run("pkg-config" ${PKG_CONFIG} --cflags --libs safechunk)
separate_arguments(found UNIX_COMMAND "${output}")
run("building with pkg-config" ${COMPILER} -std=c++20 ${flags} ${SOURCE}/consumer/main.cc ${found}
  -o ${WORK}/with_pkg_config)
run_consumer("pkg-config" ${WORK}/with_pkg_config)
if(NOT SANITIZE)  # their runtime for C++ cannot be linked by the C compiler
  run("building C with pkg-config" ${C_COMPILER} -std=c99 ${flags} ${SOURCE}/consumer/main.c ${found}
    -o ${WORK}/with_c)
  run_consumer("C" ${WORK}/with_c)
  run("pkg-config --static" ${PKG_CONFIG} --static --cflags --libs safechunk)
  string(REPLACE "-lsafechunk" "-l:libsafechunk.a" output "${output}")
  separate_arguments(found UNIX_COMMAND "${output}")
  run("building C with the static library" ${C_COMPILER} -std=c99 ${flags} ${SOURCE}/consumer/main.c ${found}
    -o ${WORK}/with_static_c)
  run_consumer("static C" ${WORK}/with_static_c)
  # As rustc links: what pkg-config names, the language's own few libraries, and no defaults of the C compiler.
  run("pkg-config --static for rustc" ${PKG_CONFIG} --static --libs safechunk)
  string(REPLACE "-lsafechunk" "-Wl,-Bstatic -lsafechunk -Wl,-Bdynamic" output "${output}")
  string(REPLACE "-pthread" "" output "${output}")
  separate_arguments(found UNIX_COMMAND "${output}")
  run("compiling for rustc's line" ${C_COMPILER} -std=c99 ${flags} -I ${prefix}/include -c ${SOURCE}/consumer/main.c
    -o ${WORK}/main.o)
  run("linking as rustc" ${C_COMPILER} ${WORK}/main.o ${found} -Wl,--as-needed -lgcc_s -lc -nodefaultlibs
    -o ${WORK}/with_rustc_line)
  run_consumer("static library in rustc's line" ${WORK}/with_rustc_line)
endif()

# The shared library exports names of safechunk and nothing else.
if(NOT SANITIZE)
  run("nm" ${NM} -D --defined-only ${libraries}/libsafechunk.so)
  string(REGEX MATCHALL "[^\n]+" symbols "${output}")
  set(count 0)
  foreach(symbol IN LISTS symbols)
    if(NOT symbol MATCHES " (A SAFECHUNK_(C|CXX)_0|_ZNK?9safechunk|_ZT[ISV]N9safechunk|safechunk_)")
      message(FATAL_ERROR "exported, but not ours: ${symbol}")
    endif()
    math(EXPR count "${count} + 1")
  endforeach()
  if(count LESS 30)
    message(FATAL_ERROR "only ${count} symbols are exported")
  endif()
  message(STATUS "${count} exported symbols, all of safechunk")
endif()
