# kith_test(NAME SOURCES a_test.cc … LIBRARIES kith::core … [LABELS unit] [TIMEOUT seconds])
#   one GoogleTest program, registered as one ctest entry.
# kith_mpi_test(NAME SOURCES … LIBRARIES … [RANKS 1 2 3 4] [TIMEOUT seconds])
#   the same with the MPI main of tests/mpi_main.cc, one ctest entry per number of ranks.
set(KITH_TEST_SLOWDOWN 1 CACHE STRING "Multiplies the time limits of the tests, for builds with sanitizers")

# A sanitizer's report fails a test even where a process ends without saying so: one that MPI or a launcher ends.
function(kith_test_limits test seconds)
  math(EXPR seconds "${seconds} * ${KITH_TEST_SLOWDOWN}")
  set_tests_properties(${test} PROPERTIES TIMEOUT ${seconds}
    FAIL_REGULAR_EXPRESSION "(Address|Leak|Thread|UndefinedBehavior)Sanitizer: ;runtime error: ")
endfunction()

function(kith_test_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gtest GTest::gmock)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${CMAKE_BINARY_DIR}/include)
  target_compile_features(${name} PRIVATE cxx_std_20)
  kith_warnings(${name})
  # Only the engine is checked for undefined behaviour: the tests' own code would take twice as long to compile.
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=[a-z,]*undefined")
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  endif()
endfunction()

function(kith_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  kith_test_program(${name} SOURCES ${ARG_SOURCES} LIBRARIES ${ARG_LIBRARIES} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" SKIP_REGULAR_EXPRESSION "KITH_SKIPPED_ALL")
  kith_test_limits(${name} ${ARG_TIMEOUT})
endfunction()

function(kith_mpi_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;RANKS" ${ARGN})
  kith_test_program(${name} SOURCES ${CMAKE_SOURCE_DIR}/tests/mpi_main.cc ${ARG_SOURCES}
                    LIBRARIES ${ARG_LIBRARIES} kith::comm)
  foreach(ranks ${ARG_RANKS})
    add_test(NAME ${name}.ranks${ranks}
             COMMAND ${MPIEXEC_EXECUTABLE} -n ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.ranks${ranks} PROPERTIES LABELS mpi PROCESSORS ${ranks})
    kith_test_limits(${name}.ranks${ranks} ${ARG_TIMEOUT})
  endforeach()
endfunction()
