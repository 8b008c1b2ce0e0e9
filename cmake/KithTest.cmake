# kith_test(NAME SOURCES a_test.cc … LIBRARIES kith::core … [LABELS unit] [TIMEOUT seconds])
#   one GoogleTest program, registered as one ctest entry.
# kith_mpi_test(NAME SOURCES … LIBRARIES … [RANKS 1 2 3 4] [TIMEOUT seconds])
#   the same with the MPI main of tests/mpi_main.cc, one ctest entry per number of ranks.
function(kith_test_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gtest GTest::gmock)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${CMAKE_BINARY_DIR}/include)
  target_compile_features(${name} PRIVATE cxx_std_20)
  kith_warnings(${name})
endfunction()

function(kith_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  kith_test_program(${name} SOURCES ${ARG_SOURCES} LIBRARIES ${ARG_LIBRARIES} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
                       SKIP_REGULAR_EXPRESSION "KITH_SKIPPED_ALL")
endfunction()

function(kith_mpi_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;RANKS" ${ARGN})
  kith_test_program(${name} SOURCES ${CMAKE_SOURCE_DIR}/tests/mpi_main.cc ${ARG_SOURCES}
                    LIBRARIES ${ARG_LIBRARIES} kith::comm)
  foreach(ranks ${ARG_RANKS})
    add_test(NAME ${name}.ranks${ranks}
             COMMAND ${MPIEXEC_EXECUTABLE} -n ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.ranks${ranks} PROPERTIES LABELS mpi TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ranks})
  endforeach()
endfunction()
