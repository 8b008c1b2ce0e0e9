# Installs Kith under a prefix of its own, builds a project against it with find_package(kith), and runs what was built.
#   cmake -DBUILD=… -DWORK=… -DSOURCE=… -DCXX=… "-DCOMMANDS=one command;another" -P install_and_build.cmake
# Commands run in WORK, one after the other.
function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE status OUTPUT_VARIABLE out
                  ERROR_VARIABLE out)
  if(NOT status EQUAL 0)
    string(JOIN " " command ${ARGN})
    message(FATAL_ERROR "${command}\nended with ${status}:\n${out}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G Ninja -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${WORK}/build)
foreach(command IN LISTS COMMANDS)
  string(REPLACE " " ";" words ${command})
  message(STATUS "${command}")
  run(${words})
endforeach()
