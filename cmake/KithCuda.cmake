# The CUDA backend, where a toolkit is found that does C++20 and takes this compiler, a g++, for its host code. The
# program runs on hosts without a driver, too: the runtime is linked statically, and cuBLASLt and NCCL are loaded when
# they are first asked for.
find_program(KITH_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)

# Whether nvcc serves, said on the screen where it does not.
function(kith_cuda_is_usable result)
  set(${result} OFF PARENT_SCOPE)
  if(NOT KITH_NVCC OR NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()
  endif()
  execute_process(COMMAND ${KITH_NVCC} --version OUTPUT_VARIABLE told ERROR_QUIET)
  string(REGEX MATCH "release ([0-9.]+)" told "${told}")
  if(CMAKE_MATCH_1 VERSION_LESS 12)
    message(STATUS "No CUDA: ${KITH_NVCC} is of version ${CMAKE_MATCH_1}, and 12 is needed")
    return()
  endif()
  set(ENV{CUDACXX} ${KITH_NVCC})
  set(ENV{CUDAHOSTCXX} ${CMAKE_CXX_COMPILER})
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(${result} ON PARENT_SCOPE)
  else()
    message(STATUS "No CUDA: ${KITH_NVCC} does not compile with ${CMAKE_CXX_COMPILER}")
  endif()
endfunction()

if(NOT DEFINED KITH_CUDA)
  kith_cuda_is_usable(usable)
endif()
option(KITH_CUDA "Build the CUDA backend; by default where a toolkit is found" ${usable})
set(KITH_CUDA_ARCHITECTURES 90 CACHE STRING "GPUs that machine code is made for; PTX of the last serves newer ones")

if(KITH_CUDA)
  if(NOT CMAKE_CUDA_COMPILER AND KITH_NVCC)
    set(CMAKE_CUDA_COMPILER ${KITH_NVCC})
  endif()
  if(NOT CMAKE_CUDA_HOST_COMPILER AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
  endif()
  set(CMAKE_CUDA_ARCHITECTURES ${KITH_CUDA_ARCHITECTURES})
  if(NOT DEFINED CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
  enable_language(CUDA)
  # CMake 3.25 does not know that nvcc does C++20.
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  find_package(CUDAToolkit REQUIRED)
  # NCCL's header alone: the library is loaded at run time.
  find_path(KITH_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION} for sm_${KITH_CUDA_ARCHITECTURES}: ${CMAKE_CUDA_COMPILER}")
endif()

# kith_cuda_module(NAME SOURCES a.cu b.cc … DEPENDS kith::core …): the static library kith::NAME of a module's
# CUDA half.
function(kith_cuda_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  kith_module(${name} SOURCES ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
  kith_cuda_flags(kith_${name})
endfunction()

function(kith_cuda_flags target)
  target_include_directories(${target} SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;--expt-relaxed-constexpr;-lineinfo;-Xptxas=-v>)
  # What ptxas says is kept for the test cuda_registers.
  set_target_properties(${target} PROPERTIES CUDA_COMPILER_LAUNCHER
                        "${CMAKE_SOURCE_DIR}/cmake/keep_ptxas_log.sh;${CMAKE_CUDA_COMPILER_LAUNCHER}")
endfunction()
