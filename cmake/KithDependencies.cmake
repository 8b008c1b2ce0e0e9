# Everything Kith links, all from the distribution (scripts/setup.sh installs it). The installed package
# includes this file too, so a consumer finds the same libraries.
find_package(Threads REQUIRED)
find_package(TBB REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(hwy REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)

# METIS and OpenBLAS ship no usable CMake target in Debian 12.
function(kith_find_library name header library)
  find_path(${name}_INCLUDE_DIR ${header} PATH_SUFFIXES ${ARGN} REQUIRED)
  find_library(${name}_LIBRARY ${library} PATH_SUFFIXES ${ARGN} REQUIRED)
  if(NOT TARGET kith_dep::${name})
    add_library(kith_dep::${name} UNKNOWN IMPORTED)
    set_target_properties(kith_dep::${name} PROPERTIES IMPORTED_LOCATION ${${name}_LIBRARY}
                          INTERFACE_INCLUDE_DIRECTORIES ${${name}_INCLUDE_DIR})
  endif()
endfunction()
kith_find_library(zstd zstd.h zstd)
kith_find_library(openblas cblas.h openblas openblas-pthread)
